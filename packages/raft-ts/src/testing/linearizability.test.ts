// SPDX-License-Identifier: Apache-2.0
import { expect, test } from "vitest";
import { byKey, checkLinearizable, type Operation } from "./linearizability.ts";
import { RandomStream } from "./random-stream.ts";
import { registerModel, RegisterWatch, type RegisterInput, type RegisterOutput } from "./register.ts";
import { ViolationError } from "./violation.ts";

type RegisterOperation = Operation<RegisterInput, RegisterOutput>;

const read = (value: number, calledAt: number, returnedAt: number): RegisterOperation => {
  return { input: { kind: "read", key: 0 }, calledAt, returnedAt, output: { value, done: false } };
};
const write = (value: number, calledAt: number, returnedAt: number): RegisterOperation => {
  const output = returnedAt === Infinity ? undefined : { value: 0, done: true };
  return { input: { kind: "write", key: 0, value }, calledAt, returnedAt, output };
};
const verdict = (...history: RegisterOperation[]): string => checkLinearizable(history, registerModel).kind;

test("checkLinearizable() accepts what one copy could have done", () => {
  expect(verdict()).toBe("linearizable");
  expect(verdict(write(1, 0, 10), read(1, 5, 6), read(1, 20, 30))).toBe("linearizable");
  expect(verdict(write(1, 0, 10), read(0, 5, 6), read(1, 7, 8))).toBe("linearizable");
});

test("checkLinearizable() refuses stale reads and values that nobody wrote", () => {
  expect(verdict(write(1, 0, 10), read(0, 11, 12))).toBe("violation");
  expect(verdict(write(1, 0, 10), read(1, 5, 6), read(0, 7, 8))).toBe("violation");
  expect(verdict(read(9, 0, 1))).toBe("violation");
});

test("checkLinearizable() lets an unknown operation happen later, or never", () => {
  const unknown = write(1, 0, Infinity);
  expect(verdict(unknown, read(0, 5, 6), read(1, 100, 101))).toBe("linearizable");
  expect(verdict(unknown, read(0, 5, 6))).toBe("linearizable");
  expect(verdict(unknown, read(1, 5, 6), read(0, 7, 8))).toBe("violation");
});

test("checkLinearizable() says that it did not finish within its steps", () => {
  expect(checkLinearizable([write(1, 0, 10), write(2, 0, 10), read(2, 20, 30)], registerModel, 2).kind).toBe(
    "undecided",
  );
});

test("checkLinearizable() agrees with brute force on histories of up to 8 operations", () => {
  const random = new RandomStream(1, "histories");
  const seen = { linearizable: 0, violation: 0, undecided: 0 };
  for (let round = 0; round < 4_000; round++) {
    const history = randomHistory(random, random.between(1, 8));
    const { kind } = checkLinearizable(history, registerModel);
    expect({ history, kind }).toEqual({ history, kind: bruteForce(history) ? "linearizable" : "violation" });
    seen[kind]++;
  }
  // Both verdicts must have been tried, else this test proves nothing.
  expect(seen.linearizable).toBeGreaterThan(500);
  expect(seen.violation).toBeGreaterThan(500);
});

test("checkLinearizable() accepts long histories of a correct register, with unknown outcomes, in few steps", () => {
  const random = new RandomStream(2, "histories");
  for (let round = 0; round < 20; round++) {
    const history = correctHistory(random, 1_000);
    const { kind, steps } = checkLinearizable(history, registerModel, 200_000);
    expect({ kind, isCheap: steps < 200_000 }).toEqual({ kind: "linearizable", isCheap: true });
  }
});

test("checkLinearizable() finds one stale read in a long history", () => {
  const random = new RandomStream(3, "histories");
  const history = correctHistory(random, 1_000);
  const stale = history.length - 1;
  history[stale] = { ...(history[stale] as RegisterOperation), ...read(0, 1e9, 1e9 + 1) };
  expect(checkLinearizable(history, registerModel).kind).toBe("violation");
});

test("byKey() groups by key in the order of calls", () => {
  const other: RegisterOperation = { ...read(0, 1, 2), input: { kind: "read", key: 7 } };
  const groups = byKey([read(0, 5, 6), other, read(0, 3, 4)], ({ key }) => key);
  expect(groups.get(0)?.map(({ calledAt }) => calledAt)).toEqual([3, 5]);
  expect(groups.get(7)).toEqual([other]);
});

test("RegisterWatch refuses an answer that is older than what was known before the question (IR12)", () => {
  const watch = new RegisterWatch();
  const early = watch.called(1);
  watch.changed(early, 5);
  watch.applied(100, 5);
  watch.applied(200, 6);
  watch.saw(watch.called(1), 200);
  watch.saw(early, 100);
  expect(() => watch.saw(watch.called(1), 100)).toThrow(ViolationError);
  expect(() => watch.saw(watch.called(1), 300)).toThrow(/never applied/);
  expect(() => watch.changed(watch.called(1), 6)).toThrow(ViolationError);
  watch.saw(watch.called(2), 0);
});

/** Small times and few values, so that both verdicts are frequent. */
function randomHistory(random: RandomStream, count: number): RegisterOperation[] {
  return Array.from({ length: count }, (): RegisterOperation => {
    const calledAt = random.below(12);
    const isUnknown = random.chance(0.15);
    const returnedAt = isUnknown ? Infinity : calledAt + random.below(8);
    const value = random.below(3);
    const kind = random.pick(["read", "write", "cas"] as const);
    const input: RegisterInput =
      kind === "read"
        ? { kind, key: 0 }
        : kind === "write"
          ? { kind, key: 0, value }
          : { kind, key: 0, expected: value, value: random.below(3) };
    const output = isUnknown ? undefined : { value: random.below(3), done: random.chance(0.5) };
    return { input, calledAt, returnedAt, output };
  });
}

/** Clients of one correct register: each operation takes effect at one moment between its call and its return. */
function correctHistory(random: RandomStream, count: number): RegisterOperation[] {
  let value = 0;
  let now = 0;
  const moments = Array.from({ length: count }, (_, at) => {
    now += random.below(20);
    return { at, now };
  });
  return moments.map(({ at, now }): RegisterOperation => {
    const calledAt = now - random.below(40);
    const returnedAt = random.chance(0.01) ? Infinity : now + random.below(40);
    const known = <T>(output: T): T | undefined => (returnedAt === Infinity ? undefined : output);
    const before = value;
    if (random.chance(0.5))
      return { input: { kind: "read", key: 0 }, calledAt, returnedAt, output: known({ value: before, done: false }) };
    // An unknown operation sometimes never happens.
    if (returnedAt !== Infinity || random.chance(0.5)) value = at + 1;
    return {
      input: { kind: "write", key: 0, value: at + 1 },
      calledAt,
      returnedAt,
      output: known({ value: before, done: true }),
    };
  });
}

/** Every order that respects real time, without memory. */
function bruteForce(history: readonly RegisterOperation[], state = registerModel.initial): boolean {
  if (history.every(({ returnedAt }) => returnedAt === Infinity)) return true;
  const firstReturn = Math.min(...history.map(({ returnedAt }) => returnedAt));
  return history.some((operation, at) => {
    if (operation.calledAt > firstReturn) return false;
    const next = registerModel.step(state, operation.input, operation.output);
    return next !== undefined && bruteForce(history.toSpliced(at, 1), next);
  });
}
