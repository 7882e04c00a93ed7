// The controller's driver: a loop without opinions. It takes commands from a bounded queue, lets `cluster` validate as many as
// fit on top of the committed image, proposes their records as one batch, and answers when that batch is committed and applied.
//
//   submit ─> queue ─> plan (C-3: one batch in flight) ─> log.propose ─> onCommitted: decode, replay ─> image, subscribers
//                                                                                                      └─> answers (C-4)
//
// Invariants
// - `image` is committed state only; what a batch in flight would make of it exists nowhere but in its plan.
// - Every record reaches the image by way of the committed bytes, the leader's own ones too: one path, live and at start.
// - A batch that cannot be replayed is fatal (C-2).

import { InvariantError, invariant } from "@varve/format";
import {
  batchRecordsMax,
  decodeBatch,
  decodeSnapshot,
  emptyImage,
  emptyPlan,
  encodeBatch,
  encodeSnapshot,
  planCommand,
  planRecords,
  replayBatch,
  sameDigest,
} from "@varve/cluster";
import type {
  BatchPlan,
  Command,
  ControllerImage,
  DecisionContext,
  MetadataRecord,
  Outcome,
  Refusal,
  ReplyOf,
} from "@varve/cluster";
import type { Clock } from "@varve/log";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataEntry, MetadataLog, MetadataRole } from "../ports/metadata-log.ts";
import type { ControllerClient, MetadataView } from "../ports/peers.ts";

export interface ControllerOptions {
  /** Commands that may wait for the batch in flight; more are refused with `BUSY`. @default 1000 */
  readonly queueMax?: number;
  /** A command that may be spread over several batches has at most so many records in each (C-5). @default what a batch holds */
  readonly spreadRecordsMax?: number;
}

export interface ControllerDependencies {
  readonly log: MetadataLog;
  readonly clock: Pick<Clock, "nowMs" | "nextTurn">;
  /** 32 lower-case hex digits from a good source of randomness. */
  readonly newUuid: () => string;
  /** The metadata cannot be trusted or written any more: the process should end. Called at most once. */
  readonly onFatal: (error: Error) => void;
}

/** Sees every committed batch once, in order, right after it is part of the image. A subscriber that throws is fatal. */
export type ImageSubscriber = (image: ControllerImage, records: readonly MetadataRecord[]) => void;

interface Waiting {
  readonly command: Command;
  readonly answer: (outcome: Outcome<unknown>) => void;
}

interface Answer {
  readonly waiting: Waiting;
  readonly outcome: Outcome<unknown>;
}

export class Controller implements ControllerClient, MetadataView {
  readonly #log: MetadataLog;
  readonly #clock: Pick<Clock, "nowMs" | "nextTurn">;
  readonly #newUuid: () => string;
  readonly #onFatal: (error: Error) => void;
  readonly #options: Required<ControllerOptions>;
  readonly #subscribers = new Set<ImageSubscriber>();
  readonly #roleWatchers = new Set<(role: MetadataRole) => void>();
  #image: ControllerImage = emptyImage;
  #role: MetadataRole = { kind: "follower", term: 0, leaderId: undefined };
  #queue: Waiting[] = [];
  /** What is left of a command that is spread over several batches (C-5), and its answer. */
  #rest: { readonly records: readonly MetadataRecord[]; readonly answer: Answer } | undefined;
  /** Commands of the batch in flight. */
  #inFlight: readonly Answer[] = [];
  #running: Promise<void> | undefined;
  #closing: Promise<void> | undefined;
  #dead: Refusal | undefined;

  private constructor(options: ControllerOptions, dependencies: ControllerDependencies) {
    this.#options = { queueMax: 1_000, spreadRecordsMax: batchRecordsMax, ...options };
    this.#log = dependencies.log;
    this.#clock = dependencies.clock;
    this.#newUuid = dependencies.newUuid;
    this.#onFatal = dependencies.onFatal;
  }

  /**
   * Replays the log and takes commands as soon as this node may. Owns the log from now on: it is closed by `close`, or
   * here when the start fails. Rejects with the log's `MetadataLogError`, or with what a record that cannot be replayed throws.
   */
  static async start(options: ControllerOptions, dependencies: ControllerDependencies): Promise<Controller> {
    const controller = new Controller(options, dependencies);
    try {
      await dependencies.log.start({
        onSnapshot: (bytes) => controller.#restore(bytes),
        onCommitted: (entries) => controller.#apply(entries),
        onRole: (role) => controller.#changeRole(role),
        onFatal: (error) => controller.#fail(error),
        takeSnapshot: () => encodeSnapshot(controller.#image),
      });
    } catch (error) {
      await dependencies.log.close();
      throw error;
    }
    return controller;
  }

  /** The committed state, as of the last batch. Stable: it never changes, the next batch makes another one (C-9). */
  get image(): ControllerImage {
    return this.#image;
  }

  get role(): MetadataRole {
    return this.#role;
  }

  /** Commands that wait, those of the batch in flight included. */
  get waiting(): number {
    return this.#queue.length + this.#inFlight.length + (this.#rest === undefined ? 0 : 1);
  }

  /**
   * Settles when what the command did is committed and part of `image` (C-4). Never rejects: `NOT_CONTROLLER` when this node
   * may not decide or lost that right meanwhile (the outcome is then unknown, C-1), `BUSY` when too many wait.
   */
  submit<C extends Command>(command: C): Promise<Outcome<ReplyOf<C>>> {
    const refusal = this.#refusalNow();
    if (refusal !== undefined) return Promise.resolve({ kind: "refused", refusal });
    return new Promise((resolve) => {
      this.#queue.push({ command, answer: (outcome) => resolve(outcome as Outcome<ReplyOf<C>>) });
      this.#running ??= this.#run();
    });
  }

  /** Calls `subscriber` for every batch from now on; returns how to stop that. Read `image` for what was before. */
  subscribe(subscriber: ImageSubscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => this.#subscribers.delete(subscriber);
  }

  /** Calls `watcher` whenever this node becomes the active controller, ceases to be, or hears of another; returns how to stop that. */
  watchRole(watcher: (role: MetadataRole) => void): () => void {
    this.#roleWatchers.add(watcher);
    return () => this.#roleWatchers.delete(watcher);
  }

  /** Refuses what waits, lets the batch in flight end, closes the log. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(): Promise<void> {
    const refusal = shuttingDown("not-done");
    this.#dead ??= refusal;
    for (const { answer } of this.#queue.splice(0)) answer({ kind: "refused", refusal });
    // The log bounds the time that the batch in flight gets: without a majority it is never decided.
    await this.#log.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    // What arrives in the same turn of the event loop shares the first batch.
    await new Promise<void>((resolve) => this.#clock.nextTurn(resolve));
    try {
      while (this.#queue.length > 0 || this.#rest !== undefined) await this.#runBatch();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#running = undefined;
    }
  }

  async #runBatch(): Promise<void> {
    const role = this.#role;
    const plan = this.#plan();
    if (plan.records.length > 0) {
      const bytes = encodeBatch({
        firstOffset: this.#image.offset + 1,
        writtenAtMs: this.#clock.nowMs(),
        records: plan.records,
      });
      const committed = await this.#propose(bytes, role);
      // C-1: leadership was lost meanwhile, perhaps won again: everybody has had an answer.
      if (!committed || this.#role !== role) return;
      invariant(
        sameDigest(this.#image.digest, plan.overlay.digest),
        "a committed batch makes of the image what was planned",
      );
    }
    const answers = this.#inFlight;
    this.#inFlight = [];
    for (const { waiting, outcome } of answers) waiting.answer(outcome);
  }

  /** Takes as much from the queue as fits one batch; afterwards `#inFlight` says who waits for it. */
  #plan(): BatchPlan {
    const context: DecisionContext = { nowMs: this.#clock.nowMs(), newUuid: this.#newUuid };
    const answers: Answer[] = [];
    let plan = emptyPlan(this.#image);
    if (this.#rest !== undefined) {
      const { records, answer } = this.#rest;
      const next = planRecords(plan, records, this.#options.spreadRecordsMax);
      plan = next.plan;
      this.#rest = next.rest.length === 0 ? undefined : { records: next.rest, answer };
      if (this.#rest === undefined) answers.push(answer);
    }
    let taken = 0;
    for (const waiting of this.#rest === undefined ? this.#queue : []) {
      const step = planCommand(plan, waiting.command, context, this.#options.spreadRecordsMax);
      if (step.kind === "full") break;
      taken += 1;
      plan = step.plan;
      const answer = { waiting, outcome: step.outcome };
      if (step.rest.length > 0) {
        this.#rest = { records: step.rest, answer };
        break;
      }
      answers.push(answer);
    }
    this.#queue.splice(0, taken);
    this.#inFlight = answers;
    return plan;
  }

  /** Whether the batch was committed. If not, everybody has had an answer. */
  async #propose(bytes: Uint8Array, role: MetadataRole): Promise<boolean> {
    try {
      await this.#log.propose(bytes, role.term);
      return true;
    } catch (error) {
      if (!(error instanceof MetadataLogError)) throw error;
      const { code, message } = error;
      if (code === "NOT_LEADER") this.#refuseIfStill(role, notController(this.#role, "not-done"));
      else if (code === "UNKNOWN_OUTCOME") this.#refuseIfStill(role, notController(this.#role, "unknown"));
      // Of a command that is spread over several batches some may be committed.
      else if (code === "CLOSED" && this.#dead !== undefined) this.#refuseIfStill(role, shuttingDown("unknown"));
      else if (code === "NO_SPACE") this.#refuseIfStill(role, { reason: "STORAGE_FULL", message, metadata: {} });
      else throw error;
      return false;
    }
  }

  /** After a change of leadership those that wait are of the next one. */
  #refuseIfStill(role: MetadataRole, refusal: Refusal): void {
    if (this.#role === role) this.#refuseAll(refusal, refusal);
  }

  #restore(bytes: Uint8Array): void {
    this.#image = decodeSnapshot(bytes);
    for (const subscriber of this.#subscribers) subscriber(this.#image, []);
  }

  #apply(entries: readonly MetadataEntry[]): void {
    for (const { bytes } of entries) {
      const batch = decodeBatch(bytes);
      this.#image = replayBatch(this.#image, batch);
      for (const subscriber of this.#subscribers) subscriber(this.#image, batch.records);
    }
  }

  #changeRole(role: MetadataRole): void {
    // Of a leader that was elected again, too: what it planned was of the leadership before.
    this.#role = role;
    this.#refuseAll(notController(role, "unknown"), notController(role, "not-done"));
    for (const watcher of this.#roleWatchers) watcher(role);
  }

  #refusalNow(): Refusal | undefined {
    if (this.#dead !== undefined) return this.#dead;
    if (this.#role.kind !== "leader") return notController(this.#role, "not-done");
    if (this.waiting < this.#options.queueMax) return undefined;
    const message = `Cannot take the command: ${this.waiting} others are waiting. Try again later.`;
    return { reason: "BUSY", message, metadata: { waiting: String(this.waiting) } };
  }

  /** `underWay` for those whose records may have been proposed, `queued` for those that nobody has looked at yet. */
  #refuseAll(underWay: Refusal, queued: Refusal): void {
    const begun = this.#inFlight.map((answer) => answer.waiting);
    if (this.#rest !== undefined) begun.push(this.#rest.answer.waiting);
    const waiting = this.#queue;
    this.#inFlight = [];
    this.#queue = [];
    this.#rest = undefined;
    for (const { answer } of begun) answer({ kind: "refused", refusal: underWay });
    for (const { answer } of waiting) answer({ kind: "refused", refusal: queued });
  }

  #fail(error: Error): void {
    if (this.#dead?.reason === "STORAGE_FAILED" || this.#dead?.reason === "INTERNAL") return;
    const reason = error instanceof InvariantError ? "INTERNAL" : "STORAGE_FAILED";
    this.#dead = { reason, message: `The controller has stopped: ${error.message}`, metadata: {} };
    this.#refuseAll(this.#dead, this.#dead);
    this.#onFatal(error);
  }
}

function shuttingDown(outcome: "unknown" | "not-done"): Refusal {
  return { reason: "SHUTTING_DOWN", message: "The controller is shutting down.", metadata: { outcome } };
}

function notController(role: MetadataRole, outcome: "unknown" | "not-done"): Refusal {
  const leader = role.kind === "follower" ? role.leaderId : undefined;
  const where = leader === undefined ? "none is known now" : `broker ${leader} is`;
  const done = outcome === "unknown" ? "Whether the command was done is not known." : "The command was not done.";
  return {
    reason: "NOT_CONTROLLER",
    message: `This node is not the active controller: ${where}. ${done}`,
    metadata: { term: String(role.term), outcome, ...(leader === undefined ? {} : { controller: String(leader) }) },
  };
}
