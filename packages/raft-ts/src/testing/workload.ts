// SPDX-License-Identifier: Apache-2.0
/**
 * Clients of the registers: each has one request under way, goes where it was told that the leader is, and gives up after
 * a while. What they were told is the history that must be linearizable (IR12), and every answer is held against the
 * ledger (IR15): a success must be there, what was called lost must never be there.
 */
import type { Answer, CoreNode } from "./core-node.ts";
import type { Ledger } from "./ledger.ts";
import { byKey, checkLinearizable, type Operation } from "./linearizability.ts";
import type { WorkloadProfile } from "./profile.ts";
import type { RandomStream } from "./random-stream.ts";
import {
  registerModel,
  type RegisterCall,
  type RegisterInput,
  type RegisterOutput,
  type RegisterWatch,
} from "./register.ts";
import type { Scheduler } from "./scheduler.ts";
import { holds } from "./violation.ts";

export interface WorkloadOptions {
  readonly profile: WorkloadProfile;
  readonly hosts: readonly string[];
  readonly scheduler: Scheduler;
  readonly random: RandomStream;
  readonly ledger: Ledger;
  readonly watch: RegisterWatch;
  /** What runs on a machine now; undefined when it is down. */
  readonly nodeOn: (host: string) => CoreNode | undefined;
}

export interface WorkloadCounts {
  succeeded: number;
  read: number;
  refused: number;
  lost: number;
  unknown: number;
}

interface Client {
  readonly number: number;
  /** Where it believes the leader to be. */
  leader: string;
  /** Values this client knows of, for compare-and-set. */
  readonly known: Map<number, number>;
}

/** One operation under way. Its `operation` is in the history if it may have an effect. */
interface Request {
  readonly input: RegisterInput;
  readonly call: RegisterCall;
  readonly operation: {
    -readonly [Field in keyof Operation<RegisterInput, RegisterOutput>]: Operation<
      RegisterInput,
      RegisterOutput
    >[Field];
  };
  isDecided: boolean;
}

/** Mean pause after a refusal, in µs. */
const refusedTime = 30_000;

/** Steps of the search per key; a history that takes more is left undecided, and counted. */
const searchStepsMax = 200_000;

export class Workload {
  readonly counts: WorkloadCounts = { succeeded: 0, read: 0, refused: 0, lost: 0, unknown: 0 };
  readonly #options: WorkloadOptions;
  readonly #history: Operation<RegisterInput, RegisterOutput>[] = [];
  /** Values that were called lost: they must never be applied. */
  readonly #lostValues = new Set<number>();
  #nextValue = 1;
  /** Orders calls and returns. */
  #moment = 0;
  #isRunning = true;
  /** Half of the clients ask this machine whatever they are told, and ask it to read. */
  #clungTo: string | undefined;

  constructor(options: WorkloadOptions) {
    this.#options = options;
    const { profile, hosts, random } = options;
    for (let number = 0; number < profile.clients; number++) {
      const client: Client = { number, leader: random.pick(hosts), known: new Map() };
      this.#think(client);
    }
  }

  /** No new requests. Those under way end as they may. */
  stop(): void {
    this.#isRunning = false;
  }

  /** For a while half of the clients read from this machine, whoever leads. */
  cling(host: string, duration: number): void {
    this.#clungTo = host;
    this.#options.scheduler.after(duration, () => {
      if (this.#clungTo === host) this.#clungTo = undefined;
    });
  }

  /** A value that was applied: it must not have been called lost before (IR15). */
  applied(value: number, index: number): void {
    holds(
      !this.#lostValues.has(value),
      "IR15",
      () => `value ${value} is applied at ${index}, but its client was told "lost"`,
    );
  }

  /** One write to `host`, answered through `decided`; not part of the clients' pace. */
  write(host: string, decided: (isDone: boolean) => void): void {
    const node = this.#options.nodeOn(host);
    if (node === undefined) {
      decided(false);
      return;
    }
    const request = this.#call({ kind: "write", key: 0, value: this.#nextValue++ });
    node.request([request.input], 0, (_at, answer) => {
      this.#decide(request, answer);
      decided(answer.kind === "success");
    });
  }

  /** IR12 at the end: searches for an order. The number of keys whose search did not end. */
  checkHistory(): number {
    let undecided = 0;
    for (const [key, history] of byKey(this.#history, (input) => input.key)) {
      const verdict = checkLinearizable(history, registerModel, searchStepsMax);
      if (verdict.kind === "undecided") undecided++;
      holds(
        verdict.kind !== "violation",
        "IR12",
        () => `the history of register ${key} (${history.length} operations) is not linearizable`,
      );
    }
    return undecided;
  }

  /** Whoever was refused waits longer: a world without a leader is not to be filled with questions. */
  #think(client: Client, wasRefused = false): void {
    const { scheduler, random, profile } = this.#options;
    const mean = wasRefused ? Math.max(profile.thinkTime, refusedTime) : profile.thinkTime;
    scheduler.after(1 + random.exponential(mean), () => {
      if (this.#isRunning) this.#ask(client);
    });
  }

  #ask(client: Client): void {
    const { scheduler, random, profile, hosts, nodeOn } = this.#options;
    const clungTo = client.number % 2 === 0 ? this.#clungTo : undefined;
    const host = clungTo ?? (random.chance(profile.strayChance) ? random.pick(hosts) : client.leader);
    const inputs = this.#drawInputs(client, clungTo === undefined ? profile.readShare : 0.9);
    const padding = random.below(profile.paddingMax + 1);
    const node = nodeOn(host);
    if (node === undefined) {
      client.leader = random.pick(hosts);
      this.#think(client, true);
      return;
    }
    const requests = inputs.map((input) => this.#call(input));
    let left = requests.length;
    const deadline = scheduler.after(profile.patience, () => {
      client.leader = random.pick(hosts);
      for (const request of requests) this.#decide(request, { kind: "unknown" });
      this.#think(client);
    });
    node.request(inputs, padding, (at, answer) => {
      const request = requests[at] as Request;
      if (request.isDecided) {
        this.#hearLate(request, answer);
        return;
      }
      this.#decide(request, answer);
      if (answer.kind === "refused" || answer.kind === "unknown") {
        const leader = answer.kind === "refused" ? answer.leader : null;
        client.leader = leader === null ? random.pick(hosts) : leader.slice(0, leader.indexOf("@"));
      } else {
        client.leader = host;
        if (answer.kind === "read") client.known.set(request.input.key, answer.value);
      }
      if (--left > 0) return;
      deadline.cancel();
      this.#think(client, answer.kind === "refused");
    });
  }

  #drawInputs(client: Client, readShare: number): RegisterInput[] {
    const { random, profile } = this.#options;
    const key = random.below(profile.keys);
    if (random.chance(readShare)) return [{ kind: "read", key }];
    return Array.from({ length: random.between(1, profile.batchMax) }, (): RegisterInput => {
      const key = random.below(profile.keys);
      const value = this.#nextValue++;
      if (!random.chance(profile.casShare)) {
        client.known.set(key, value);
        return { kind: "write", key, value };
      }
      const expected = client.known.get(key) ?? 0;
      client.known.set(key, value);
      return { kind: "cas", key, expected, value };
    });
  }

  #call(input: RegisterInput): Request {
    const operation = { input, calledAt: ++this.#moment, returnedAt: Infinity, output: undefined };
    // A read without an answer says nothing: it joins the history when it is answered.
    if (input.kind !== "read") this.#history.push(operation);
    return { input, call: this.#options.watch.called(input.key), operation, isDecided: false };
  }

  #decide(request: Request, answer: Answer): void {
    if (request.isDecided) return;
    request.isDecided = true;
    const { input, call, operation } = request;
    const { counts } = this;
    const { watch } = this.#options;
    switch (answer.kind) {
      case "unknown":
        counts.unknown++;
        return;
      case "refused":
      case "lost":
        counts[answer.kind]++;
        this.#neverHappened(input, operation);
        return;
      case "read":
        counts.read++;
        this.#history.push(operation);
        operation.output = { value: answer.value, done: false };
        watch.saw(call, answer.value);
        break;
      case "success":
        counts.succeeded++;
        operation.output = answer.output;
        this.#isInLedger(input, answer.index, answer.output);
        if (answer.output.done) watch.changed(call, answer.index);
        else watch.saw(call, answer.output.value);
        break;
    }
    operation.returnedAt = ++this.#moment;
  }

  /** An answer after the client gave up still has to be true. */
  #hearLate({ input }: Request, answer: Answer): void {
    if (answer.kind === "success") this.#isInLedger(input, answer.index, answer.output);
    else if (answer.kind === "lost" && input.kind !== "read") this.#calledLost(input.value);
  }

  #neverHappened(input: RegisterInput, operation: Operation<RegisterInput, RegisterOutput>): void {
    if (input.kind === "read") return;
    this.#calledLost(input.value);
    const at = this.#history.lastIndexOf(operation);
    if (at >= 0) this.#history.splice(at, 1);
  }

  #calledLost(value: number): void {
    holds(
      this.#options.watch.appliedIndex(value) === undefined,
      "IR15",
      () => `a client is told that value ${value} is lost, but it was applied`,
    );
    this.#lostValues.add(value);
  }

  #isInLedger(input: RegisterInput, index: number, { done }: RegisterOutput): void {
    if (input.kind === "read" || !done) return;
    const known = this.#options.watch.appliedIndex(input.value);
    holds(
      known === index,
      "IR15",
      () => `a client is told that value ${input.value} was applied at ${index}, but it was at ${known}`,
    );
  }
}
