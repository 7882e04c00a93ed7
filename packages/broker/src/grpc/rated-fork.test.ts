import type { GroupRate } from "@varve/cluster";
import { expect, test } from "vitest";
import { type Refusal, refuse } from "../refusal.ts";
import { makeRated } from "./rated-fork.ts";

const slow: GroupRate = { recordsPerSecond: 5, bytesPerSecond: 0 };
const before: GroupRate = { recordsPerSecond: 70, bytesPerSecond: 0 };
const unknown = refuse("NOT_CONTROLLER", "The controller went", { outcome: "unknown" });
const notDone = refuse("NOT_CONTROLLER", "There is no controller", { outcome: "not-done" });

/** What the name has in the end, and what is answered. `set`: what becomes of the first rate, and of the second one. */
async function forked(
  made: Refusal | undefined,
  { set = [], whyNot }: { set?: readonly (Refusal | undefined)[]; whyNot?: Refusal } = {},
) {
  let rate = before;
  const outcomes = [...set];
  const answer = await makeRated({
    newGroup: "copy",
    rate: slow,
    before,
    setRate: async (wanted) => {
      const refusal = outcomes.shift();
      if (refusal === undefined || refusal === unknown) rate = wanted;
      return refusal ?? wanted;
    },
    whyNot: () => whyNot,
    make: async () => made,
  });
  return { rate, answer };
}

test("a group that is made has its rate", async () => {
  expect(await forked(undefined)).toEqual({ rate: slow, answer: undefined });
});

test("a group that is not made leaves the rate as it was", async () => {
  const known = refuse("GROUP_ALREADY_EXISTS", "There is one", {});
  expect(await forked(known)).toEqual({ rate: before, answer: known });
  const gone = refuse("NOT_COORDINATOR", "Another one coordinates it", {});
  expect(await forked(undefined, { whyNot: gone })).toEqual({ rate: before, answer: gone });
  expect(await forked(undefined, { set: [notDone] })).toEqual({ rate: before, answer: notDone });
});

test("a rate of which nobody knows whether it was set is set back, as there is no group", async () => {
  expect(await forked(undefined, { set: [unknown] })).toEqual({ rate: before, answer: unknown });
});

test.each(["REQUEST_TIMED_OUT", "NOT_COORDINATOR", "SHUTTING_DOWN"] as const)(
  "a group that may be there (%s) does not read faster, and the answer says that its rate stays",
  async (reason) => {
    const { rate, answer } = await forked(refuse(reason, "Nobody knows", {}));
    expect(rate).toEqual(slow);
    expect(answer).toMatchObject({ reason, message: expect.stringContaining("varve group rate copy none") });
  },
);

test("a rate that cannot be taken back is told", async () => {
  const { rate, answer } = await forked(refuse("STORAGE_FULL", "No room", {}), { set: [undefined, notDone] });
  expect(rate).toEqual(slow);
  expect(answer).toMatchObject({
    reason: "STORAGE_FULL",
    message: expect.stringContaining("varve group rate copy none"),
  });
});
