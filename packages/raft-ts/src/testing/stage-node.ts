// SPDX-License-Identifier: Apache-2.0
// One actor of a dialogue: a core, the disk below it, and a state machine that is a list of words. The disk takes a batch when
// the dialogue says `persist`; a crash forgets what was not persisted. Everything else is done at once.

import { normalEntry } from "../core/entries.ts";
import { RaftCore } from "../core/raft.ts";
import type { CoreOptions } from "../core/core-config.ts";
import type {
  BootState,
  Config,
  Entry,
  HardState,
  PeerId,
  PeerMessage,
  PersistBatch,
  Ready,
  SendSnapshot,
  SnapMeta,
  TermRun,
  TraceEvent,
} from "../core/types.ts";
import { printBatch, printEntries } from "./print-messages.ts";

/** What a snapshot of the word list is: where it was taken, and the words. */
export interface StageSnapshot {
  readonly meta: SnapMeta;
  readonly words: readonly string[];
}

/** What is durable. Replaced as a whole by each batch. */
interface Image {
  readonly hard: HardState;
  readonly snapshot: StageSnapshot | null;
  readonly firstIndex: number;
  /** Term of the entry in front of the first. */
  readonly baseTerm: number;
  readonly entries: readonly Entry[];
}

const text = new TextDecoder();
const bytes = new TextEncoder();

export class StageNode {
  readonly id: PeerId;
  readonly #options: Partial<CoreOptions>;
  #image: Image;
  #core!: RaftCore;
  #starts = 0;
  #pending: PersistBatch | null = null;
  #staged = new Map<string, StageSnapshot>();
  #words: string[] = [];
  #applied = 0;
  #holdApply = false;
  #heldApplies: number[] = [];
  #suspect = false;
  up = true;
  /** What happened since it was looked at last. */
  events: TraceEvent[] = [];

  constructor(id: PeerId, config: Config | null, options: Partial<CoreOptions>) {
    this.id = id;
    this.#options = options;
    // M9: every initial voter starts from the same snapshot; the first election is for term 2.
    const snapshot = config === null ? null : { meta: { index: 1, term: 1, config }, words: [] };
    const [term, commit, firstIndex] = snapshot === null ? [0, 0, 1] : [1, 1, 2];
    this.#image = { hard: { term, vote: null, commit }, snapshot, firstIndex, baseTerm: term, entries: [] };
    this.start();
  }

  get core(): RaftCore {
    return this.#core;
  }

  get pending(): PersistBatch | null {
    return this.#pending;
  }

  get words(): readonly string[] {
    return this.#words;
  }

  get image(): Image {
    return this.#image;
  }

  /** Makes entries durable behind the ones there, as if an earlier life had written them; `terms` one for each entry. */
  write(terms: readonly number[], commit: number): void {
    const { entries, firstIndex, hard } = this.#image;
    const start = firstIndex + entries.length;
    const added = terms.map((term, at) => normalEntry(start + at, term, bytes.encode(`w${start + at}.${term}`)));
    const term = Math.max(hard.term, ...terms);
    this.#image = {
      ...this.#image,
      hard: { term, vote: null, commit: Math.max(commit, hard.commit) },
      entries: [...entries, ...added],
    };
    this.start();
  }

  /** As if it had heard of `term` in an earlier life. */
  raiseTerm(term: number): void {
    const { hard } = this.#image;
    this.#image = { ...this.#image, hard: { ...hard, term, vote: null } };
    this.start();
  }

  /** Begins, or begins again after a crash: only the image is left. */
  start(): void {
    this.#starts += 1;
    this.#pending = null;
    this.#staged.clear();
    this.#heldApplies = [];
    this.#words = [...(this.#image.snapshot?.words ?? [])];
    this.#applied = this.#image.snapshot?.meta.index ?? 0;
    this.up = true;
    const seed = BigInt(this.#starts);
    const trace = (event: TraceEvent): void => void this.events.push(event);
    this.#core = new RaftCore({ ...this.#options, self: this.id, seed, trace }, this.#boot());
  }

  suspect(): void {
    this.#suspect = true;
    this.start();
  }

  #boot(): BootState {
    const { hard, snapshot, firstIndex, baseTerm, entries } = this.#image;
    const termRuns: TermRun[] = baseTerm === 0 ? [] : [{ start: firstIndex - 1, term: baseTerm }];
    for (const { index, term } of entries) if (termRuns.at(-1)?.term !== term) termRuns.push({ start: index, term });
    return {
      hard,
      snapshot: snapshot?.meta ?? null,
      firstIndex,
      lastIndex: firstIndex + entries.length - 1,
      termRuns,
      configs: entries.flatMap(({ index, config }) => (config === null ? [] : [{ index, config }])),
      tail: entries,
      applied: this.#applied,
      suspect: this.#suspect,
    };
  }

  /** Takes every `Ready` there is; returns what left for others, and tells the rest. */
  drain(tell: (line: string) => void): { messages: readonly PeerMessage[]; snapshots: readonly SendSnapshot[] } {
    const messages: PeerMessage[] = [];
    const snapshots: SendSnapshot[] = [];
    while (this.#core.hasReady()) {
      const ready = this.#core.ready();
      this.#tellSoft(ready, tell);
      messages.push(...ready.send);
      snapshots.push(...ready.sendSnapshot);
      for (const id of ready.discard) {
        this.#staged.delete(id);
        tell(`${this.id}: discards the staged snapshot`);
      }
      for (const { ctx, index } of ready.reads) tell(`${this.id}: read ${ctx} is good at ${index}`);
      for (const { ctx, why } of ready.failed) tell(`${this.id}: read ${ctx} failed, ${why}`);
      if (ready.persist !== null) {
        this.#pending = ready.persist;
        tell(`${this.id}: writes ${printBatch(ready.persist)}`);
      }
      if (ready.apply !== null) this.#apply(ready.apply.entries, tell);
      if (ready.restore !== null) this.#restore(tell);
      for (const { to, lo, hi, maxBytes, token } of ready.fetch) {
        tell(`${this.id}: reads ${lo} to ${hi - 1} for ${to ?? "itself"}`);
        this.#core.advance({ type: "entriesRead", to, token, entries: this.#read(lo, hi, maxBytes) });
      }
    }
    return { messages, snapshots };
  }

  #tellSoft({ soft }: Ready, tell: (line: string) => void): void {
    if (soft === null) return;
    const { role, term, leader, active } = soft;
    const whose = role === "follower" && leader !== null ? ` of ${leader}` : "";
    tell(`${this.id}: ${active ? "active " : ""}${role}${whose}, term ${term}`);
  }

  #read(lo: number, hi: number, maxBytes: number): readonly Entry[] {
    const { entries, firstIndex } = this.#image;
    const found = entries.slice(lo - firstIndex, hi - firstIndex);
    let size = 0;
    return found.filter(({ data }, at) => (size += data.byteLength) <= maxBytes || at === 0);
  }

  /** The batch under way becomes durable. */
  persist(): void {
    const batch = this.#pending;
    if (batch === null) return;
    const { hard, truncateFrom, entries, install } = batch;
    this.#pending = null;
    let image: Image = { ...this.#image, hard };
    if (install === null) {
      const kept = truncateFrom === null ? image.entries : image.entries.filter(({ index }) => index < truncateFrom);
      image = { ...image, entries: [...kept, ...entries] };
    } else {
      const snapshot = this.#staged.get(install.stagedId)!;
      this.#staged.delete(install.stagedId);
      const { index, term } = snapshot.meta;
      image = { hard, snapshot, firstIndex: index + 1, baseTerm: term, entries: [] };
    }
    this.#image = image;
    this.#core.advance({ type: "persisted", seq: batch.seq });
  }

  #apply(entries: readonly Entry[], tell: (line: string) => void): void {
    for (const { type, data, index } of entries) {
      if (type === "normal") this.#words.push(text.decode(data));
      this.#applied = index;
    }
    tell(`${this.id}: applies ${printEntries(entries)}`);
    if (this.#holdApply) this.#heldApplies.push(this.#applied);
    else this.#core.advance({ type: "applied", index: this.#applied });
  }

  #restore(tell: (line: string) => void): void {
    const { meta, words } = this.#image.snapshot!;
    this.#words = [...words];
    this.#applied = meta.index;
    tell(`${this.id}: restores ${meta.index}@${meta.term}`);
    this.#core.advance({ type: "restored", index: meta.index });
  }

  /** Whether applied entries are acknowledged at once. */
  holdApply(hold: boolean): void {
    this.#holdApply = hold;
    if (hold) return;
    for (const index of this.#heldApplies.splice(0)) this.#core.advance({ type: "applied", index });
  }

  /** Takes a snapshot of what is applied, keeps `trailing` entries in front of it, and forgets the rest. */
  takeSnapshot(trailing: number): SnapMeta | null {
    const meta = this.#heldApplies.length > 0 ? null : this.#core.snapshotMeta(this.#applied);
    if (meta === null) return null;
    const upTo = Math.max(meta.index - trailing, this.#image.firstIndex - 1);
    const { hard, firstIndex, baseTerm, entries } = this.#image;
    this.#image = {
      hard,
      baseTerm: entries.find(({ index }) => index === upTo)?.term ?? baseTerm,
      snapshot: { meta, words: [...this.#words] },
      firstIndex: Math.max(firstIndex, upTo + 1),
      entries: entries.filter(({ index }) => index > upTo),
    };
    this.#core.advance({ type: "compacted", snapshot: meta, upTo });
    return meta;
  }

  /** A stream from `from` arrived whole. */
  receiveSnapshot(from: PeerId, term: number, snapshot: StageSnapshot): void {
    const stagedId = `${from}/${term}/${snapshot.meta.index}`;
    this.#staged.set(stagedId, snapshot);
    this.#core.step({ type: "SnapDone", from, to: this.id, term, meta: snapshot.meta, stagedId });
  }
}
