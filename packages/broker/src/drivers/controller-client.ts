/**
 * Commands from wherever they arise to whoever may decide them.
 *
 *   submit ─┬─ this node is the active controller ──> decided here
 *           ├─ another one is ── connected? ── once ──> its answer, or nobody knows
 *           └─ nobody is known ──> wait for an election, within the command's time
 *
 * Invariants
 * - A command is handed over a second time only when it is certain that nothing came of the first (C-6).
 * - Every command ends within `timeoutMs`; at most `waitingMax` are under way to others.
 */
import { type Client, type ServiceDefinition, type ServiceError, status } from "@grpc/grpc-js";
import { type SubmitRequestMessage, type SubmitResponseOutput, errorFromStatus } from "@varve/api";
import { type Command, type Outcome, type ReplyOf, decodeOutcome, encodeCommand } from "@varve/cluster";
import { FormatError } from "@varve/format";
import type { Clock } from "@varve/log";
import { type PeerAnswer, callPeer } from "../peer/peer-call.ts";
import type { MetadataRole } from "../ports/metadata-log.ts";
import type { ControllerClient, PeerClients } from "../ports/peers.ts";
import { type Refusal, refuse } from "../refusal.ts";
import type { Controller } from "./controller.ts";

export interface RemoteControllerOptions {
  readonly controller: Controller;
  /** Undefined: a cluster of one. */
  readonly peers: PeerClients | undefined;
  /** varve.v1.Peer. */
  readonly definition: ServiceDefinition;
  readonly clock: Clock;
  /** The active controller does not want this node; comes with every try. */
  readonly onRefused?: (controllerId: number, why: string) => void;
  /** Of one command, in ms. @default 10000 */
  readonly timeoutMs?: number;
  /** @default 1000 */
  readonly waitingMax?: number;
}

/** What nobody has seen yet is done again after so long, in ms. */
const pauseMs = 50;

/** What people asked for is answered when this node knows of it, too: their next question comes here. */
const awaited: ReadonlySet<Command["kind"]> = new Set<Command["kind"]>([
  "createTopic",
  "addPartitions",
  "deleteTopic",
  "alterTopicConfig",
  "alterClusterConfig",
  "electLeaders",
]);

/** Undefined: certainly not done, and worth another try. */
type Attempt<C extends Command> = Outcome<ReplyOf<C>> | undefined;

export class ClusterController implements ControllerClient {
  readonly #options: RemoteControllerOptions;
  readonly #wakers = new Set<() => void>();
  readonly #stopWatching: readonly (() => void)[];
  #waiting = 0;
  /** Answers of a lower term are of a controller that is none any more. */
  #termSeen = 0;
  #isClosed = false;

  constructor(options: RemoteControllerOptions) {
    this.#options = options;
    const { controller } = options;
    const wake = (): void => {
      for (const waker of this.#wakers) waker();
    };
    this.#stopWatching = [controller.watchRole(wake), controller.subscribe(wake)];
  }

  /** The active controller as far as this node knows. */
  get controllerId(): number | undefined {
    const { role } = this.#options.controller;
    return role.kind === "leader" ? undefined : role.leaderId;
  }

  async submit<C extends Command>(command: C): Promise<Outcome<ReplyOf<C>>> {
    const { controller, clock, timeoutMs = 10_000, waitingMax = 1_000 } = this.#options;
    if (controller.role.kind === "leader" && !this.#isClosed) {
      const outcome = await controller.submit(command);
      if (!isNotDone(outcome)) return outcome;
    }
    if (this.#waiting >= waitingMax) {
      return refused(refuse("BUSY", `Cannot take the command: ${this.#waiting} others wait for the controller`));
    }
    this.#waiting += 1;
    try {
      return await this.#insist(command, clock.monotonicMs() + timeoutMs);
    } finally {
      this.#waiting -= 1;
    }
  }

  /** Whoever waits is told that this node stops. */
  close(): void {
    this.#isClosed = true;
    for (const stop of this.#stopWatching) stop();
    for (const waker of this.#wakers) waker();
  }

  async #insist<C extends Command>(command: C, endMs: number): Promise<Outcome<ReplyOf<C>>> {
    const { controller, clock } = this.#options;
    while (!this.#isClosed) {
      const { role } = controller;
      const outcome =
        role.kind === "leader" ? await this.#here(command) : await this.#there(command, role.leaderId, endMs);
      if (outcome !== undefined) return outcome;
      if (clock.monotonicMs() >= endMs) return refused(nobodyDecides(controller.role));
      await this.#change(pauseMs);
    }
    return refused(refuse("SHUTTING_DOWN", "Cannot decide this: the node is stopping", { outcome: "not-done" }));
  }

  async #here<C extends Command>(command: C): Promise<Attempt<C>> {
    const outcome = await this.#options.controller.submit(command);
    return isNotDone(outcome) ? undefined : outcome;
  }

  async #there<C extends Command>(command: C, nodeId: number | undefined, endMs: number): Promise<Attempt<C>> {
    const { peers, clock, onRefused } = this.#options;
    const client = nodeId === undefined ? undefined : peers?.client(nodeId, "control");
    if (nodeId === undefined || client === undefined) return undefined;
    // Until there is a connection nothing was sent.
    const patienceMs = Math.min(endMs - clock.monotonicMs(), 1_000);
    if (patienceMs <= 0 || !(await isReady(client, clock, patienceMs))) return undefined;
    let bytes: Uint8Array;
    try {
      bytes = encodeCommand(command);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return refused(refuse("INVALID_REQUEST", error.message));
    }
    const called = await this.#send(client, bytes, Math.max(1, endMs - clock.monotonicMs()));
    if (called.kind === "answer") return this.#take(command, called.answer, endMs);
    if (isOfThisNode(called.error)) onRefused?.(nodeId, called.error.details);
    const outcome = refused(refusalOf(called.error));
    return isNotDone(outcome) ? undefined : outcome;
  }

  async #take<C extends Command>(command: C, answer: SubmitResponseOutput, endMs: number): Promise<Attempt<C>> {
    const { term, metadataOffset } = answer;
    let outcome: Outcome<ReplyOf<C>>;
    try {
      outcome = decodeOutcome(command, answer.outcome);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      return refused(refuse("INTERNAL", error.message, { outcome: "unknown" }));
    }
    // What a controller of the past refuses, it refuses by what was; what it had begun may have been done all the same.
    const isPast = term < this.#termSeen;
    if (outcome.kind === "refused" && (isNotDone(outcome) || (isPast && !isUnknown(outcome.refusal)))) return undefined;
    this.#termSeen = Math.max(this.#termSeen, term);
    // Somebody else has made it just now, perhaps: whoever hears that it exists will use it, here.
    const isThere = outcome.kind === "done" || outcome.refusal.reason === "TOPIC_ALREADY_EXISTS";
    if (isThere && awaited.has(command.kind)) await this.#seen(metadataOffset, endMs);
    return outcome;
  }

  /** This node's image has come to `offset`; or it takes too long, and the answer comes first. */
  async #seen(offset: number, endMs: number): Promise<void> {
    const { controller, clock } = this.#options;
    while (controller.image.offset < offset && !this.#isClosed) {
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0) return;
      await this.#change(leftMs);
    }
  }

  #send(client: Client, command: Uint8Array, timeoutMs: number): Promise<PeerAnswer<SubmitResponseOutput>> {
    const { definition, clock } = this.#options;
    return callPeer<SubmitRequestMessage, SubmitResponseOutput>(
      client,
      definition["Submit"] as ServiceDefinition[string],
      { command: Buffer.from(command.buffer, command.byteOffset, command.byteLength) },
      { clock, timeoutMs },
    );
  }

  /** Resolves with the next change of leader or image, or after `ms`. */
  #change(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        timer.cancel();
        this.#wakers.delete(done);
        resolve();
      };
      const timer = this.#options.clock.setTimer(ms, done);
      this.#wakers.add(done);
    });
  }
}

/** The deadline that gRPC is given is a moment of the wall clock, which may be set back: it ends what is left behind here, some time. */
function isReady(client: Client, clock: Pick<Clock, "setTimer">, patienceMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(patienceMs, () => resolve(false));
    client.waitForReady(Date.now() + patienceMs, (error) => {
      timer.cancel();
      resolve(error === undefined);
    });
  });
}

/** What it shows of itself is not taken: it is asked again, but somebody must do something first. */
function isOfThisNode({ code }: ServiceError): boolean {
  return code === status.UNAUTHENTICATED || code === status.FAILED_PRECONDITION;
}

/** What a failed call comes to. Refused by the server before it was read: not done; anything else may have been done. */
function refusalOf(error: ServiceError): Refusal {
  const { code, details } = error;
  if (code === status.DEADLINE_EXCEEDED) {
    return refuse("REQUEST_TIMED_OUT", "The controller did not answer in time; whether it was done is not known", {
      outcome: "unknown",
    });
  }
  const isNever = isOfThisNode(error) || code === status.UNIMPLEMENTED;
  const reason = errorFromStatus(error).message;
  return refuse("NOT_CONTROLLER", `The command could not be handed to the controller: ${details || reason}`, {
    outcome: isNever ? "not-done" : "unknown",
  });
}

/** Not done by a node that does not decide, or decides no more: another one may. */
function isNotDone(outcome: { readonly kind: string; readonly refusal?: Refusal }): boolean {
  const { refusal } = outcome;
  const isElsewhere = refusal?.reason === "NOT_CONTROLLER" || refusal?.reason === "SHUTTING_DOWN";
  return isElsewhere && refusal.metadata["outcome"] === "not-done";
}

function isUnknown({ metadata }: Refusal): boolean {
  return metadata["outcome"] === "unknown";
}

function refused(refusal: Refusal): { kind: "refused"; refusal: Refusal } {
  return { kind: "refused", refusal };
}

function nobodyDecides(role: MetadataRole): Refusal {
  const leader = role.kind === "follower" ? role.leaderId : undefined;
  const why = leader === undefined ? "no active controller is known" : `node ${leader} could not be reached`;
  return refuse("NOT_CONTROLLER", `Cannot decide this now: ${why}. Nothing was done`, {
    term: role.term,
    outcome: "not-done",
    ...(leader === undefined ? {} : { controller: leader }),
  });
}
