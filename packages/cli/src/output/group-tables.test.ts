// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { printLagChange, printLags, printRate, printTopicPartitions, printTotalLag, totalLag } from "./group-tables.ts";

const lag = {
  topic: "orders",
  partition: 0,
  committedOffset: 5,
  highWatermark: 9,
  logStartOffset: 0,
  lag: 4,
  lagMs: 1500,
  memberId: "m-1",
  endOffset: undefined,
  error: undefined,
};

describe("totalLag()", () => {
  it("adds up what is known, and says of how much it is not", () => {
    const total = totalLag([lag, { ...lag, lag: 1200, lagMs: 90_000 }, { ...lag, lag: -1, lagMs: -1 }]);
    expect(total).toEqual({ records: 1204, behindMs: 90_000, unknownPartitions: 1 });
    expect(printTotalLag(total)).toBe(
      "1,204 records behind, the oldest from 1 min 30 s ago; of 1 partition it is not known",
    );
    expect(printTotalLag(totalLag([]))).toBe("0 records behind");
  });
});

describe("printLagChange()", () => {
  it.each([
    [1000, 400, "; 300 records/s fewer, none left in 1.3 s"],
    [1000, 0, "; 500 records/s fewer"],
    [0, 100, "; 50 records/s more"],
    [7, 7, "; unchanged"],
  ])("from %i to %i in two seconds", (before, now, text) => {
    const total = (records: number): Parameters<typeof printLagChange>[0] => ({
      records,
      behindMs: 0,
      unknownPartitions: 0,
    });
    expect(printLagChange(total(before), total(now), 2000)).toBe(text);
  });
});

describe("printLags()", () => {
  it("shows what is not known as -, and an end where there is one", () => {
    expect(printLags([lag])).toBe(
      "TOPIC   PARTITION  START  COMMITTED  END  LAG  BEHIND  MEMBER\n" +
        "orders          0      0          5    9    4  1.5 s   m-1\n",
    );
    const unknown = { ...lag, committedOffset: -1, lag: -1, lagMs: -1, memberId: "", endOffset: 7 };
    expect(printLags([unknown]).split("\n")[1]).toMatch(/^orders +0 +0 +- +7 +9 +- +- +-$/);
  });
});

describe("printTopicPartitions()", () => {
  it("writes runs of partitions by topic", () => {
    const of = (topic: string, ...numbers: number[]): { topic: string; partition: number }[] =>
      numbers.map((partition) => ({ topic, partition }));
    expect(printTopicPartitions([...of("orders", 10, 0, 1, 2, 5), ...of("visits", 1)])).toBe(
      "orders 0-2,5,10  visits 1",
    );
    expect(printTopicPartitions([])).toBe("-");
  });
});

describe("printRate()", () => {
  it("names the limits that there are", () => {
    expect(printRate({ recordsPerSecond: 0, bytesPerSecond: 0 })).toBe("as fast as it can");
    expect(printRate({ recordsPerSecond: 2500, bytesPerSecond: 1 << 20 })).toBe(
      "at most 2,500 records/s and 1.0 MiB/s",
    );
  });
});
