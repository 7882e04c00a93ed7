import { describe, expect, it } from "vitest";
import { decideConfigureGroup, groupRate } from "./group-config.ts";
import { replayAll } from "./replay.ts";
import { emptyImage } from "./state.ts";
import type { ControllerImage } from "./state.ts";

function configure(image: ControllerImage, group: string, recordsPerSecond: number, bytesPerSecond = 0) {
  const decision = decideConfigureGroup(image, { kind: "configureGroup", group, recordsPerSecond, bytesPerSecond });
  if ("refusal" in decision) return { image, reason: decision.refusal.reason, records: 0 };
  return { image: replayAll(image, decision.records), reason: undefined, records: decision.records.length };
}

describe("configureGroup", () => {
  it("keeps a rate until it is taken away, and says the same again without a record", () => {
    const set = configure(emptyImage, "a/b", 10, 2_000);
    expect(groupRate(set.image, "a/b")).toEqual({ recordsPerSecond: 10, bytesPerSecond: 2_000 });
    expect(groupRate(set.image, "a")).toBeUndefined();
    expect(configure(set.image, "a/b", 10, 2_000).records).toBe(0);
    const half = configure(set.image, "a/b", 0, 2_000);
    expect(groupRate(half.image, "a/b")).toEqual({ recordsPerSecond: 0, bytesPerSecond: 2_000 });
    expect(groupRate(configure(half.image, "a/b", 0, 0).image, "a/b")).toBeUndefined();
  });

  it("refuses what is no name and no rate", () => {
    for (const [group, rate] of [
      ["", 1],
      ["g".repeat(250), 1],
      ["g", -1],
      ["g", 0.5],
      ["g", Number.MAX_SAFE_INTEGER + 1],
    ] as const) {
      expect(configure(emptyImage, group, rate).reason).toBe("INVALID_REQUEST");
    }
  });
});
