// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { RandomStream, randomStreams } from "./random-stream.ts";

const draw = (stream: RandomStream, count = 8): number[] => Array.from({ length: count }, () => stream.bits());

test("RandomStream gives the same numbers for the same seed and name, and others for another", () => {
  expect(draw(new RandomStream(7, "network"))).toEqual(draw(new RandomStream(7, "network")));
  expect(draw(new RandomStream(7, "network"))).not.toEqual(draw(new RandomStream(7, "disk:a")));
  expect(draw(new RandomStream(7, "network"))).not.toEqual(draw(new RandomStream(8, "network")));
  expect(draw(new RandomStream(7 + 2 ** 40, "network"))).not.toEqual(draw(new RandomStream(7, "network")));
});

test("RandomStream's numbers never change between versions: seeds in reports stay good", () => {
  expect(draw(new RandomStream(42, "network"), 3)).toMatchInlineSnapshot(`
    [
      2520516032,
      2619862485,
      1910407056,
    ]
  `);
});

test("randomStreams() keeps one stream per name, and one's appetite does not shift another's numbers", () => {
  const greedy = randomStreams(3);
  const modest = randomStreams(3);
  draw(greedy("network"), 100);
  expect(draw(greedy("disk:a"))).toEqual(draw(modest("disk:a")));
  expect(draw(greedy("network"), 1)).not.toEqual(draw(modest("network"), 1));
});

test("RandomStream stays in bounds and near its means", () => {
  const stream = new RandomStream(5, "bounds");
  let sum = 0;
  const seen = new Set<number>();
  for (let round = 0; round < 20_000; round++) {
    sum += stream.exponential(1_000);
    seen.add(stream.between(3, 9));
  }
  expect([...seen].sort((a, b) => a - b)).toEqual([3, 4, 5, 6, 7, 8, 9]);
  expect(sum / 20_000).toBeGreaterThan(900);
  expect(sum / 20_000).toBeLessThan(1_100);
  expect(stream.below(0)).toBe(0);
  expect(stream.shuffle([1, 2, 3, 4]).sort((a, b) => a - b)).toEqual([1, 2, 3, 4]);
  expect(() => stream.pick([])).toThrow(RangeError);
});
