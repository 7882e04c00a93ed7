// SPDX-License-Identifier: Apache-2.0
// The stage of the dialogues: a few cores and the messages between them, moved one by one by commands, so that every
// interleaving can be written down. Commands are words; what they print is in `print-messages.ts`.
//
//   nodes a b c [+ d] [setting=n …]   actors; those after + are learners; settings are the core's
//   blank d                           an actor that belongs to nothing
//   log a 1 1 2 [commit=n]            makes entries of these terms durable on a, and restarts it
//   term a 5                          makes term 5 durable on a, and restarts it
//   tick a [n]     timeout a          time; `timeout` is as much as a needs to stand
//   propose a x y  config a promote b read a 7   transfer a [b]
//   persist a      hold a  release a  the batch under way is durable; apply is not, is, acknowledged
//   crash a        restart a          everything not persisted is lost
//   deliver a->b [Type] [drop|dup|last]   what waits on this link, in order; `last` takes only the newest
//   elect a                           timeout a, stabilize
//   heartbeat a                       one tick of a leader, delivered and answered
//   stabilize [a b …]                 persists and delivers until nothing moves
//   cut a b … / heal                  messages from and to these are lost from now on, but between them
//   snapshot a [trailing]             snapshot of what a applied
//   unreachable a b   space a low|ok  suspect a
//   status [a …]   log? a   words   drop

import type { CoreOptions } from "../core/core-config.ts";
import type { Config, ConfigChange, PeerId, PeerMessage, SendSnapshot } from "../core/types.ts";
import { printConfig, printEntries, printMessage } from "./print-messages.ts";
import { StageChecks } from "./stage-checks.ts";
import { StageNode, type StageSnapshot } from "./stage-node.ts";

/** A snapshot on its way. */
interface Parcel {
  readonly type: "Snapshot";
  readonly from: PeerId;
  readonly to: PeerId;
  readonly term: number;
  readonly snapshot: StageSnapshot;
}

type Mail = PeerMessage | Parcel;

const bytes = new TextEncoder();
const settleRounds = 1000;

export class Stage {
  readonly #nodes = new Map<PeerId, StageNode>();
  readonly #checks = new StageChecks();
  #options: Partial<CoreOptions> = {};
  #pool: Mail[] = [];
  /** Those cut off from everybody else; null when nobody is. */
  #cut: ReadonlySet<PeerId> | null = null;
  #lines: string[] = [];
  #quiet = false;

  run(command: string): readonly string[] {
    this.#lines = [];
    const [verb = "", ...words] = command.split(" ").filter((word) => word !== "");
    this.#act(verb, words);
    this.#checks.look([...this.#nodes.values()]);
    return this.#lines.length === 0 ? ["ok"] : collapse(this.#lines);
  }

  node(id: PeerId): StageNode {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`Cannot run the dialogue: "${id}" is not on stage`);
    return node;
  }

  #act(verb: string, words: readonly string[]): void {
    const [first = "", second = ""] = words;
    switch (verb) {
      case "nodes":
        return this.#enter(words);
      case "blank":
        return this.#admit(new StageNode(first, null, this.#options));
      case "log":
        return this.#writeLog(first, words.slice(1));
      case "tick":
        // Several at once: what they send is not told.
        this.#quiet = Number(second) > 1;
        for (let count = Number(second || 1); count > 0; count -= 1) this.#do(first, ({ core }) => core.tick());
        this.#quiet = false;
        return;
      case "timeout":
        return this.#timeout(first);
      case "elect":
        this.#quiet = true;
        this.#timeout(first);
        this.#settle([...this.#nodes.keys()], false);
        this.#keepVerdict(first);
        return;
      case "term":
        this.node(first).raiseTerm(Number(second));
        return this.#do(first, () => undefined);
      case "heartbeat":
        this.#quiet = true;
        this.#do(first, ({ core }) => core.tick());
        return this.#settle([...this.#nodes.keys()], false);
      case "propose":
        return this.#do(first, ({ core }) =>
          this.#tellOutcome(first, core.propose(words.slice(1).map((word) => ({ data: wordBytes(word) })))),
        );
      case "config":
        return this.#do(first, ({ core }) => this.#tellOutcome(first, core.proposeConfig(parseChange(words.slice(1)))));
      case "read":
        return this.#do(first, ({ core }) => this.#tellOutcome(first, core.readIndex(Number(second))));
      case "transfer":
        return this.#do(first, ({ core }) => this.#tellOutcome(first, core.transferLeader(second || null)));
      case "persist":
        return this.#do(first, (node) => node.persist());
      case "hold":
      case "release":
        return this.#do(first, (node) => node.holdApply(verb === "hold"));
      case "crash":
        this.node(first).up = false;
        return;
      case "restart":
        this.node(first).start();
        return this.#do(first, () => undefined);
      case "suspect":
        this.node(first).suspect();
        return this.#do(first, () => undefined);
      case "deliver":
        return this.#deliver(first, words.slice(1));
      case "drop":
        this.#pool = [];
        return;
      case "stabilize":
        return this.#settle(words.length > 0 ? words : [...this.#nodes.keys()], true);
      case "cut":
        this.#cut = new Set(words);
        this.#pool = this.#pool.filter((mail) => this.#connected(mail));
        return;
      case "heal":
        this.#cut = null;
        return;
      case "snapshot":
        return this.#do(first, (node) => {
          const meta = node.takeSnapshot(Number(second || 0));
          if (meta === null) return this.#tell(`${first}: nothing to take a snapshot of`);
          const { index, term, config } = meta;
          this.#tell(`${first}: snapshot ${index}@${term} ${printConfig(config)}, log from ${node.image.firstIndex}`);
        });
      case "unreachable":
        return this.#do(first, ({ core }) => core.advance({ type: "unreachable", peer: second }));
      case "space":
        return this.#do(first, ({ core }) => core.advance({ type: "space", low: second === "low" }));
      case "status":
        for (const id of words.length > 0 ? words : this.#nodes.keys()) this.#tellStatus(id);
        return;
      case "log?":
        this.#tell(`${first}: ${printEntries(this.node(first).image.entries)}`);
        return;
      case "words":
        for (const { id, words: applied } of this.#nodes.values()) this.#tell(`${id}: ${applied.join(" ")}`);
        return;
      case "mail":
        for (const mail of this.#pool) this.#tell(printMail(mail));
        return;
      default:
        throw new Error(`Cannot run the dialogue: "${verb}" is not a command`);
    }
  }

  #tell(line: string): void {
    this.#lines.push(line);
  }

  /** Acts on a node that is up, and takes what it wants done. */
  #do(id: PeerId, act: (node: StageNode) => void): void {
    const node = this.node(id);
    if (!node.up) {
      this.#tell(`${id} is down`);
      return;
    }
    act(node);
    const tell = (line: string): void => {
      if (!this.#quiet || !line.includes(": writes ")) this.#tell(line);
    };
    const { messages, snapshots } = node.drain(tell);
    this.#checks.sent(node, messages);
    for (const message of messages) this.#post(message);
    for (const request of snapshots) this.#postSnapshot(node, request);
  }

  #post(mail: Mail): void {
    if (!this.#quiet) this.#tell(printMail(mail));
    if (this.#connected(mail)) this.#pool.push(mail);
  }

  #postSnapshot(node: StageNode, { to, term, minIndex }: SendSnapshot): void {
    const snapshot = node.image.snapshot;
    if (snapshot === null || snapshot.meta.index < minIndex) throw new Error("No snapshot to send");
    this.#post({ type: "Snapshot", from: node.id, to, term, snapshot });
  }

  #connected({ from, to }: Mail): boolean {
    return this.#nodes.has(to) && (this.#cut === null || this.#cut.has(from) === this.#cut.has(to));
  }

  #enter(words: readonly string[]): void {
    const ids = words.filter((word) => !word.includes("="));
    const at = ids.indexOf("+");
    const voters = at < 0 ? ids : ids.slice(0, at);
    const learners = at < 0 ? [] : ids.slice(at + 1);
    const settings = words.filter((word) => word.includes("=")).map((word) => word.split("="));
    this.#options = Object.fromEntries(settings.map(([name, value]) => [name, Number(value)]));
    const addresses = [...voters, ...learners].sort().map((id) => ({ id, address: `${id}:1` }));
    const config: Config = { voters, votersOutgoing: [], learners, learnersNext: [], addresses };
    for (const id of [...voters, ...learners]) this.#admit(new StageNode(id, config, this.#options));
  }

  #admit(node: StageNode): void {
    this.#nodes.set(node.id, node);
    node.drain(() => undefined);
  }

  #writeLog(id: PeerId, words: readonly string[]): void {
    const commit = words.find((word) => word.startsWith("commit="))?.slice(7) ?? "0";
    const terms = words.filter((word) => !word.includes("=")).map(Number);
    this.node(id).write(terms, Number(commit));
    this.#do(id, () => undefined);
  }

  #timeout(id: PeerId): void {
    const { core } = this.node(id);
    const { role, term } = core.status();
    for (let ticks = 0; ticks < 100; ticks += 1) {
      const events = this.node(id).events.length;
      this.#do(id, () => core.tick());
      const now = core.status();
      const stood = this.node(id)
        .events.slice(events)
        .some((event) => event.type === "role");
      if (stood || now.role !== role || now.term !== term) return;
    }
    this.#tell(`${id} does not stand`);
  }

  /** Of an election only its outcome is told, if it is the usual one. */
  #keepVerdict(id: PeerId): void {
    const verdict = this.#lines.filter((line) => line.startsWith(`${id}: active leader`));
    if (verdict.length > 0) this.#lines = verdict;
  }

  #deliver(link: string, words: readonly string[]): void {
    const [from, to] = link.split("->");
    const type = words.find((word) => /^[A-Z]/.test(word));
    const matches = this.#pool.filter(
      (mail) => mail.from === from && mail.to === to && (type === undefined || mail.type === type),
    );
    const taken = words.includes("last") ? matches.slice(-1) : words.includes("first") ? matches.slice(0, 1) : matches;
    if (taken.length === 0) this.#tell(`nothing waits on ${link}`);
    if (!words.includes("dup")) this.#pool = this.#pool.filter((mail) => !taken.includes(mail));
    for (const mail of taken) {
      if (!words.includes("drop")) this.#hand(mail);
      else if (mail.type === "Snapshot") this.#streamed(mail, false);
    }
  }

  #hand(mail: Mail): void {
    if (!this.node(mail.to).up) {
      if (mail.type === "Snapshot") this.#streamed(mail, false);
      return;
    }
    if (mail.type === "Snapshot") {
      this.#do(mail.to, (node) => node.receiveSnapshot(mail.from, mail.term, mail.snapshot));
      this.#streamed(mail, true);
    } else this.#do(mail.to, ({ core }) => core.step(mail));
  }

  #streamed({ from, to }: Parcel, ok: boolean): void {
    if (this.node(from).up) this.#do(from, ({ core }) => core.advance({ type: "snapStatus", peer: to, ok }));
  }

  /** Delivers and persists until nothing moves; tells everything but the messages and batches. */
  #settle(ids: readonly PeerId[], strict: boolean): void {
    this.#quiet = true;
    for (let round = 0; ; round += 1) {
      if (round === settleRounds) throw new Error("Cannot stabilize: messages never end");
      let moved = false;
      for (const id of ids) {
        const node = this.node(id);
        if (!node.up || node.pending === null) continue;
        this.#do(id, () => node.persist());
        moved = true;
      }
      const due = this.#pool.filter(({ from, to }) => ids.includes(from) && ids.includes(to));
      this.#pool = this.#pool.filter((mail) => !due.includes(mail));
      for (const mail of due) this.#hand(mail);
      if (!moved && due.length === 0) break;
    }
    this.#quiet = false;
    if (strict && this.#lines.length === 0) this.#tell("nothing happens");
  }

  #tellOutcome(id: PeerId, outcome: { ok: true; firstIndex?: number } | { ok: false; reason: string; detail: string }) {
    if (!outcome.ok) this.#tell(`${id}: refused, ${outcome.reason}: ${outcome.detail}`);
    else if (outcome.firstIndex !== undefined) this.#tell(`${id}: takes it at ${outcome.firstIndex}`);
  }

  #tellStatus(id: PeerId): void {
    const node = this.node(id);
    if (!node.up) {
      this.#tell(`${id}: down`);
      return;
    }
    const status = node.core.status();
    const { role, term, leader, firstIndex, lastIndex, lastTerm, commit, applied, config } = status;
    const log = `log ${firstIndex}..${lastIndex}@${lastTerm} commit ${commit} applied ${applied}`;
    this.#tell(`${id}: ${role} t${term} leader ${leader ?? "-"} ${log} ${printConfig(config)}`);
    for (const peer of status.peers) {
      const { match, next, state, inflightMsgs, inflightBytes, paused } = peer;
      const window = `window ${inflightMsgs} (${inflightBytes} B)${paused ? " paused" : ""}`;
      this.#tell(`   ${peer.id}: ${state} match ${match} next ${next} ${window}`);
    }
  }
}

/** The same line several times in a row is told once. */
function collapse(lines: readonly string[]): readonly string[] {
  const told: string[] = [];
  let count = 1;
  for (const [at, line] of lines.entries()) {
    if (line === lines[at + 1]) count += 1;
    else {
      told.push(count === 1 ? line : `${line}  (${count} times)`);
      count = 1;
    }
  }
  return told;
}

function printMail(mail: Mail): string {
  if (mail.type !== "Snapshot") return printMessage(mail);
  const { index, term } = mail.snapshot.meta;
  return `${mail.from}->${mail.to} Snapshot t${mail.term} ${index}@${term}`;
}

/** `x` is itself; `x*1000` is 1000 times x. */
function wordBytes(word: string): Uint8Array {
  const [unit = "", times] = word.split("*");
  return bytes.encode(times === undefined ? word : unit.repeat(Number(times)));
}

function parseChange(words: readonly string[]): ConfigChange {
  const [type = "", id = "", address = `${id}:1`] = words;
  const force = words.includes("force");
  switch (type) {
    case "addLearner":
    case "setAddress":
      return { type, id, address };
    case "promote":
      return { type, id };
    case "demote":
    case "remove":
      return { type, id, force };
    default:
      throw new Error(`Cannot run the dialogue: "${type}" is not a change`);
  }
}
