import { expect, test } from "vitest";
import { segmentLanesFor } from "./segment-lanes.ts";

test.each([
  [undefined, 2],
  ["", 2],
  ["many", 2],
  ["4", 2],
  ["7", 2],
  ["8", 4],
  ["16", 4],
])("segmentLanesFor(%o) is %i (J-4)", (poolSize, lanes) => {
  expect(segmentLanesFor(poolSize)).toBe(lanes);
});
