// SPDX-License-Identifier: Apache-2.0
// The stage of the dialogues about forming a cluster: machines of `bootstrap-model.ts`, moved by commands.
//
//   nodes 3              machines n1 n2 n3, down, with blank disks
//   boot n1 …  crash n1  its process
//   ask n1 n2 …          n1 hears what n2 … are now; what it heard stays until it asks again or becomes something else
//   decide n1 …          n1 does what follows from what it heard, durably
//   round n1 …           n1 asks everybody who is up, and decides
//   commit n1            its core commits an entry, if a majority runs
//   mount n1 2           crashes n1, and its second disk is mounted: a blank one if there was none
//   tell n1 n1 n2        n1 is restarted and told to form a cluster of n1 and n2
//   settle               no faults from now on, until nothing changes
//   status               what everybody is
import type { BootstrapDecision } from "../bootstrap/decide.ts";
import type { ClusterDocument } from "../runtime/ports.ts";
import {
  after,
  checkLiveness,
  checkSafety,
  decisionOf,
  initialState,
  mountedDisk,
  nodeIdAt,
  type ModelState,
  type ModelStep,
} from "./bootstrap-model.ts";

export class BootstrapStage {
  #state: ModelState = initialState(0);
  /** Clusters are called c1, c2 … in the order in which they were made. */
  readonly #names: string[] = [];

  run(command: string): readonly string[] {
    const [verb = "", ...words] = command.split(" ");
    switch (verb) {
      case "nodes":
        this.#state = initialState(Number(words[0]));
        return this.#status();
      case "boot":
      case "crash":
        words.forEach((word) => this.#take({ step: verb, by: at(word) }));
        return [];
      case "ask":
        words.slice(1).forEach((word) => this.#take({ step: "ask", by: at(words[0]!), from: at(word) }));
        return [];
      case "decide":
        return words.map((word) => this.#decide(at(word)));
      case "round":
        return words.map((word) => this.#round(at(word)));
      case "commit":
        this.#take({ step: "commit", by: at(words[0]!) });
        return [`${words[0]} commits an entry`];
      case "mount": {
        const by = at(words[0]!);
        if (this.#state.machines[by]!.isUp) this.#take({ step: "crash", by });
        this.#take({ step: "mount", by, disk: Number(words[1]) - 1 });
        return [];
      }
      case "tell": {
        const by = at(words[0]!);
        if (this.#state.machines[by]!.isUp) this.#take({ step: "crash", by });
        this.#take({ step: "tell", by, peers: words.slice(1).map(at) });
        this.#take({ step: "boot", by });
        return [];
      }
      case "settle":
        this.#state = checkLiveness(this.#state);
        checkSafety(this.#state);
        return this.#status();
      case "status":
        return this.#status();
      default:
        throw new Error(`there is no command "${command}"`);
    }
  }

  #round(by: number): string {
    this.#state.machines.forEach(({ isUp }, from) => {
      if (isUp && from !== by) this.#take({ step: "ask", by, from });
    });
    return this.#decide(by);
  }

  #decide(by: number): string {
    const decision = decisionOf(this.#state, by);
    this.#take({ step: "decide", by });
    return `${nodeIdAt(by)} ${this.#print(decision, by)}`;
  }

  #print(decision: BootstrapDecision, by: number): string {
    switch (decision.act) {
      case "make":
        return `makes ${this.#printDocument(decision.document)}`;
      case "form":
        return `forms from ${this.#printDocument(decision.document)}`;
      case "join":
        return `joins ${this.#nameOf(decision.clusterId)}`;
      case "start":
        return `starts its core in ${this.#nameOf(mountedDisk(this.#state.machines[by]!).document?.clusterId ?? "")}`;
      case "wait":
        return `waits (${decision.report.kind}): ${this.#plain(decision.report.message)}`;
    }
  }

  #status(): string[] {
    return this.#state.machines.map(({ isUp, isStarted, mounted, disks }, by) => {
      const { document, begun } = disks[mounted]!;
      const where = document === null ? "blank" : `in ${this.#nameOf(document.clusterId)}`;
      const what = isStarted ? "runs" : isUp ? "asks" : "down";
      return `${nodeIdAt(by)} disk ${mounted + 1}: ${where}, ${what}${begun ? ", has a committed entry" : ""}`;
    });
  }

  #printDocument({ clusterId, voters }: ClusterDocument): string {
    return `${this.#nameOf(clusterId)} of ${voters.map(({ id }) => this.#plain(id)).join(" ")}`;
  }

  #nameOf(clusterId: string): string {
    if (!this.#names.includes(clusterId)) this.#names.push(clusterId);
    return `c${this.#names.indexOf(clusterId) + 1}`;
  }

  /** Directories by their numbers, clusters by their names. */
  #plain(text: string): string {
    const named = this.#names.reduce((plain, id, index) => plain.replaceAll(id, `c${index + 1}`), text);
    return named.replaceAll(/\b\d(\d)0{30}\b/g, "$1");
  }

  #take(step: ModelStep): void {
    const next = after(this.#state, step);
    if (next === undefined) throw new Error(`${step.step} of ${nodeIdAt(step.by)} cannot happen now`);
    this.#state = next;
    checkSafety(this.#state);
  }
}

function at(word: string): number {
  return Number(word.slice(1)) - 1;
}
