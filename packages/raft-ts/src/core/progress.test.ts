// SPDX-License-Identifier: Apache-2.0
// Windows and progress against lists.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coreConfig } from "./core-config.ts";
import { Inflights } from "./inflights.ts";
import { Progress } from "./progress.ts";

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant("send" as const), entries: fc.nat(3), bytes: fc.nat(50) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("accepted" as const), share: fc.nat(100) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("rejected" as const), prev: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("heartbeat" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("snapshot" as const), ahead: fc.nat(5) }) },
);

describe("Inflights", () => {
  it("sums what is in it, whatever left and arrived (F4)", () => {
    const call = fc.oneof(fc.record({ bytes: fc.nat(40) }), fc.record({ upTo: fc.nat(30) }), fc.constant(null));
    fc.assert(
      fc.property(fc.array(call, { maxLength: 60 }), (calls) => {
        const window = new Inflights(4, 100);
        let model: { last: number; bytes: number }[] = [];
        let last = 0;
        for (const each of calls) {
          if (each === null) {
            window.reset();
            model = [];
          } else if ("upTo" in each) {
            window.freeTo(each.upTo);
            model = model.filter((message) => message.last > each.upTo);
          } else if (!window.full) {
            last += 1;
            window.add(last, each.bytes);
            model.push({ last, bytes: each.bytes });
          }
          const bytes = model.reduce((sum, message) => sum + message.bytes, 0);
          expect({ count: window.count, bytes: window.bytes }).toEqual({ count: model.length, bytes });
          expect(window.full).toBe(model.length >= 4 || bytes >= 100);
        }
      }),
    );
  });

  it("refuses what does not fit (F2)", () => {
    const window = new Inflights(1, 100);
    window.add(1, 1);
    expect(() => window.add(2, 1)).toThrow(/F2/);
  });
});

describe("Progress", () => {
  it("keeps match below next, lets match only grow, and never sends through a full window (L10, F2)", () => {
    const config = coreConfig({ self: "a", seed: 1n, maxInflightMsgs: 3, maxInflightBytes: 80 });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const peer = new Progress("b", true, 10, config);
        for (const each of steps) {
          const { match } = peer;
          if (each.type === "send" && !peer.paused) peer.sent(peer.next - 1 + each.entries, each.bytes);
          else if (each.type === "accepted") {
            const index = Math.floor(((peer.next - 1) * each.share) / 100);
            peer.accepted(index);
            if (peer.state === "probe") peer.becomeReplicate();
          } else if (each.type === "rejected" && peer.refusalCounts(each.prev)) {
            peer.becomeProbe(Math.max(peer.match + 1, Math.min(peer.next, each.prev)));
            expect(peer.inflights.bytes).toBe(0);
          } else if (each.type === "heartbeat") peer.heartbeatAnswered();
          else if (each.type === "snapshot") peer.becomeSnapshot(peer.match + each.ahead);
          expect(peer.match).toBeGreaterThanOrEqual(match);
          expect(peer.match).toBeLessThan(peer.next);
        }
      }),
    );
  });

  it("ignores stale refusals (L9)", () => {
    const peer = new Progress("b", true, 10, coreConfig({ self: "a", seed: 1n }));
    expect(peer.refusalCounts(9)).toBe(false);
    expect(peer.refusalCounts(10)).toBe(true);
    peer.accepted(10);
    peer.becomeReplicate();
    expect(peer.refusalCounts(10)).toBe(false);
    expect(peer.refusalCounts(11)).toBe(true);
  });
});
