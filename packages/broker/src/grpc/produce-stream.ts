/**
 * One `ProduceStream` call: requests are appended in the order they came and answered in that order; answers that become
 * ready together (one commit group) share a message.
 *
 *     data ──> #jobs  [done][done][ .. ][done]      the answered prefix leaves in one message
 *               head ─^            ^ waits
 *
 * Bounded: a stream stops reading when its requests under way exceed `bytesMax` or `requestsMax`, when the node is full, when the
 * log has no room, or when the client does not take its answers. gRPC's window then stops the client.
 * Invariant: every request that was read gets exactly one outcome, in order, unless the call is cancelled.
 */
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { ProduceOutcome } from "@varve/api";
import { type ArrivedProduce, type ProduceIntake, ProduceJob } from "../drivers/produce-intake.ts";
import type { ProduceGate, RoomWaiter } from "./produce-gate.ts";
import type { ProduceAnswers } from "./produce-answer.ts";

export interface ProduceStreamLimits {
  /** Bytes of requests under way on one stream. */
  bytesMax: number;
  /** Requests under way on one stream. */
  requestsMax: number;
}

export type ProduceStreamCall = ServerDuplexStream<ArrivedProduce, readonly ProduceOutcome[]>;

/** Outcomes in one message, so that none becomes large. */
const outcomesPerMessageMax = 512;

export class ProduceStreamSession implements RoomWaiter {
  readonly #call: ProduceStreamCall;
  readonly #intake: ProduceIntake;
  readonly #gate: ProduceGate;
  readonly #answers: ProduceAnswers;
  readonly #monotonicMs: () => number;
  readonly #limits: ProduceStreamLimits;
  readonly #closed: (session: ProduceStreamSession) => void;
  /** A queue: entries before #head have been answered. */
  #jobs: ProduceJob[] = [];
  #head = 0;
  #bytes = 0;
  /** Read, and waiting for room in the log; reading has stopped. */
  #held: ArrivedProduce | undefined;
  #paused = false;
  #ended = false;
  #over = false;
  #draining = false;
  #flushScheduled = false;

  constructor(
    call: ProduceStreamCall,
    dependencies: {
      intake: ProduceIntake;
      gate: ProduceGate;
      answers: ProduceAnswers;
      readonly monotonicMs: () => number;
      closed: (session: ProduceStreamSession) => void;
    },
    limits: ProduceStreamLimits,
  ) {
    this.#call = call;
    this.#intake = dependencies.intake;
    this.#gate = dependencies.gate;
    this.#answers = dependencies.answers;
    this.#monotonicMs = dependencies.monotonicMs;
    this.#closed = dependencies.closed;
    this.#limits = limits;
    call.on("data", (request: ArrivedProduce) => this.#received(request));
    call.on("end", () => this.#halfClosed());
    call.on("drain", () => this.#drained());
    call.on("cancelled", () => this.#finish());
    call.on("error", () => this.#finish());
    call.on("close", () => this.#finish());
  }

  /** Requests under way. */
  get pending(): number {
    return this.#jobs.length - this.#head;
  }

  roomAgain(): void {
    this.#resumeIfRoom();
  }

  /** Takes no more requests; what is under way is answered, then the call ends. */
  stop(): void {
    this.#call.pause();
    this.#paused = true;
    this.#ended = true;
    this.#endIfIdle();
  }

  #received(request: ArrivedProduce): void {
    if (this.#over || this.#ended) return;
    const room = this.#gate.logRoom(request.sizeBytes);
    if (room === undefined) {
      this.#start(request);
      return;
    }
    this.#held = request;
    this.#pause();
    void room.then(() => this.#startHeld());
  }

  #startHeld(): void {
    const request = this.#held;
    if (request === undefined || this.#over) return;
    this.#held = undefined;
    this.#start(request);
    this.#resumeIfRoom();
    this.#endIfIdle();
  }

  #start(request: ArrivedProduce): void {
    const job = new ProduceJob(request, this.#monotonicMs(), this.#jobDone);
    this.#jobs.push(job);
    this.#bytes += job.sizeBytes;
    this.#gate.enter(job.sizeBytes);
    this.#intake.start(request.request, job);
    if (this.#full) this.#pause();
  }

  get #full(): boolean {
    return this.#bytes >= this.#limits.bytesMax || this.pending >= this.#limits.requestsMax || this.#gate.full;
  }

  readonly #jobDone = (job: ProduceJob): void => {
    this.#bytes -= job.sizeBytes;
    this.#gate.leave(job.sizeBytes);
    if (this.#over || this.#flushScheduled) return;
    this.#flushScheduled = true;
    // After the whole commit group has settled: one message for all that became ready.
    queueMicrotask(this.#flush);
  };

  readonly #flush = (): void => {
    this.#flushScheduled = false;
    while (!this.#over && !this.#draining) {
      const outcomes: ProduceOutcome[] = [];
      while (outcomes.length < outcomesPerMessageMax) {
        const job = this.#jobs[this.#head];
        if (job === undefined || !job.finished) break;
        outcomes.push(this.#answers.outcomeOf(job));
        this.#head++;
      }
      if (outcomes.length === 0) break;
      this.#draining = !this.#call.write(outcomes);
      // Who does not take answers gets no more requests read.
      if (this.#draining) this.#pause();
    }
    if (this.#head > 256 && this.#head * 2 > this.#jobs.length) {
      this.#jobs = this.#jobs.slice(this.#head);
      this.#head = 0;
    }
    this.#resumeIfRoom();
    this.#endIfIdle();
  };

  #drained(): void {
    this.#draining = false;
    this.#flush();
  }

  #pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#call.pause();
    if (this.#gate.full) this.#gate.wait(this);
  }

  #resumeIfRoom(): void {
    if (!this.#paused || this.#over || this.#ended || this.#held !== undefined || this.#draining) return;
    if (this.#gate.full) {
      this.#gate.wait(this);
      return;
    }
    if (this.#full) return;
    this.#paused = false;
    this.#call.resume();
  }

  #halfClosed(): void {
    this.#ended = true;
    this.#endIfIdle();
  }

  #endIfIdle(): void {
    if (!this.#ended || this.#over || this.pending > 0 || this.#held !== undefined) return;
    this.#finish();
    this.#call.end();
  }

  /** Nobody reads the answers any more. What was appended stays appended. */
  #finish(): void {
    if (this.#over) return;
    this.#over = true;
    this.#held = undefined;
    this.#gate.stopWaiting(this);
    this.#closed(this);
  }
}
