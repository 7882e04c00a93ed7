// SPDX-License-Identifier: Apache-2.0
// Messages and snapshots as a core could send them, drawn by fast-check: for the properties of codecs.

import * as fc from "fast-check";
import { isWellFormed } from "../core/message-check.ts";
import type { Config, Entry, PeerId, PeerMessage } from "../core/types.ts";
import type { BootstrapAnswer, SnapshotDescription } from "../runtime/ports.ts";

/** Small ones, and those around the edges of what varints and numbers hold. */
const count = fc.oneof(
  fc.nat(300),
  fc.maxSafeNat(),
  fc.constantFrom(127, 128, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1),
);
const term = count.map((value) => Math.max(value, 1));
const bytes = fc.uint8Array({ maxLength: 300 });
/** A grapheme may take many bytes, and limits are in bytes. */
const text = (maxLength: number): fc.Arbitrary<string> =>
  fc.string({ unit: "grapheme", minLength: 1, maxLength }).filter((value) => Buffer.byteLength(value) <= 64);
const uint32 = fc.integer({ min: 0, max: 0xff_ff_ff_ff });

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const ids = fc.uniqueArray(text(40), { maxLength: 7 }).map((list) => list.sort(byText));

const config: fc.Arbitrary<Config> = fc.record({
  voters: fc.uniqueArray(text(40), { minLength: 1, maxLength: 7 }).map((list) => list.sort(byText)),
  votersOutgoing: ids,
  learners: ids,
  learnersNext: ids,
  addresses: fc
    .uniqueArray(fc.record({ id: text(40), address: fc.string({ maxLength: 60 }) }), {
      selector: ({ id }) => id,
      maxLength: 7,
    })
    .map((list) => list.sort((a, b) => byText(a.id, b.id))),
});

type Draft = (index: number, term: number) => Entry;

const draft: fc.Arbitrary<Draft> = fc.oneof(
  bytes.map((data): Draft => (index, term) => ({ type: "normal", index, term, data, config: null })),
  fc.constant<Draft>((index, term) => ({ type: "empty", index, term, data: new Uint8Array(0), config: null })),
  config.map((config): Draft => (index, term) => ({ type: "config", index, term, data: new Uint8Array(0), config })),
);

/** Every kind of message from `from` to `to`. */
export function peerMessages(from: PeerId, to: PeerId): fc.Arbitrary<PeerMessage> {
  const head = { from: fc.constant(from), to: fc.constant(to), term };
  const append = fc
    .record({
      prevIndex: count,
      prevTerm: count,
      step: fc.nat(3),
      drafts: fc.array(draft, { maxLength: 5 }),
      commit: count,
    })
    .map(({ prevIndex: any, prevTerm, step, drafts, commit }): PeerMessage => {
      const prevIndex = Math.min(any, Number.MAX_SAFE_INTEGER - 5);
      // Room for the entries behind it, and for their terms.
      const first = Math.min(prevTerm, Number.MAX_SAFE_INTEGER - 3) || 1;
      const entries = drafts.map((make, at) => make(prevIndex + 1 + at, first + Math.min(at, step)));
      return {
        type: "Append",
        from,
        to,
        term: first + 3,
        prevIndex,
        prevTerm: prevIndex === 0 ? 0 : first,
        entries,
        commit,
      };
    });
  const others = fc.oneof<fc.Arbitrary<PeerMessage>[]>(
    fc.record({ type: fc.constant("PreVote"), ...head, lastIndex: count, lastTerm: count }),
    fc.record({ type: fc.constantFrom("PreVoteResp", "VoteResp"), ...head, granted: fc.boolean() }),
    fc.record({ type: fc.constant("Vote"), ...head, lastIndex: count, lastTerm: count, transfer: fc.boolean() }),
    fc.record({ type: fc.constant("AppendResp"), ...head, ok: fc.constant(true), index: count }),
    fc.record({
      type: fc.constant("AppendResp"),
      ...head,
      ok: fc.constant(false),
      rejectedPrev: count,
      hintIndex: count,
      hintTerm: count,
    }),
    fc.record({ type: fc.constant("Heartbeat"), ...head, commit: count, readPos: count }),
    fc.record({ type: fc.constant("HeartbeatResp"), ...head, readPos: count }),
    fc.record({ type: fc.constant("TimeoutNow"), ...head }),
  );
  return fc.oneof({ weight: 2, arbitrary: others }, { weight: 1, arbitrary: append }).filter((m) => isWellFormed(m));
}

export const snapshotOffers: fc.Arbitrary<{ term: number; description: SnapshotDescription }> = fc
  .record({ term, index: term, behind: count, config, id: text(16), chain: uint32, sizeBytes: count, crc: uint32 })
  .map(({ term, index, behind, config, id, chain, sizeBytes, crc }) => {
    const meta = { index, term: Math.max(1, Math.min(term, behind)), config };
    return { term, description: { meta, id, chain, sizeBytes, crc } };
  });

export const bootstrapAnswers: fc.Arbitrary<BootstrapAnswer> = fc.record({
  nodeId: text(16),
  dirId: text(8),
  state: fc.constantFrom("blank", "member", "suspect"),
  clusterId: fc.option(text(20)),
  peers: ids,
  document: fc.option(config.map(({ addresses }) => ({ clusterId: "c", voters: addresses }))),
  begun: fc.boolean(),
  members: ids,
});
