// SPDX-License-Identifier: Apache-2.0
// What is written is read back the same, by us and by protobufjs with the proto file; and whatever bytes come in, the result is
// a value (X3).
//
//   RAFT_FUZZ=20000 npx vitest run packages/raft-ts/src/transport/codecs.fuzz.ts

import { fileURLToPath } from "node:url";
import * as fc from "fast-check";
import protobuf from "protobufjs";
import { describe, expect, it } from "vitest";
import { isWellFormed } from "../core/message-check.ts";
import type { PeerMessage } from "../core/types.ts";
import { bootstrapAnswers, peerMessages, snapshotOffers } from "../testing/arbitrary-messages.ts";
import { decodeEnvelope, decodeIntroduction, encodeEnvelope, encodeIntroduction } from "./envelope.ts";
import { decodeAnswer, encodeAnswer } from "./hello-codec.ts";
import { decodePart, decodeSnapshotAnswer, encodeChunk, encodeOffer, encodeSnapshotAnswer } from "./snapshot-codec.ts";

const numRuns = Number(process.env["RAFT_FUZZ"] ?? 200);
const schema = protobuf.loadSync(fileURLToPath(new URL("../../proto/raft/v1/raft.proto", import.meta.url)));
const introduction = { clusterId: "clüster", sender: "a@1", target: "b@2" };
const messages = fc.array(peerMessages("a@1", "b@2"), { maxLength: 4 });

/** The same message, as another implementation of protobuf writes it. */
function rewritten(type: string, bytes: Uint8Array): Uint8Array {
  const codec = schema.lookupType(`raft.v1.${type}`);
  const object = codec.toObject(codec.decode(bytes), { longs: String, bytes: Array });
  return codec.encode(codec.fromObject(object)).finish();
}

function encoded(list: readonly PeerMessage[]): Buffer {
  return encodeEnvelope(introduction, list, 0);
}

describe("encodeEnvelope() and decodeEnvelope()", () => {
  it("give every message back as it was", () => {
    const check = (list: PeerMessage[]): void => {
      expect(decodeEnvelope(encoded(list), introduction)).toEqual({ ok: true, messages: list });
    };
    fc.assert(fc.property(messages, check), { numRuns });
  });

  it("speak the language of raft.proto", () => {
    const check = (list: PeerMessage[]): void => {
      const foreign = rewritten("Envelope", encoded(list));
      expect(decodeEnvelope(foreign, introduction)).toEqual({ ok: true, messages: list });
    };
    fc.assert(fc.property(messages, check), { numRuns });
  });

  it("make a value of any bytes: messages that a core could have sent, or a fault (X3)", () => {
    const check = (list: PeerMessage[], edits: [number, number][], cut: number): void => {
      const outcome = decodeEnvelope(damaged(encoded(list), edits, cut), introduction);
      if (outcome.ok) expect(outcome.messages.every((message) => isWellFormed(message))).toBe(true);
      else expect(outcome.fault.why).not.toBe("");
    };
    fc.assert(fc.property(messages, damage, fc.nat(400), check), { numRuns: 5 * numRuns });
    const noise = (bytes: Uint8Array): void => void decodeEnvelope(bytes, introduction);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), noise), { numRuns: 5 * numRuns });
  });

  it("share no memory with a larger buffer that the bytes lie in (L13)", () => {
    const append: PeerMessage = {
      type: "Append",
      from: "a@1",
      to: "b@2",
      term: 1,
      prevIndex: 0,
      prevTerm: 0,
      commit: 0,
      entries: [{ type: "normal", index: 1, term: 1, data: Uint8Array.of(1, 2, 3), config: null }],
    };
    const bytes = encoded([append]);
    const pool = Buffer.alloc(100_000);
    bytes.copy(pool, 500);
    const outcome = decodeEnvelope(pool.subarray(500, 500 + bytes.length), introduction);
    pool.fill(0xee);
    expect(outcome).toEqual({ ok: true, messages: [append] });
  });
});

describe("decodeIntroduction()", () => {
  it("takes what fits and names what does not (X1)", () => {
    const self = { clusterId: introduction.clusterId, peer: "b@2" };
    const bytes = encodeIntroduction(introduction, "127.0.0.1:7");
    expect(decodeIntroduction(bytes, self)).toEqual({ ok: true, introduction, address: "127.0.0.1:7" });
    const reason = (change: Partial<typeof introduction>): string => {
      const outcome = decodeIntroduction(encodeIntroduction({ ...introduction, ...change }, ""), self);
      return outcome.ok ? "ok" : outcome.fault.reason;
    };
    expect([
      reason({ clusterId: "x" }),
      reason({ target: "b@3" }),
      reason({ sender: "" }),
      reason({ sender: "b@2" }),
    ]).toEqual(["cluster", "target", "sender", "sender"]);
    const withMessage = encoded([{ type: "TimeoutNow", from: "a@1", to: "b@2", term: 1 }]);
    expect(decodeIntroduction(withMessage, self)).toMatchObject({ ok: false, fault: { reason: "malformed" } });
    const laterVersion = Buffer.from([0x08, 0x02, ...bytes.subarray(2)]);
    expect(decodeIntroduction(laterVersion, self)).toMatchObject({ ok: false, fault: { reason: "version" } });
    expect(decodeEnvelope(laterVersion, introduction)).toMatchObject({ ok: false, fault: { reason: "version" } });
    const impostor = encodeEnvelope({ ...introduction, sender: "c@1" }, [], 0);
    expect(decodeEnvelope(impostor, introduction)).toMatchObject({ ok: false, fault: { reason: "sender" } });
  });

  it("refuses texts that are longer than their field may be (X3)", () => {
    const self = { clusterId: introduction.clusterId, peer: "b@2" };
    const address = (length: number): unknown =>
      decodeIntroduction(encodeIntroduction(introduction, "a".repeat(length)), self);
    expect(address(300)).toMatchObject({ ok: true });
    const why = expect.stringMatching(/301 bytes, at most 300/) as string;
    expect(address(301)).toMatchObject({ ok: false, fault: { reason: "malformed", why } });
  });
});

describe("the codecs of snapshots", () => {
  it("give offers, chunks and answers back as they were, and so does protobufjs", () => {
    const check = (
      { term, description }: { term: number; description: unknown },
      data: Uint8Array,
      n: number,
    ): void => {
      const offer = encodeOffer(term, description as Parameters<typeof encodeOffer>[1]);
      expect(decodePart(offer)).toEqual({ ok: true, value: { kind: "offer", term, description } });
      expect(decodePart(rewritten("SnapshotPart", offer))).toEqual(decodePart(offer));
      const chunk = { offset: n, data, crc: n % 2 ** 32, last: n % 2 === 0 };
      const bytes = encodeChunk(chunk);
      expect(decodePart(bytes)).toEqual({ ok: true, value: { kind: "chunk", ...chunk } });
      expect(decodePart(rewritten("SnapshotPart", bytes))).toEqual(decodePart(bytes));
      for (const answer of [{ kind: "offset", offset: n }, { kind: "verified" }] as const) {
        const written = encodeSnapshotAnswer(answer);
        expect(decodeSnapshotAnswer(written)).toEqual({ ok: true, value: answer });
        expect(decodeSnapshotAnswer(rewritten("SnapshotAnswer", written))).toEqual({ ok: true, value: answer });
      }
    };
    const data = fc.uint8Array({ maxLength: 100 });
    fc.assert(fc.property(snapshotOffers, data, fc.maxSafeNat(), check), { numRuns });
  });

  it("make a value of any bytes (X3)", () => {
    const check = (
      { term, description }: { term: number; description: unknown },
      edits: [number, number][],
      cut: number,
    ): void => {
      const bytes = damaged(encodeOffer(term, description as Parameters<typeof encodeOffer>[1]), edits, cut);
      for (const decode of [decodePart, decodeSnapshotAnswer]) {
        const outcome = decode(bytes);
        if (!outcome.ok) expect(outcome.why).not.toBe("");
      }
    };
    fc.assert(fc.property(snapshotOffers, damage, fc.nat(400), check), { numRuns: 5 * numRuns });
  });
});

describe("WireReader.number()", () => {
  it("refuses what no safe integer holds", () => {
    const codec = schema.lookupType("raft.v1.SnapshotPart");
    const part = (offset: string): Uint8Array => codec.encode(codec.fromObject({ chunk: { offset } })).finish();
    expect(decodePart(part("9007199254740991"))).toMatchObject({ ok: true, value: { offset: 2 ** 53 - 1 } });
    for (const offset of ["9007199254740992", "1152921504606846976", "18446744073709551615"]) {
      expect(decodePart(part(offset))).toEqual({ ok: false, why: "a number is above 2^53 - 1" });
    }
  });
});

describe("the codecs of the bootstrap", () => {
  it("give answers back as they were, and so does protobufjs", () => {
    const check = (answer: Parameters<typeof encodeAnswer>[0]): void => {
      const bytes = encodeAnswer(answer);
      expect(decodeAnswer(bytes)).toEqual({ ok: true, value: answer });
      expect(decodeAnswer(rewritten("HelloResponse", bytes))).toEqual({ ok: true, value: answer });
    };
    fc.assert(fc.property(bootstrapAnswers, check), { numRuns });
    expect(decodeAnswer(Buffer.alloc(0))).toEqual({ ok: false, why: "protocol version 0, this node speaks 1" });
  });

  it("make a value of any bytes (X3)", () => {
    const check = (answer: Parameters<typeof encodeAnswer>[0], edits: [number, number][], cut: number): void => {
      const bytes = damaged(encodeAnswer(answer), edits, cut);
      const outcome = decodeAnswer(bytes);
      if (!outcome.ok) expect(outcome.why).not.toBe("");
    };
    fc.assert(fc.property(bootstrapAnswers, damage, fc.nat(400), check), { numRuns: 5 * numRuns });
  });
});

/** Places and new values. */
const damage = fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 4 });

function damaged(bytes: Buffer, edits: readonly (readonly [number, number])[], cut: number): Buffer {
  const copy = Buffer.from(bytes);
  for (const [at, value] of edits) if (at < copy.length) copy[at] = value;
  return copy.subarray(0, Math.max(0, copy.length - Math.max(0, cut - 200)));
}
