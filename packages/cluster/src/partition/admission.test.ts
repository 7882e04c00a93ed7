import { describe, expect, it } from "vitest";
import { refuseProduce } from "./admission.ts";
import { samplePartition } from "../testing/sample-partition.ts";

const partition = samplePartition({ replicas: [1, 2], dirs: ["", ""], isr: [1] });
const request = { topic: "a", brokerId: 1, acks: "leader" } as const;

describe("refuseProduce", () => {
  it("takes acks=leader and acks=none with too small an ISR, and refuses acks=all (H-1)", () => {
    expect(refuseProduce(partition, request)).toBeUndefined();
    expect(refuseProduce(partition, { ...request, acks: "none" })).toBeUndefined();
    const refusal = refuseProduce(partition, { ...request, acks: "all" });
    expect(refusal).toMatchObject({ reason: "NOT_ENOUGH_REPLICAS", metadata: { inSync: "1", minIsr: "2" } });
    expect(refuseProduce({ ...partition, isr: [1, 2] }, { ...request, acks: "all" })).toBeUndefined();
  });

  it("checks the epoch first, then leadership (H-3, H-7)", () => {
    const elsewhere = { ...request, brokerId: 2 };
    expect(refuseProduce(partition, { ...elsewhere, leaderEpoch: 4 })?.reason).toBe("FENCED_LEADER_EPOCH");
    expect(refuseProduce(partition, { ...elsewhere, leaderEpoch: 6 })?.reason).toBe("UNKNOWN_LEADER_EPOCH");
    expect(refuseProduce(partition, { ...elsewhere, leaderEpoch: 5 })).toMatchObject({
      reason: "NOT_LEADER",
      metadata: { leader: "1" },
    });
    expect(refuseProduce({ ...partition, leader: -1 }, request)?.reason).toBe("LEADER_NOT_AVAILABLE");
  });

  it("refuses acks below all at a leader that may be a zombie (H-11)", () => {
    const cutOff = { ...request, leadershipProven: false };
    expect(refuseProduce({ ...partition, isr: [1, 2] }, cutOff)?.reason).toBe("NOT_LEADER");
    expect(refuseProduce({ ...partition, isr: [1, 2] }, { ...cutOff, acks: "all" })).toBeUndefined();
  });
});
