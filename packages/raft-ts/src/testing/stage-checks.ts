// SPDX-License-Identifier: Apache-2.0
// What must hold on the stage after every command, whatever the dialogue expects: the invariants IR1, IR2, IR4, IR7, IR8, IR9
// and IR10 of raft, seen from outside of the cores.

import type { Entry, PeerId, PeerMessage } from "../core/types.ts";
import { printEntry } from "./print-messages.ts";
import type { StageNode } from "./stage-node.ts";

export class StageChecks {
  readonly #leaders = new Map<number, PeerId>();
  readonly #entries = new Map<string, string>();
  readonly #applied = new Map<number, string>();
  readonly #votes = new Map<string, PeerId>();
  readonly #terms = new Map<PeerId, number>();

  look(nodes: readonly StageNode[]): void {
    for (const node of nodes) {
      this.#durable(node);
      if (!node.up) continue;
      const { role, term, commit, stable } = node.core.status();
      if (role === "leader") {
        const known = this.#leaders.get(term) ?? node.id;
        check(known === node.id, "IR1", `${known} and ${node.id} lead term ${term}`);
        this.#leaders.set(term, node.id);
      }
      // What is not durable yet may still be other entries on disk.
      this.#committed(node, Math.min(commit, stable));
      for (const event of node.events) check(event.type !== "truncate" || event.role !== "leader", "IR5", node.id);
      node.events = [];
    }
  }

  #durable({ id, image }: StageNode): void {
    const { term, vote } = image.hard;
    check(term >= (this.#terms.get(id) ?? 0), "IR9", `the term of ${id} fell to ${term}`);
    this.#terms.set(id, term);
    if (vote !== null) {
      const key = `${id} ${term}`;
      const known = this.#votes.get(key) ?? vote;
      check(known === vote, "IR8", `${id} voted for ${known} and ${vote} in term ${term}`);
      this.#votes.set(key, vote);
    }
    let before: Entry | undefined;
    for (const entry of image.entries) {
      // The predecessor's position stands for the whole prefix.
      const key = `${entry.index}@${entry.term}`;
      const content = `${before === undefined ? "" : `${before.term} `}${printEntry(entry)}`;
      const known = this.#entries.get(key);
      if (known === undefined || (known.length < content.length && content.endsWith(known))) {
        this.#entries.set(key, content);
      } else check(known === content || known.endsWith(content), "IR2", `${id} has ${content}, others ${known}`);
      before = entry;
    }
  }

  #committed({ id, image }: StageNode, commit: number): void {
    for (const entry of image.entries) {
      if (entry.index > commit) return;
      const known = this.#applied.get(entry.index) ?? printEntry(entry);
      check(known === printEntry(entry), "IR4", `${id} committed ${printEntry(entry)}, others ${known}`);
      this.#applied.set(entry.index, known);
    }
  }

  /** IR7: a promise that leaves is covered by what is durable. */
  sent(node: StageNode, messages: readonly PeerMessage[]): void {
    const { hard, firstIndex, entries } = node.image;
    for (const m of messages) {
      check(m.from === node.id, "X1", `${node.id} speaks for ${m.from}`);
      if (m.type === "Vote" || (m.type === "VoteResp" && m.granted)) {
        const vote = m.type === "Vote" ? node.id : m.to;
        const kept = hard.term > m.term || (hard.term === m.term && hard.vote === vote);
        check(kept, "IR7", `${node.id} promised a vote for ${vote} in term ${m.term} that is not durable`);
      }
      if (m.type === "AppendResp" && m.ok) {
        check(m.index < firstIndex + entries.length, "IR7", `${node.id} acknowledged ${m.index}, which is not durable`);
      }
    }
  }
}

function check(condition: boolean, rule: string, what: string): void {
  if (!condition) throw new Error(`Invariant ${rule} is broken: ${what}`);
}
