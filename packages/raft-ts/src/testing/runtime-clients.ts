// SPDX-License-Identifier: Apache-2.0
/**
 * Clients of the runtime world: each has one request under way and keeps asking. What they were told must be linearizable
 * (IR12), and honest (IR15): a success is in the ledger where it was said to be, what was lost or refused is nowhere.
 */
import type { ProposalOutcome } from "../runtime/outcomes.ts";
import { byKey, checkLinearizable, type Operation } from "./linearizability.ts";
import type { RandomStream } from "./random-stream.ts";
import { registerModel, type RegisterInput, type RegisterOutput } from "./register.ts";
import { encodeCommand } from "./register-machine.ts";
import { hostOf, type Machine, type Process, type RuntimeWorld } from "./runtime-world.ts";
import { holds } from "./violation.ts";

export interface ClientCounts {
  success: number;
  read: number;
  lost: number;
  unknown: number;
  refused: number;
}

type Record = {
  -readonly [Field in keyof Operation<RegisterInput, RegisterOutput>]: Operation<RegisterInput, RegisterOutput>[Field];
};

export interface ClientOptions {
  readonly clients: number;
  readonly keys: number;
  /** Mean pause between requests, in µs. */
  readonly thinkMean: number;
  readonly paddingMax: number;
}

/** A request gives up after so long, in ms of the node's clock. */
const deadlineMs = 3_000;
const searchStepsMax = 400_000;

export class RuntimeClients {
  readonly counts: ClientCounts = { success: 0, read: 0, lost: 0, unknown: 0, refused: 0 };
  readonly #world: RuntimeWorld;
  readonly #options: ClientOptions;
  readonly #random: RandomStream;
  readonly #history: Record[] = [];
  /** Values that were called lost or refused: nobody may ever apply them. */
  readonly #never = new Set<number>();
  #nextValue = 1;
  #isRunning = true;

  constructor(world: RuntimeWorld, options: ClientOptions) {
    this.#world = world;
    this.#options = options;
    this.#random = world.stream("clients");
    for (let client = 0; client < options.clients; client += 1) this.#later(() => this.#ask(undefined));
  }

  /** No new requests. */
  stop(): void {
    this.#isRunning = false;
  }

  /** IR12, IR15. */
  check(): void {
    for (const [index, { data }] of this.#world.ledger) {
      const value = valueOf(data);
      holds(
        !this.#never.has(value),
        "IR15",
        () => `value ${value} was called lost or refused and is at index ${index}`,
      );
    }
    for (const [key, history] of byKey(this.#history, (input) => input.key)) {
      const verdict = checkLinearizable(history, registerModel, searchStepsMax);
      holds(verdict.kind !== "violation", "IR12", () => `the history of register ${key} is not linearizable`);
    }
  }

  #later(run: () => void): void {
    const { thinkMean } = this.#options;
    this.#world.scheduler.after(1 + this.#random.exponential(thinkMean), () => {
      if (this.#isRunning) run();
    });
  }

  #ask(hint: string | undefined): void {
    const running = this.#world.machines.filter(({ node }) => node !== undefined);
    const hinted = running.find(({ host }) => host === hint);
    const machine = hinted ?? (running.length === 0 ? undefined : this.#random.pick(running));
    if (machine?.process === undefined) {
      this.#later(() => this.#ask(undefined));
      return;
    }
    const record: Record = {
      input: this.#input(),
      calledAt: this.#world.scheduler.now,
      returnedAt: Infinity,
      output: undefined,
    };
    const { process } = machine;
    // A process that dies answers nobody: its client goes on elsewhere after a while.
    let isOver = false;
    const over = (next: string | undefined): void => {
      if (isOver) return;
      isOver = true;
      this.#later(() => this.#ask(next));
    };
    this.#world.scheduler.after(2 * deadlineMs * 1000, () => over(undefined));
    const asked = record.input.kind === "read" ? this.#read(process, record) : this.#write(process, record);
    asked.then(over, (error: unknown) => this.#world.fail(error));
    if (this.#random.chance(0.3)) return;
    // Some do not wait: they have several requests under way.
    if (this.#random.chance(0.1)) over(machine.host);
  }

  async #read({ node, machine }: Process, record: Record): Promise<string | undefined> {
    if (record.input.kind !== "read" || node === undefined) return undefined;
    const outcome = await node.read({ deadlineMs });
    if (outcome.kind === "refused") {
      this.counts.refused += 1;
      return outcome.leader === null ? undefined : hostOf(outcome.leader.id);
    }
    this.counts.read += 1;
    record.output = { value: machine.read(record.input.key), done: false };
    record.returnedAt = this.#world.scheduler.now;
    this.#history.push(record);
    return hostOf(node.id);
  }

  async #write({ node }: Process, record: Record): Promise<string | undefined> {
    const { input } = record;
    if (input.kind === "read" || node === undefined) return undefined;
    // Its effect may be seen before its outcome is known.
    this.#history.push(record);
    const outcome = await node.propose(encodeCommand(input, this.#random.below(this.#options.paddingMax)), {
      deadlineMs,
    });
    this.counts[outcome.kind] += 1;
    switch (outcome.kind) {
      case "success":
        this.#succeeded(record, outcome, input.value);
        return hostOf(node.id);
      case "unknown":
        return undefined;
      case "lost":
        this.#neverHappened(record, input.value);
        return undefined;
      case "refused":
        this.#neverHappened(record, input.value);
        return outcome.leader === null ? undefined : hostOf(outcome.leader.id);
    }
  }

  #succeeded(record: Record, outcome: ProposalOutcome<RegisterOutput> & { kind: "success" }, value: number): void {
    const { index, term, result } = outcome;
    const entry = this.#world.ledger.get(index);
    holds(
      entry !== undefined && entry.term === term && valueOf(entry.data) === value,
      "IR15",
      () => `value ${value} was said to be at index ${index} of term ${term}, and is not`,
    );
    record.output = result;
    record.returnedAt = this.#world.scheduler.now;
  }

  #neverHappened(record: Record, value: number): void {
    this.#never.add(value);
    this.#history.splice(this.#history.lastIndexOf(record), 1);
  }

  #input(): RegisterInput {
    const key = this.#random.below(this.#options.keys);
    const kind = this.#random.pick(["read", "write", "write", "cas"] as const);
    if (kind === "read") return { kind, key };
    const value = this.#nextValue;
    this.#nextValue += 1;
    if (kind === "write") return { kind, key, value };
    return { kind, key, expected: this.#random.below(value), value };
  }
}

function valueOf(data: Uint8Array): number {
  return new DataView(data.buffer, data.byteOffset).getUint32(2);
}

/** What a machine holds, when nothing runs any more. */
export function registersOf({ process }: Machine, keys: number): readonly number[] {
  return Array.from({ length: keys }, (_, key) => process?.machine.read(key) ?? -1);
}
