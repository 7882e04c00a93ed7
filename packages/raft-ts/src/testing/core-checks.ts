// SPDX-License-Identifier: Apache-2.0
/**
 * The invariants of the core world, IR1 to IR17, each checked where it could break: O(what changed) per event.
 *
 * They look at what nodes show (messages, batches, answers) and at simulated disks, never at what a core says about
 * itself, except for its role, its commit index and its configuration, whose changes are the things to judge.
 */
import type { BootState, Config, Entry, PeerId, PeerMessage, PersistBatch, Role, SnapMeta } from "../core/types.ts";
import { configDigest, nextChain } from "./chain.ts";
import type { CoreNode } from "./core-node.ts";
import type { DiskImage, StoredSnapshot } from "./disk-image.ts";
import type { Ledger } from "./ledger.ts";
import type { RegisterOutput, RegisterWatch } from "./register.ts";
import { digestRegisters, type Registers } from "./register-machine.ts";
import type { Trace } from "./trace.ts";
import { holds } from "./violation.ts";

export interface CoreChecksOptions {
  readonly ledger: Ledger;
  readonly watch: RegisterWatch;
  readonly trace: Trace;
  /** The durable image of an identity; undefined for one that never was. */
  readonly imageOf: (id: PeerId) => DiskImage<Registers> | undefined;
  /** What runs where the identity is or was. */
  readonly nodeOf: (id: PeerId) => CoreNode | undefined;
  /** A value was applied for the first time anywhere. */
  readonly applied: (value: number, index: number) => void;
}

const messageCodes: Readonly<Record<PeerMessage["type"], number>> = {
  PreVote: 1,
  PreVoteResp: 2,
  Vote: 3,
  VoteResp: 4,
  Append: 5,
  AppendResp: 6,
  Heartbeat: 7,
  HeartbeatResp: 8,
  TimeoutNow: 9,
};

export class CoreChecks {
  readonly #ledger: Ledger;
  readonly #watch: RegisterWatch;
  readonly #trace: Trace;
  readonly #imageOf: (id: PeerId) => DiskImage<Registers> | undefined;
  readonly #nodeOf: (id: PeerId) => CoreNode | undefined;
  readonly #applied: (value: number, index: number) => void;
  /** Highest match each leader has seen of each peer, while it leads (IR9). */
  readonly #matches = new Map<string, { term: number; matches: Map<PeerId, number> }>();

  constructor({ ledger, watch, trace, imageOf, nodeOf, applied }: CoreChecksOptions) {
    this.#nodeOf = nodeOf;
    this.#applied = applied;
    this.#ledger = ledger;
    this.#watch = watch;
    this.#trace = trace;
    this.#imageOf = imageOf;
  }

  /** E13, C4: a node restarts as follower with a commit index that its log covers. */
  booted(node: CoreNode, boot: BootState): void {
    const { role, commit, leader, term } = node.core.status();
    node.commit = commit;
    if (boot.suspect) return;
    holds(role === "follower" && leader === null, "E13", () => `${node.name} restarts as ${role} of ${leader}`);
    holds(term === boot.hard.term, "E13", () => `${node.name} restarts with term ${term} instead of ${boot.hard.term}`);
    this.note(node, () => `boots: term ${term}, log to ${boot.lastIndex}, commit ${commit}`);
  }

  changesRole(node: CoreNode, from: Role, to: Role, term: number): void {
    this.#trace.fact(from.length * 64 + to.length);
    this.note(node, () => `${from} → ${to} in term ${term}`);
    holds(from === node.role, "3.4", () => `${node.name} changes from ${from}, but it is ${node.role}`);
    holds(
      to === "follower" || from !== "leader",
      "3.4",
      () => `${node.name} changes from leader to ${to} without being follower between`,
    );
    if (to !== "leader") return;
    holds(from === "candidate", "3.4", () => `${node.name} changes from ${from} to leader`);
    this.#ledger.leads(term, node.name);
    const commit = this.#ledger.commitBelow(term);
    if (commit === undefined) return;
    const { image } = node.disk;
    const chain = image.chainAt(commit.index);
    holds(
      chain === commit.chain || image.firstIndex - 1 > commit.index,
      "IR3",
      () => `${node.name} leads term ${term} without entry ${commit.index}, committed in term ${commit.term}`,
    );
  }

  truncates(node: CoreNode, from: number, role: Role): void {
    this.#trace.fact(from);
    this.note(node, () => `truncates from ${from}`);
    holds(role !== "leader", "IR5", () => `${node.name} truncates from ${from} while it leads`);
    holds(from > node.commit, "IR10", () => `${node.name} truncates from ${from}, commit is ${node.commit}`);
  }

  /** IR6: a quorum of durable images holds what a leader calls committed; others only repeat it. */
  commits(node: CoreNode, index: number): void {
    this.#trace.fact(index);
    this.note(node, () => `commits ${index}`);
    holds(index >= node.commit, "IR9", () => `${node.name}'s commit falls from ${node.commit} to ${index}`);
    if (node.role !== "leader") {
      holds(
        index <= this.#ledger.committed,
        "IR6",
        () => `${node.name} takes ${index} for committed, but leaders committed ${this.#ledger.committed}`,
      );
      return;
    }
    const { term } = node.core.status();
    const chain = this.#ledger.chainOf(index, term);
    holds(chain !== undefined, "C1", () => `leader ${node.name} commits ${index}, which is not of its term ${term}`);
    let holder: PeerId | undefined;
    for (const voters of [node.config.voters, node.config.votersOutgoing]) {
      if (voters.length === 0) continue;
      const holding = voters.filter((id) => this.#isDurable(id, index, chain));
      holds(
        holding.length * 2 > voters.length,
        "IR6",
        () => `${node.name} commits ${index} of term ${term}; durable on [${holding.join()}] of [${voters.join()}]`,
      );
      holder ??= holding[0];
    }
    const image = holder === undefined ? undefined : this.#imageOf(holder);
    for (let at = this.#ledger.committed + 1; at < index; at++) this.#ledger.commits(at, image?.chainAt(at));
    this.#ledger.commits(index, chain);
    this.#ledger.commit({ index, term, chain });
  }

  /** IR11: majorities before and after a change intersect, and one change is committed before the next (M2). */
  configures(node: CoreNode, index: number, config: Config): void {
    this.note(node, () => `config of ${index}: voters [${config.voters.join()}] learners [${config.learners.join()}]`);
    for (const voter of config.voters) {
      holds(!config.learners.includes(voter), "M6", () => `${voter} is voter and learner in the config of ${index}`);
    }
    if (node.role !== "leader" || index <= node.configIndex) return;
    // A member that is removed and added again starts anew.
    const matches = this.#matches.get(node.name)?.matches;
    for (const id of matches?.keys() ?? []) {
      if (!config.voters.includes(id) && !config.learners.includes(id)) matches?.delete(id);
    }
    const before = node.config;
    const union = new Set([...before.voters, ...config.voters]);
    const majorities = (before.voters.length >> 1) + 1 + (config.voters.length >> 1) + 1;
    holds(
      majorities > union.size || config.votersOutgoing.length > 0,
      "IR11",
      () => `majorities of [${before.voters.join()}] and [${config.voters.join()}] need not intersect`,
    );
    holds(
      node.configIndex <= node.commit,
      "IR11",
      () => `${node.name} changes config at ${index}, but that of ${node.configIndex} is not committed`,
    );
    const { term } = node.core.status();
    holds(
      this.#ledger.chainOf(node.commit, term) !== undefined,
      "M3",
      () => `${node.name} changes config at ${index}, but nothing of its term ${term} is committed`,
    );
  }

  installs(node: CoreNode, index: number): void {
    this.note(node, () => `installs a snapshot at ${index}`);
    holds(node.role !== "leader", "IR13", () => `leader ${node.name} installs a snapshot at ${index}`);
  }

  persists(node: CoreNode, batch: PersistBatch): void {
    this.#trace.fact(batch.hard.term);
    this.#trace.fact(batch.entries.length);
    this.note(node, () => {
      const { hard, truncateFrom, entries, install } = batch;
      const parts = [`term ${hard.term}`, `vote ${hard.vote}`, `commit ${hard.commit}`];
      if (truncateFrom !== null) parts.push(`truncate from ${truncateFrom}`);
      if (entries.length > 0) parts.push(`entries ${entries[0]?.index}-${entries.at(-1)?.index}`);
      if (install !== null) parts.push(`install ${install.meta.index}`);
      return `writes batch ${batch.seq}: ${parts.join(", ")}`;
    });
    holds(!node.isSuspect, "IR17", () => `${node.name} is suspect and writes`);
  }

  /** A batch became durable. */
  wrote(where: string, image: DiskImage<Registers>, batch: PersistBatch): void {
    for (const { index, term } of batch.entries) {
      const chain = image.chainAt(index);
      if (chain !== undefined) this.#ledger.entry(index, term, chain, where);
    }
    // A batch holds a commit index and the log it is about: what this node calls committed is what everybody does.
    const { commit } = image.hard;
    const [ours, known] = [image.chainAt(commit), this.#ledger.committedChain(commit)];
    // The first one is the document itself, which a cluster that never begins has, too.
    holds(
      commit <= 1 || ours === undefined || known === undefined || ours === known,
      "IR6",
      () => `${where} calls its entry ${commit} committed, but another one is`,
    );
    if (image.snapshot !== null && batch.install !== null) {
      const { meta, chain, digest } = image.snapshot;
      this.#ledger.snapshot(meta.index, chain, digest, where);
    }
  }

  /** IR7, IR8, IR17, and IR2 for what a leader shows. */
  sends(node: CoreNode, message: PeerMessage): void {
    const { type, term } = message;
    this.#trace.fact(messageCodes[type]);
    this.#trace.fact(term);
    this.note(node, () => `sends ${describe(message)}`);
    holds(message.from === node.id, "X1", () => `${node.name} sends ${type} in the name of ${message.from}`);
    holds(!node.isSuspect, "IR17", () => `${node.name} is suspect and sends ${type}`);
    const { image } = node.disk;
    switch (type) {
      case "Append":
        this.#showsEntries(node, message.prevIndex, message.prevTerm, message.entries);
        break;
      case "AppendResp":
        this.#trace.fact(message.ok ? message.index : message.hintIndex);
        this.#isPromiseDurable(node, term, type);
        if (message.ok) {
          holds(
            message.index <= image.lastIndex,
            "IR7",
            () => `${node.name} acknowledges ${message.index}, but ${image.lastIndex} is durable`,
          );
          this.#equalsLeader(node, message.to, term, message.index);
        }
        break;
      case "VoteResp":
        this.#isPromiseDurable(node, term, type);
        if (!message.granted) break;
        holds(
          image.hard.term === term && image.hard.vote === message.to,
          "IR7",
          () => `${node.name} votes for ${message.to} in ${term}; durable is ${image.hard.vote} in ${image.hard.term}`,
        );
        this.#ledger.votes(node.id, term, message.to);
        break;
      case "Vote":
        this.#isPromiseDurable(node, term, type);
        // Who follows a leader of this term by now cannot win it, whatever its log has become since.
        if (node.role === "follower") break;
        holds(
          image.hard.vote === node.id && message.lastIndex === image.lastIndex && message.lastTerm === image.lastTerm,
          "IR7",
          () => `${node.name} stands with a log to ${message.lastIndex}; durable is ${image.lastIndex}`,
        );
        this.#ledger.votes(node.id, term, node.id);
        break;
      case "PreVote":
      case "PreVoteResp":
      case "Heartbeat":
      case "HeartbeatResp":
      case "TimeoutNow":
        break;
    }
  }

  /** IR4, C6: applies the entry to the node's machine, and holds what comes of it against the ledger. */
  applies(node: CoreNode, entry: Entry): RegisterOutput | undefined {
    const { machine } = node;
    const { index, term } = entry;
    holds(index === machine.applied + 1, "C6", () => `${node.name} applies entry ${index} after ${machine.applied}`);
    const output = machine.apply(entry);
    const { chain, digest, changedTo } = machine;
    this.#trace.fact(chain);
    holds(
      this.#isDurable(node.id, index, chain),
      "C6",
      () => `${node.name} applies entry ${index}, which is not on its own disk`,
    );
    const isFirst = this.#ledger.applies({ index, term, chain, digest }, node.name);
    if (isFirst && changedTo !== 0) {
      this.#watch.applied(changedTo, index);
      this.#applied(changedTo, index);
    }
    return output;
  }

  /** IR14 for a snapshot that is taken or that arrives. */
  snapshot(node: CoreNode, snapshot: StoredSnapshot<Registers>): void {
    const { meta, chain, digest, state } = snapshot;
    this.#trace.fact(meta.index);
    holds(
      digest === digestRegisters(state),
      "IR14",
      () => `the digest of the snapshot at ${meta.index} is not its state's`,
    );
    this.#ledger.snapshot(meta.index, chain, digest, node.name);
  }

  /** S1: what the core says of a snapshot at an index is what was applied up to there. */
  takes(node: CoreNode, meta: SnapMeta, snapshot: StoredSnapshot<Registers>): void {
    const { index, term, config } = snapshot.meta;
    holds(
      meta.index === index && meta.term === term && configDigest(meta.config) === configDigest(config),
      "S1",
      () => `${node.name} says that index ${index} has term ${meta.term} and voters [${meta.config.voters.join()}]`,
    );
    this.snapshot(node, snapshot);
  }

  restores(node: CoreNode, meta: SnapMeta, snapshot: StoredSnapshot<Registers> | null): void {
    holds(
      snapshot !== null && snapshot.meta.index === meta.index && snapshot.meta.term === meta.term,
      "S10",
      () => `${node.name} restores a snapshot at ${meta.index}, but ${snapshot?.meta.index} is durable`,
    );
    holds(
      meta.index >= node.machine.applied,
      "IR9",
      () => `${node.name} restores ${meta.index} after it applied ${node.machine.applied}`,
    );
  }

  /** What is too dear for every event: IR9's match, IR11's "in force is the last in the log". */
  sample(node: CoreNode): void {
    if (node.isSuspect) return;
    const { role, term, commit, configIndex, config, peers, lastIndex, stable } = node.core.status();
    holds(role === node.role, "3.4", () => `${node.name} is ${role}, but its trace says ${node.role}`);
    holds(commit >= node.commit, "IR9", () => `${node.name}'s commit fell from ${node.commit} to ${commit}`);
    node.commit = commit;
    holds(stable <= lastIndex, "L10", () => `${node.name} calls ${stable} durable, but its log ends at ${lastIndex}`);
    const { image } = node.disk;
    const logged = image.config;
    // Only while disk and memory are the same log.
    if (logged !== undefined && stable === image.lastIndex && lastIndex === stable && configIndex <= stable) {
      const isSame = configDigest(logged.config) === configDigest(config);
      holds(
        isSame && (logged.index === configIndex || logged.index <= (image.snapshot?.meta.index ?? 0)),
        "IR11",
        () => `${node.name} goes by the config of ${configIndex}, but its log's last is that of ${logged.index}`,
      );
    }
    if (role !== "leader") return;
    let known = this.#matches.get(node.name);
    if (known === undefined || known.term !== term) {
      known = { term, matches: new Map() };
      this.#matches.set(node.name, known);
    }
    const { matches } = known;
    for (const { id, match, next } of peers) {
      holds(match < next, "L10", () => `${node.name} sends ${next} to ${id}, which has ${match}`);
      const before = matches.get(id) ?? 0;
      holds(match >= before, "IR9", () => `${node.name}'s match of ${id} falls from ${before} to ${match}`);
      matches.set(id, match);
    }
  }

  /** L5: what is acknowledged equals the log of the leader of that term, as far as both disks can be compared. */
  #equalsLeader(node: CoreNode, id: PeerId, term: number, index: number): void {
    const leader = this.#nodeOf(id);
    if (leader === undefined || leader.id !== id || leader.role !== "leader") return;
    const { image } = leader.disk;
    if (image.hard.term !== term) return;
    const [theirs, ours] = [image.chainAt(index), node.disk.image.chainAt(index)];
    holds(
      theirs === undefined || ours === undefined || theirs === ours,
      "L5",
      () => `${node.name} acknowledges ${index} to ${id}, whose log of term ${term} has something else there`,
    );
  }

  #isPromiseDurable(node: CoreNode, term: number, type: string): void {
    const durable = node.disk.image.hard.term;
    holds(durable >= term, "IR7", () => `${node.name} sends ${type} of term ${term}, but term ${durable} is durable`);
  }

  #showsEntries(node: CoreNode, prevIndex: number, prevTerm: number, entries: readonly Entry[]): void {
    this.#trace.fact(prevIndex);
    this.#trace.fact(entries.length);
    if (entries.length === 0) return;
    let chain = this.#ledger.chainOf(prevIndex, prevTerm) ?? node.disk.image.chainAt(prevIndex);
    // What precedes was never shown nor written: possible only below a snapshot, where nothing is left to compare.
    if (chain === undefined) return;
    let previous = prevIndex;
    for (const entry of entries) {
      holds(entry.index === previous + 1, "L4", () => `${node.name} shows entry ${entry.index} after ${previous}`);
      previous = entry.index;
      chain = nextChain(chain, entry);
      this.#ledger.entry(entry.index, entry.term, chain, node.name);
    }
  }

  /** Whether the disk of `id` holds the log up to `index`, or a snapshot of it. */
  #isDurable(id: PeerId, index: number, chain: number): boolean {
    const image = this.#imageOf(id);
    if (image === undefined) return false;
    const durable = image.chainAt(index);
    return durable === undefined ? image.firstIndex - 1 > index : durable === chain;
  }

  /** A line for the trace, made only while lines are wanted. */
  note(node: CoreNode, line: () => string): void {
    if (this.#trace.isVerbose) this.#trace.line(`${node.name} ${line()}`);
  }
}

/** A message in one line. */
export function describe(message: PeerMessage): string {
  const { type, to, term } = message;
  const rest = Object.entries(message)
    .filter(([name]) => !["type", "from", "to", "term", "entries"].includes(name))
    .map(([name, value]) => ` ${name}=${String(value)}`)
    .join("");
  const entries = type === "Append" ? ` entries=${message.entries.map((entry) => entry.index).join()}` : "";
  return `${type} to ${to} term=${term}${rest}${entries}`;
}
