import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeProducerState, encodeProducerState } from "./producer-state-file.ts";
import { ProducerState } from "./producer-state.ts";
import type { ProducerBatch, ProducerVerdict } from "./producer-state.ts";

const transactional = 16;
const control = 32;
const sequences = 2 ** 31;

/** A batch of producer 7, epoch 2. */
function batch(baseSequence: number, change: Partial<ProducerBatch> & { count?: number } = {}): ProducerBatch {
  const { count = 1, ...fields } = change;
  return {
    baseOffset: baseSequence + 1000,
    lastOffsetDelta: count - 1,
    attributes: 0,
    maxTimestampMs: baseSequence * 10,
    producerId: 7,
    producerEpoch: 2,
    baseSequence,
    ...fields,
  };
}

function marker(change: Partial<ProducerBatch> = {}): ProducerBatch {
  return batch(-1, { attributes: control | transactional, ...change });
}

function stateWith(...batches: ProducerBatch[]): ProducerState {
  const state = new ProducerState({ expiryMs: 1000 });
  for (const one of batches) state.append(one, 0);
  return state;
}

function answer(verdict: ProducerVerdict): string {
  if (verdict.kind === "append") return "append";
  if (verdict.kind === "duplicate") return `duplicate ${verdict.baseOffset}-${verdict.lastOffset}`;
  return `${verdict.reason}, wants ${verdict.expectedSequence}`;
}

describe("ProducerState.check()", () => {
  test("answers a duplicate of each of the last five batches as the first time", () => {
    const state = stateWith(...[0, 1, 2, 3, 4, 5].map((number) => batch(number * 10, { count: 10 })));
    expect(answer(state.check(batch(0, { count: 10 })))).toBe("OUT_OF_ORDER_SEQUENCE, wants 60");
    for (const first of [10, 20, 30, 40, 50]) {
      const verdict = state.check(batch(first, { count: 10, baseOffset: 0 }));
      expect(verdict).toEqual({
        kind: "duplicate",
        baseOffset: 1000 + first,
        lastOffset: 1009 + first,
        timestampMs: first * 10,
      });
    }
  });

  test("takes for a duplicate only a batch with the same first and last sequence", () => {
    const state = stateWith(batch(0, { count: 10 }));
    expect(answer(state.check(batch(0, { count: 9 })))).toBe("OUT_OF_ORDER_SEQUENCE, wants 10");
    expect(answer(state.check(batch(1, { count: 9 })))).toBe("OUT_OF_ORDER_SEQUENCE, wants 10");
    expect(answer(state.check(batch(0, { count: 11 })))).toBe("OUT_OF_ORDER_SEQUENCE, wants 10");
  });

  test("refuses an older epoch, even for a duplicate", () => {
    const state = stateWith(batch(0, { producerEpoch: 1 }), batch(0));
    expect(answer(state.check(batch(0, { producerEpoch: 1 })))).toBe("INVALID_PRODUCER_EPOCH, wants 1");
  });

  test("takes a newer epoch at sequence 0 only, and forgets the batches of the older one", () => {
    const state = stateWith(batch(0), batch(1));
    expect(answer(state.check(batch(2, { producerEpoch: 3 })))).toBe("OUT_OF_ORDER_SEQUENCE, wants 0");
    expect(answer(state.check(batch(0, { producerEpoch: 3 })))).toBe("append");
    state.append(batch(0, { producerEpoch: 3 }), 0);
    expect(answer(state.check(batch(1)))).toBe("INVALID_PRODUCER_EPOCH, wants 1");
    expect(answer(state.check(batch(1, { producerEpoch: 3 })))).toBe("append");
  });

  test("accepts any sequence of a producer it does not know, but 0 only when the producer says it starts there", () => {
    const state = stateWith();
    expect(answer(state.check(batch(57)))).toBe("append");
    expect(answer(state.check(batch(57), { startsAtZero: true }))).toBe("OUT_OF_ORDER_SEQUENCE, wants 0");
    expect(answer(state.check(batch(0), { startsAtZero: true }))).toBe("append");
  });

  test("wants the next sequence, and says which", () => {
    const state = stateWith(batch(0, { count: 5 }));
    const verdict = state.check(batch(6));
    expect(verdict).toMatchObject({ kind: "refused", expectedSequence: 5, foundSequence: 6, producerEpoch: 2 });
    expect(answer(state.check(batch(5)))).toBe("append");
  });

  test("wraps from 2147483647 to 0, between batches and inside one", () => {
    const between = stateWith(batch(sequences - 3, { count: 3 }));
    expect(answer(between.check(batch(sequences - 1)))).toBe("OUT_OF_ORDER_SEQUENCE, wants 0");
    expect(answer(between.check(batch(0)))).toBe("append");
    const inside = stateWith(batch(sequences - 2, { count: 5 }));
    expect(answer(inside.check(batch(sequences - 2, { count: 5 })))).toBe(
      `duplicate ${sequences + 998}-${sequences + 1002}`,
    );
    expect(answer(inside.check(batch(3)))).toBe("append");
  });

  test("lets batches without a producer id pass, and remembers nothing of them", () => {
    const state = stateWith(batch(0, { producerId: -1 }));
    expect(state.producerCount).toBe(0);
    expect(answer(state.check(batch(-1, { producerId: -1 })))).toBe("append");
  });

  test("keeps producers apart", () => {
    const state = stateWith(batch(0), batch(40, { producerId: 8 }));
    expect(answer(state.check(batch(1)))).toBe("append");
    expect(answer(state.check(batch(41, { producerId: 8 })))).toBe("append");
    expect(answer(state.check(batch(41)))).toBe("OUT_OF_ORDER_SEQUENCE, wants 1");
  });

  test("changes nothing", () => {
    const state = stateWith(batch(0), batch(1));
    const before = state.entries();
    for (const probe of [batch(0), batch(2), batch(9), batch(0, { producerEpoch: 3 }), batch(5, { producerId: 99 })])
      state.check(probe);
    expect(state.entries()).toEqual(before);
  });
});

describe("ProducerState and transactions", () => {
  test("a transactional batch needs an open transaction or the coordinator's word", () => {
    const state = stateWith();
    const first = batch(0, { attributes: transactional });
    expect(answer(state.check(first))).toBe("INVALID_TXN_STATE, wants -1");
    expect(answer(state.check(first, { transactionVerified: true }))).toBe("append");
    state.append(first, 0);
    expect(answer(state.check(batch(1, { attributes: transactional })))).toBe("append");
    expect(answer(state.check(batch(1)))).toBe("INVALID_TXN_STATE, wants 1");
  });

  test("a marker of the same epoch ends the transaction; the sequence goes on and duplicates are still known", () => {
    const state = stateWith(batch(0, { attributes: transactional }), batch(1, { attributes: transactional }));
    expect(state.firstOpenTransaction).toBe(1000);
    state.append(marker(), 0, 4);
    expect(state.firstOpenTransaction).toBeUndefined();
    expect(state.entries()[0]).toMatchObject({ coordinatorEpoch: 4, nextSequence: 2 });
    expect(answer(state.check(batch(1, { attributes: transactional })))).toBe("duplicate 1001-1001");
    expect(answer(state.check(batch(2)))).toBe("append");
  });

  test("a marker of a newer epoch starts the sequence over", () => {
    const state = stateWith(batch(0, { attributes: transactional }), marker({ producerEpoch: 3 }));
    expect(answer(state.check(batch(1, { producerEpoch: 3 })))).toBe("OUT_OF_ORDER_SEQUENCE, wants 0");
    expect(answer(state.check(batch(0, { producerEpoch: 3 })))).toBe("append");
    expect(answer(state.check(batch(1)))).toBe("INVALID_PRODUCER_EPOCH, wants 0");
  });

  test("a marker for a producer whose batches are gone accepts whatever comes next", () => {
    expect(answer(stateWith(marker()).check(batch(57)))).toBe("append");
  });

  test("control batches without a producer id are none of its business", () => {
    expect(stateWith(marker({ producerId: -1, attributes: control })).producerCount).toBe(0);
  });

  test("a transaction that begins at offset 0 is open like any other", () => {
    const first = batch(0, { attributes: transactional, baseOffset: 0 });
    const state = stateWith(first, batch(1, { attributes: transactional, baseOffset: 1 }));
    expect(state.firstOpenTransaction).toBe(0);
    expect(answer(state.check(batch(2)))).toBe("INVALID_TXN_STATE, wants 2");
    expect(answer(state.check(batch(2, { attributes: transactional })))).toBe("append");
    expect(state.expire(1_000_000)).toBe(0);
    state.append(marker({ baseOffset: 2 }), 0);
    expect(answer(state.check(batch(2)))).toBe("append");
  });

  test("firstOpenTransaction is the oldest of all producers", () => {
    const state = stateWith(
      batch(9, { attributes: transactional }),
      batch(3, { attributes: transactional, producerId: 8 }),
      batch(5, { attributes: transactional, producerId: 9 }),
    );
    expect(state.firstOpenTransaction).toBe(1003);
  });
});

describe("ProducerState.expire()", () => {
  test("forgets who was silent for expiryMs, not who has a transaction open", () => {
    const state = new ProducerState({ expiryMs: 1000 });
    state.append(batch(0, { producerId: 1 }), 0);
    state.append(batch(0, { producerId: 2, attributes: transactional }), 0);
    state.append(batch(0, { producerId: 3 }), 500);
    state.append(batch(1, { producerId: 1 }), 600);
    expect(state.expire(999)).toBe(0);
    expect(state.expire(1500)).toBe(1);
    expect(state.entries().map((entry) => entry.producerId)).toEqual([2, 1]);
    expect(state.expire(10_000)).toBe(1);
    expect(state.producerCount).toBe(1);
  });

  test("goes by when a batch was written, not by its timestamps: events of 2016 may be replayed", () => {
    const state = new ProducerState({ expiryMs: 1000 });
    state.append(batch(0, { maxTimestampMs: 1_454_284_800_000 }), 1_800_000_000_000);
    expect(state.expire(1_800_000_000_500)).toBe(0);
  });
});

test("ProducerState is bounded: the producer that was silent longest goes, not one with a transaction", () => {
  const state = new ProducerState({ expiryMs: 1000, producersMax: 3 });
  state.append(batch(0, { producerId: 1, attributes: transactional }), 0);
  for (const producerId of [2, 3]) state.append(batch(0, { producerId }), 0);
  state.append(batch(1, { producerId: 2 }), 0);
  state.append(batch(0, { producerId: 4 }), 0);
  expect(state.entries().map((entry) => entry.producerId)).toEqual([1, 2, 4]);
  state.append(marker({ producerId: 5 }), 0);
  expect(state.entries().map((entry) => entry.producerId)).toEqual([1, 4, 5]);
  const open = new ProducerState({ expiryMs: 1000, producersMax: 1 });
  open.append(batch(0, { producerId: 1, attributes: transactional, baseOffset: 0 }), 0);
  open.append(batch(0, { producerId: 2 }), 0);
  expect(open.entries().map((entry) => entry.producerId)).toEqual([1, 2]);
});

interface Event {
  readonly batch: ProducerBatch;
  readonly isMarker: boolean;
}

/** The rules by definition, from the whole history of one producer, with nothing kept in between. */
function naiveAnswer(history: readonly Event[], probe: ProducerBatch): string {
  if (history.length === 0) return "append";
  const epoch = Math.max(...history.map((event) => event.batch.producerEpoch));
  const inEpoch = history.filter((event) => event.batch.producerEpoch === epoch);
  const data = inEpoch.filter((event) => !event.isMarker).map((event) => event.batch);
  const last = data.at(-1);
  const endOf = (one: ProducerBatch): number => (one.baseSequence + one.lastOffsetDelta + 1) % sequences;
  let next = last === undefined ? -1 : endOf(last);
  if (last === undefined && inEpoch.length < history.length) next = 0;
  if (probe.producerEpoch < epoch) return `INVALID_PRODUCER_EPOCH, wants ${next}`;
  if (probe.producerEpoch > epoch) return probe.baseSequence === 0 ? "append" : "OUT_OF_ORDER_SEQUENCE, wants 0";
  const same = data
    .slice(-5)
    .find((one) => one.baseSequence === probe.baseSequence && one.lastOffsetDelta === probe.lastOffsetDelta);
  if (same !== undefined) return `duplicate ${same.baseOffset}-${same.baseOffset + same.lastOffsetDelta}`;
  return next < 0 || next === probe.baseSequence ? "append" : `OUT_OF_ORDER_SEQUENCE, wants ${next}`;
}

test("ProducerState agrees with the rules by definition, also after a snapshot and a replay from it", () => {
  const attempt = fc.record({
    producerId: fc.nat(2),
    epochUp: fc.constantFrom(0, 0, 0, 0, 0, 1, -1),
    /** How far from the next sequence; most are right, or a retry of what was sent. */
    shift: fc.constantFrom(0, 0, 0, 0, -1, -2, -3, -4, -5, -6, 1),
    restart: fc.constantFrom(false, false, false, true),
    count: fc.integer({ min: 1, max: 3 }),
    isMarker: fc.constantFrom(false, false, false, false, true),
    snapshot: fc.constantFrom(false, false, true),
  });
  const start = fc.constantFrom(0, 5, sequences - 4);
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 80 }), start, (attempts, start) => {
      const histories = new Map<number, Event[]>();
      let state = new ProducerState({ expiryMs: 1000 });
      let saved = { bytes: encodeProducerState(0, []), log: [] as ProducerBatch[] };
      let offset = 0;
      for (const one of attempts) {
        const history = histories.get(one.producerId) ?? [];
        histories.set(one.producerId, history);
        const epoch = Math.max(0, ...history.map((event) => event.batch.producerEpoch)) + one.epochUp;
        if (epoch < 0) continue;
        const sent = history.filter((event) => !event.isMarker).map((event) => event.batch);
        const next =
          sent.length === 0 ? start : (sent.at(-1)!.baseSequence + sent.at(-1)!.lastOffsetDelta + 1) % sequences;
        const retried = one.shift < 0 ? sent.at(one.shift) : undefined;
        const probe: ProducerBatch = {
          baseOffset: offset,
          lastOffsetDelta: retried?.lastOffsetDelta ?? one.count - 1,
          attributes: one.isMarker ? control | transactional : 0,
          maxTimestampMs: offset,
          producerId: one.producerId,
          producerEpoch: epoch,
          baseSequence: one.isMarker
            ? -1
            : one.restart
              ? 0
              : (retried?.baseSequence ?? (next + Math.max(0, one.shift)) % sequences),
        };
        if (one.isMarker) {
          if (one.epochUp < 0) continue;
        } else {
          const expected = naiveAnswer(history, probe);
          expect(answer(state.check(probe))).toBe(expected);
          if (expected !== "append") continue;
        }
        state.append(probe, 0);
        history.push({ batch: probe, isMarker: one.isMarker });
        saved.log.push(probe);
        offset += probe.lastOffsetDelta + 1;
        if (!one.snapshot) continue;
        // Crash: what was known comes from the last snapshot and the headers after it.
        const read = decodeProducerState(saved.bytes);
        if (read.kind !== "ok") throw new Error(read.why);
        const rebuilt = new ProducerState({ expiryMs: 1000 }, read.entries);
        for (const header of saved.log) rebuilt.append(header, 0);
        expect(rebuilt.entries()).toEqual(state.entries());
        state = rebuilt;
        saved = { bytes: encodeProducerState(offset, state.entries()), log: [] };
      }
    }),
    { numRuns: 400 },
  );
});
