import { expect, test } from "vitest";
import { TestBroker, bytes, text } from "./testing/test-broker.ts";

test("Broker takes records and gives them back, on the same directory again after a restart", async () => {
  await using server = await TestBroker.start();
  await server.createTopic("quakes");
  const produced = await server.produce({
    topic: "quakes",
    partition: 0,
    records: [
      { key: bytes("k"), value: bytes("v"), headers: [{ key: "h", value: bytes("x") }], timestampMs: 1_000 },
      { value: bytes("second"), timestampMs: 2_000 },
    ],
  });
  expect(produced.results).toMatchObject([
    { partition: 0, baseOffset: 0, lastOffset: 1, ack: { level: "all", durableReplicas: 1 }, duplicate: false },
  ]);
  const read = async (): Promise<unknown[]> => {
    const messages = await server.consumeAll({ topic: "quakes", end: { kind: "latest-at-start" } });
    return messages.flatMap((message) =>
      message.records.map((record) => [record.offset, text(record.key), text(record.value), record.timestampMs]),
    );
  };
  const expected = [
    [0, "k", "v", 1_000],
    [1, null, "second", 2_000],
  ];
  expect(await read()).toEqual(expected);
  await server.restart();
  expect(await read()).toEqual(expected);
  const again = await server.produce({ topic: "quakes", partition: 0, records: [{ value: bytes("third") }] });
  expect(again.results[0]?.baseOffset).toBe(2);
  // Every start begins a new leader epoch (J-3).
  expect(again.results[0]?.ack?.leaderEpoch).toBeGreaterThan(produced.results[0]?.ack?.leaderEpoch ?? Infinity);
});
