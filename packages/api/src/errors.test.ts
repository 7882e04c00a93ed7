// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from "node:fs";
import { Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { reasons } from "@varve/format";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientReasons, errorFromFields, errorToFields, VarveError, type VarveReason } from "./errors.ts";
import type { ProduceResponse } from "./produce/produce-response.ts";
import { errorFromStatus, statusFromError } from "./status-details.ts";

const all = { ...reasons, ...clientReasons };
const names = Object.keys(all) as VarveReason[];

function failureWith(metadata: Metadata, code: status, details = "text"): ServiceError {
  return Object.assign(new Error(details), { code, details, metadata });
}

describe("docs/errors.md", () => {
  const page = readFileSync(new URL("../../../docs/errors.md", import.meta.url), "utf8");
  const rows = [...page.matchAll(/^\| `([A-Z_]+)`\s*\| ([A-Z_]+)\s*\| (yes|no)\s*\|/gm)];

  it("lists every reason once, with its status and whether to retry, and no other", () => {
    const listed = rows.map(([, reason, grpcStatus, retry]) => ({ reason, grpcStatus, retriable: retry === "yes" }));
    const wanted = Object.entries(all).map(([reason, { grpcStatus, retriable }]) => ({
      reason,
      grpcStatus,
      retriable,
    }));
    expect(listed).toEqual(wanted);
  });
});

describe("VarveError", () => {
  it("takes status and retriability from its reason", () => {
    for (const reason of names) {
      const error = new VarveError(reason, "m");
      expect(error.grpcCode).toBe(status[all[reason].grpcStatus]);
      expect(error.retriable).toBe(all[reason].retriable);
      expect(error.code).toBe(reason);
    }
  });

  it("survives the way through a message's fields", () => {
    const error = new VarveError("BUSY", "m", { metadata: { a: "1", __proto__x: "2" }, retriable: false });
    expect(errorFromFields(errorToFields(error))).toEqual(error);
  });

  it("becomes UNRECOGNISED for a reason that is not known here", () => {
    const fields = { reason: "FROM_THE_FUTURE", message: "m", retriable: true, metadata: { a: "b" } };
    expect(errorFromFields(fields)).toMatchObject({
      reason: "UNRECOGNISED",
      retriable: true,
      metadata: { a: "b", reason: "FROM_THE_FUTURE" },
    });
  });
});

describe("statusFromError() and errorFromStatus()", () => {
  it("stays small when the error quotes a huge name: trailers beyond 64 KiB would stall the connection", () => {
    const name = "é".repeat(100_000);
    const sent = statusFromError(
      new VarveError("UNKNOWN_TOPIC", `There is no topic "${name}"`, { metadata: { topic: name } }),
    );
    expect(
      Buffer.concat(sent.metadata.get("grpc-status-details-bin").map((value) => Buffer.from(value))).length,
    ).toBeLessThan(8192);
    expect(sent.details.length).toBeLessThanOrEqual(1024);
    const received = errorFromStatus(failureWith(sent.metadata, sent.code, sent.details));
    expect(received.reason).toBe("UNKNOWN_TOPIC");
    expect(received.metadata["topic"]).toMatch(/^é{255}…$/);
  });

  it("are inverse for any reason, message and metadata", () => {
    const metadata = fc.dictionary(fc.string({ minLength: 1, maxLength: 20 }), fc.string({ maxLength: 40 }), {
      maxKeys: 8,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.string({ minLength: 1, maxLength: 200 }),
        metadata,
        fc.boolean(),
        (reason, message, facts, retriable) => {
          fc.pre(!Object.hasOwn(facts, "retriable"));
          const error = new VarveError(reason, message, { metadata: facts, retriable });
          const sent = statusFromError(error);
          const back = errorFromStatus(failureWith(sent.metadata, sent.code, sent.details));
          expect(back).toMatchObject({ reason, message: error.message, retriable, grpcCode: error.grpcCode });
          expect({ ...back.metadata }).toEqual({ ...facts });
        },
      ),
    );
  });

  it("carry the ProduceResponse, unless it is too large for a trailer", () => {
    const result = {
      partition: 1,
      baseOffset: 4,
      lastOffset: 9,
      duplicate: false,
      recordIndexes: [0, 2],
      logStartOffset: 0,
    };
    const through = (response: ProduceResponse): ProduceResponse | undefined => {
      const sent = statusFromError(new VarveError("NOT_LEADER", "m", { produceResponse: response }));
      return errorFromStatus(failureWith(sent.metadata, sent.code)).produceResponse;
    };
    expect(through({ results: [result] })).toEqual({ results: [result] });
    expect(through({ results: Array.from({ length: 2000 }, () => result) })).toBeUndefined();
  });

  it("give statuses without details a reason by their code", () => {
    const reasonOf = (code: status): string => errorFromStatus(failureWith(new Metadata(), code)).reason;
    expect(reasonOf(status.UNAVAILABLE)).toBe("UNREACHABLE");
    expect(reasonOf(status.CANCELLED)).toBe("CANCELLED");
    expect(reasonOf(status.UNKNOWN)).toBe("INTERNAL");
  });

  it("read whatever a stranger puts into the details", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const metadata = new Metadata();
        metadata.set("grpc-status-details-bin", Buffer.from(bytes));
        expect(errorFromStatus(failureWith(metadata, status.INTERNAL))).toBeInstanceOf(VarveError);
      }),
    );
  });
});
