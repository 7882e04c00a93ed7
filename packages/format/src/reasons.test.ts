// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";

import { isReason, reasonNames, reasons } from "./reasons.ts";

describe("reasons", () => {
  it("are complete sentences with a status that fits whether a retry helps", () => {
    expect(reasonNames.length).toBeGreaterThan(30);
    for (const name of reasonNames) {
      const { about, grpcStatus, kafkaCode, retriable } = reasons[name];
      expect(name).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(about).toMatch(/^[A-Z].*\.$/);
      expect(Number.isInteger(kafkaCode) && kafkaCode >= -1 && kafkaCode <= 133 && kafkaCode !== 0).toBe(true);
      // A generated client retries UNAVAILABLE by itself.
      if (grpcStatus === "UNAVAILABLE") expect(retriable, name).toBe(true);
      if (grpcStatus === "INVALID_ARGUMENT" || grpcStatus === "NOT_FOUND") expect(retriable, name).toBe(false);
    }
  });

  it("know their own names only", () => {
    expect(isReason("NOT_LEADER")).toBe(true);
    expect(isReason("constructor")).toBe(false);
    expect(isReason("NEWER_REASON")).toBe(false);
  });
});
