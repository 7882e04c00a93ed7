// SPDX-License-Identifier: Apache-2.0
import type { PartitionStatusOutput } from "@varve/api";
import { describe, expect, it } from "vitest";
import { printPartitions, printTroubles } from "./partition-table.ts";

const online: PartitionStatusOutput = {
  partition: 0,
  state: "PARTITION_STATE_ONLINE",
  stateDetail: "",
  leader: { nodeId: 2, leaderEpoch: 4, address: "varve-2:9094" },
  logStartOffset: 0,
  highWatermark: 100,
  logEndOffset: 100,
  countedOffset: 100,
  sizeBytes: 989,
  replicas: [2, 1],
  inSyncReplicas: [2, 1],
  error: null,
  replicaLags: [0, 0],
};
const offline: PartitionStatusOutput = {
  ...online,
  partition: 1,
  state: "PARTITION_STATE_OFFLINE",
  leader: { nodeId: -1, leaderEpoch: 5, address: "" },
  logStartOffset: -1,
  highWatermark: -1,
  logEndOffset: -1,
  sizeBytes: 0,
  inSyncReplicas: [],
  error: { reason: "LEADER_NOT_AVAILABLE", message: "It has no leader now", retriable: true, metadata: {} },
};

describe("printPartitions()", () => {
  it("shows what is not known as -, and numbers to the right beside it", () => {
    expect(printPartitions([online, offline])).toBe(
      [
        "PARTITION  STATE    LEADER  EPOCH  START  HIGH WATERMARK  END  BYTES  REPLICAS  IN SYNC",
        "        0  online        2      4      0             100  100    989  2,1       2,1",
        "        1  offline       -      5      -               -    -      -  2,1       -",
        "",
      ].join("\n"),
    );
  });

  it("says nothing of replicas where there is one of each", () => {
    expect(printPartitions([{ ...online, replicas: [2], inSyncReplicas: [2] }])).not.toContain("REPLICAS");
  });
});

describe("printTroubles()", () => {
  it("says what is wrong with which partition", () => {
    const troubles = printTroubles([online, offline]);
    expect(troubles).toContain("partition 1 is offline: It has no leader now\n");
    expect(troubles).not.toContain("partition 0");
  });

  it("is silent when all is well", () => {
    expect(printTroubles([online])).toBe("");
  });

  it("keeps text of others from driving the terminal", () => {
    const damaged = { ...online, state: "PARTITION_STATE_QUARANTINED", stateDetail: "\u001b[2J" } as const;
    expect(printTroubles([damaged])).toBe("partition 0 is quarantined: \\x1b[2J\n");
  });
});
