// SPDX-License-Identifier: Apache-2.0
// The log against a list of entries and a disk that takes one batch at a time.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { normalEntry, totalBytes } from "./entries.ts";
import { Log } from "./log.ts";
import type { BootState, Entry } from "./types.ts";

const blank: BootState = {
  hard: { term: 0, vote: null, commit: 0 },
  snapshot: null,
  firstIndex: 1,
  lastIndex: 0,
  termRuns: [],
  configs: [],
  tail: [],
  applied: 0,
  suspect: false,
};

function entry(index: number, term: number): Entry {
  return normalEntry(index, term, new Uint8Array(index % 5));
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant("append" as const), rise: fc.nat(1), count: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("truncate" as const), share: fc.nat(99) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("commit" as const), share: fc.nat(100) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("handOut" as const) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("persisted" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("compact" as const), share: fc.nat(100) }) },
);

describe("Log", () => {
  it("is what was appended and not truncated; stable is what the disk has of it (P4, P6)", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 400 }), (steps, cacheBytes) => {
        const log = new Log(blank, cacheBytes);
        const model: Entry[] = [];
        const disk: Entry[] = [];
        let batch: { truncateFrom: number | null; entries: readonly Entry[]; last: number; term: number } | null = null;
        let term = 1;
        for (const each of steps) {
          if (each.type === "append") {
            term += each.rise;
            for (let count = 0; count < each.count; count += 1) {
              model.push(entry(model.length + 1, term));
              log.append(model.at(-1)!);
            }
          } else if (each.type === "truncate") {
            const from = log.commit + 1 + Math.floor(((model.length - log.commit) * each.share) / 100);
            if (from > model.length) continue;
            model.length = from - 1;
            // What follows a truncation is of a later term.
            term += 1;
            log.truncateFrom(from);
          } else if (each.type === "commit") {
            const to = log.commit + Math.floor(((model.length - log.commit) * each.share) / 100);
            log.commitTo(to);
          } else if (each.type === "handOut" && batch === null && log.dirty) {
            batch = { ...log.handOut(), last: log.lastIndex, term: log.lastTerm };
          } else if (each.type === "persisted" && batch !== null) {
            if (batch.truncateFrom !== null) disk.length = batch.truncateFrom - 1;
            for (const written of batch.entries) {
              expect(written.index).toBe(disk.length + 1);
              disk.push(written);
            }
            log.persisted(batch.last, batch.term);
            batch = null;
          } else if (each.type === "compact") {
            const limit = Math.min(log.commit, log.stable);
            const upTo = log.firstIndex - 1 + Math.floor(((limit - log.firstIndex + 1) * each.share) / 100);
            if (upTo >= log.firstIndex) log.compact(upTo);
          }
          expect(log.lastIndex).toBe(model.length);
          // Durable: the disk holds exactly these, in this version.
          for (let index = 1; index <= log.stable; index += 1) expect(disk[index - 1]).toBe(model[index - 1]);
          for (let index = log.firstIndex; index <= model.length; index += 1) {
            expect(log.termAt(index)).toBe(model[index - 1]!.term);
          }
          // What is not both durable and committed stays in memory.
          expect(log.cachedFrom).toBeLessThanOrEqual(
            Math.max(Math.min(log.stable, log.commit), log.firstIndex - 1) + 1,
          );
          if (log.cachedFrom <= log.lastIndex) {
            const all = log.slice(log.cachedFrom, log.lastIndex + 1, Number.MAX_SAFE_INTEGER)!;
            expect(all).toEqual(model.slice(log.cachedFrom - 1));
            expect(log.bytesBetween(1, log.lastIndex + 1)).toBe(totalBytes(all));
            expect(log.slice(log.cachedFrom, log.lastIndex + 1, 0)).toHaveLength(1);
          }
        }
      }),
    );
  });

  it("refuses to truncate what is committed (L3), to skip an index, to fall in terms (L4), to commit what is not there", () => {
    const log = new Log(blank, 1000);
    log.append(entry(1, 2));
    log.append(entry(2, 2));
    log.commitTo(1);
    expect(() => log.truncateFrom(1)).toThrow(/L3/);
    expect(() => log.append(entry(4, 2))).toThrow(/L4/);
    expect(() => log.append(entry(3, 1))).toThrow(/L4/);
    expect(() => log.commitTo(3)).toThrow(/L6/);
    expect(() => log.commitTo(0)).toThrow(/C4/);
  });

  it("a batch that was rewritten while under way makes only its common part durable (P6)", () => {
    const log = new Log(blank, 1000);
    for (const index of [1, 2, 3]) log.append(entry(index, 1));
    log.handOut();
    log.truncateFrom(2);
    log.append(entry(2, 2));
    log.append(entry(3, 2));
    log.persisted(3, 1);
    expect(log.stable).toBe(1);
    const second = log.handOut();
    expect(second.truncateFrom).toBe(2);
    expect(second.entries).toEqual([entry(2, 2), entry(3, 2)]);
  });

  it.each<readonly [string, Partial<BootState>, RegExp]>([
    ["commit beyond the end (C4)", { hard: { term: 1, vote: null, commit: 1 } }, /C4/],
    ["entries gone without a snapshot (S3)", { firstIndex: 3, lastIndex: 2 }, /S3/],
    ["entries without a term (L4)", { lastIndex: 2 }, /L4/],
    ["a tail that does not end the log (L4)", { tail: [entry(1, 1)] }, /L4/],
    [
      "a run behind the end (L4)",
      {
        lastIndex: 1,
        termRuns: [
          { start: 1, term: 1 },
          { start: 2, term: 2 },
        ],
      },
      /L4/,
    ],
  ])("refuses a boot state with %s", (_, part, rule) => {
    expect(() => new Log({ ...blank, ...part }, 1000)).toThrow(rule);
  });
});
