/**
 * What the active controller does without being asked: it keeps the sessions of brokers, fences who is silent (C-8, B-5), and answers
 * signs of life (B-6, B-7). On a node that is not active it does nothing. Which broker is due is decided by `cluster`.
 *
 *   active ──> sessions begin, everybody is looked for ──> tick ──> expired: fenceBroker, one after the other
 *          └──> repairs what its predecessor left (C-10), and gives partitions back to their preferred leaders (6.10)
 *   a heartbeat stream breaks, and nobody listens at the broker's address any more ──> its session is over at once (B-9)
 */
import { connect } from "node:net";
import {
  type Broker,
  type SessionTimes,
  type Sessions,
  beginSessions,
  beginShutdown,
  brokerOf,
  expireSessions,
  mayStop,
  misplacedLeaders,
  touchSession,
} from "@varve/cluster";
import type { Clock, Timer } from "@varve/log";
import type { Logger } from "../logger.ts";
import type { MetadataRole } from "../ports/metadata-log.ts";
import { type Refusal, refuse } from "../refusal.ts";
import type { Controller } from "./controller.ts";

/** A sign of life. */
export interface Heartbeat {
  readonly brokerEpoch: number;
  readonly metadataOffset: number;
  readonly wantsFence: boolean;
  readonly wantsShutdown: boolean;
  /** H-13: it would hand over at once whatever it was given back to lead. */
  readonly withoutRoom: boolean;
}

export interface HeartbeatAnswer {
  readonly term: number;
  readonly fenced: boolean;
  readonly mayStop: boolean;
  /** Another epoch is registered, or none. */
  readonly stale: boolean;
}

export interface ControllerDutyOptions extends SessionTimes {
  readonly controller: Controller;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Between two looks for partitions whose preferred leader is back, in ms. */
  readonly balanceMs: number;
  /** How the endpoint is called at which other nodes listen; whoever has none is never looked for. */
  readonly endpoint: string;
  /** Whether nobody listens there, told once. @default a connection over TCP is tried */
  readonly isRefused?: (host: string, port: number, tell: (refused: boolean) => void) => void;
}

/** How long an address may take to accept or refuse a connection, in ms. */
const probeMs = 1_000;
/** An address that answers is looked at so often, and so long after, unless the broker speaks meanwhile. */
const looksMax = 5;
const lookAgainMs = 200;

export class ControllerDuty {
  readonly #options: ControllerDutyOptions;
  readonly #stopWatching: () => void;
  #sessions: Sessions | undefined;
  #timer: Timer | undefined;
  #balanceTimer: Timer | undefined;
  /** To look at an address again. */
  readonly #looks = new Set<Timer>();
  #isFencing = false;
  /** Brokers that have last said that they have no room. */
  readonly #withoutRoom = new Set<number>();

  constructor(options: ControllerDutyOptions) {
    this.#options = options;
    this.#stopWatching = options.controller.watchRole((role) => this.#changeRole(role));
    this.#changeRole(options.controller.role);
  }

  /** Unfenced brokers that were not heard of for more than half a session. */
  get silentBrokers(): number {
    const { clock, sessionMs, controller } = this.#options;
    const nowMs = clock.monotonicMs();
    let silent = 0;
    for (const [brokerId, { heardMs }] of this.#sessions?.lives ?? []) {
      if (brokerOf(controller.image, brokerId)?.fenced === false && nowMs - heardMs > sessionMs / 2) silent++;
    }
    return silent;
  }

  /** A broker speaks. The touch comes first, and waits for no command: an overloaded controller fences nobody for it. */
  async beat(brokerId: number, heartbeat: Heartbeat): Promise<HeartbeatAnswer | Refusal> {
    const { controller, clock } = this.#options;
    const { role } = controller;
    if (this.#sessions === undefined || role.kind !== "leader") return notActive(role);
    const { brokerEpoch, metadataOffset } = heartbeat;
    const broker = brokerOf(controller.image, brokerId);
    if (broker?.brokerEpoch !== brokerEpoch) {
      return { term: role.term, fenced: true, mayStop: false, stale: true };
    }
    this.#sessions = touchSession(this.#sessions, brokerId, { brokerEpoch, metadataOffset }, clock.monotonicMs());
    if (heartbeat.withoutRoom) this.#withoutRoom.add(brokerId);
    else this.#withoutRoom.delete(brokerId);
    const refusal = await this.#grant(broker, heartbeat);
    if (refusal !== undefined) return refusal;
    const fenced = brokerOf(controller.image, brokerId)?.fenced ?? true;
    const stops = this.#sessions !== undefined && mayStop(this.#sessions, controller.image, brokerId);
    return { term: role.term, fenced, mayStop: stops, stale: false };
  }

  /** The stream of its heartbeats broke. Only when nobody listens where it did, it is gone (B-9). */
  heartbeatsEnded(brokerId: number, brokerEpoch: number): void {
    const { controller } = this.#options;
    const broker = brokerOf(controller.image, brokerId);
    if (this.#sessions !== undefined && broker?.brokerEpoch === brokerEpoch) this.#lookFor(broker);
  }

  close(): void {
    this.#stopWatching();
    this.#stop();
  }

  #changeRole(role: MetadataRole): void {
    if (role.kind !== "leader") return this.#stop();
    const { controller, clock, heartbeatMs, logger } = this.#options;
    logger.info({ term: role.term }, "this node is the active controller");
    this.#sessions = beginSessions(controller.image, clock.monotonicMs());
    for (const broker of controller.image.brokers.values()) if (!broker.fenced) this.#lookFor(broker);
    this.#timer?.cancel();
    this.#timer = clock.setTimer(heartbeatMs, () => this.#tick());
    this.#balanceLater();
    // Of a cluster without brokers there is nothing to repair, and a fresh log stays empty.
    if (controller.image.topics.size > 0) void this.#repair();
  }

  #stop(): void {
    this.#sessions = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#balanceTimer?.cancel();
    for (const timer of this.#looks) timer.cancel();
    this.#looks.clear();
    this.#withoutRoom.clear();
  }

  async #repair(): Promise<void> {
    const { controller, logger } = this.#options;
    const outcome = await controller.submit({ kind: "repairPartitions" });
    if (outcome.kind === "refused") logger.debug({ why: outcome.refusal.message }, "partitions not repaired");
    else if (outcome.reply.partitions > 0)
      logger.info({ ...outcome.reply }, "partitions repaired after a change of controller");
  }

  #balanceLater(): void {
    const { clock, balanceMs } = this.#options;
    this.#balanceTimer?.cancel();
    this.#balanceTimer = clock.setTimer(balanceMs, () => {
      this.#balanceLater();
      void this.#balance();
    });
  }

  async #balance(): Promise<void> {
    const { controller, logger } = this.#options;
    const partitions = misplacedLeaders(controller.image, { notTo: this.#withoutRoom });
    if (this.#sessions === undefined || partitions.length === 0) return;
    const outcome = await controller.submit({ kind: "electLeaders", mode: "preferred", partitions });
    if (outcome.kind === "done") logger.info({ ...outcome.reply }, "partitions went back to their preferred leaders");
  }

  #tick(): void {
    const { controller, clock, heartbeatMs } = this.#options;
    if (this.#sessions === undefined) return;
    this.#timer = clock.setTimer(heartbeatMs, () => this.#tick());
    const { sessions, expired } = expireSessions(this.#sessions, controller.image, clock.monotonicMs(), this.#options);
    this.#sessions = sessions;
    if (expired.length > 0 && !this.#isFencing) void this.#fenceAll(expired);
  }

  /** One after the other: the second sees what the first has come to (B-5). */
  async #fenceAll(expired: readonly { readonly brokerId: number; readonly brokerEpoch: number }[]): Promise<void> {
    this.#isFencing = true;
    for (const broker of expired) if (this.#isSilent(broker)) await this.#fence(broker, "it was silent for a session");
    this.#isFencing = false;
  }

  /** Still: it may have spoken while others were being fenced. */
  #isSilent({ brokerId, brokerEpoch }: Pick<Broker, "brokerId" | "brokerEpoch">): boolean {
    const { clock, sessionMs } = this.#options;
    const life = this.#sessions?.lives.get(brokerId);
    return life?.brokerEpoch === brokerEpoch && clock.monotonicMs() - life.heardMs > sessionMs;
  }

  async #fence({ brokerId, brokerEpoch }: Pick<Broker, "brokerId" | "brokerEpoch">, why: string): Promise<void> {
    const { controller, logger } = this.#options;
    const outcome = await controller.submit({ kind: "fenceBroker", brokerId, brokerEpoch });
    if (outcome.kind === "done") logger.warn({ brokerId, why, ...outcome.reply }, "broker fenced");
    // Refused: it has registered again, or another node leads by now. Else the next tick asks once more.
    else logger.debug({ brokerId, why: outcome.refusal.message }, "broker not fenced");
  }

  /** What the broker wants and may have. */
  async #grant(broker: Broker, heartbeat: Heartbeat): Promise<Refusal | undefined> {
    const { controller } = this.#options;
    const { brokerId, brokerEpoch } = broker;
    const me = { brokerId, brokerEpoch };
    if (heartbeat.wantsShutdown) {
      if (this.#sessions?.lives.get(brokerId)?.shutdownOffset !== undefined) return undefined;
      const outcome = await controller.submit({ kind: "shutDownBroker", ...me });
      if (outcome.kind === "refused") return outcome.refusal;
      if (this.#sessions !== undefined) {
        this.#sessions = beginShutdown(this.#sessions, brokerId, controller.image.offset);
      }
      return undefined;
    }
    if (heartbeat.wantsFence) {
      if (broker.fenced) return undefined;
      const outcome = await controller.submit({ kind: "fenceBroker", ...me });
      return outcome.kind === "refused" ? outcome.refusal : undefined;
    }
    if (!broker.fenced || heartbeat.metadataOffset < brokerEpoch) return undefined;
    const { metadataOffset } = heartbeat;
    const outcome = await controller.submit({ kind: "unfenceBroker", ...me, metadataOffset });
    return outcome.kind === "refused" ? outcome.refusal : undefined;
  }

  /** A process that is being killed may still take a connection, with its last breath: the address is looked at again. */
  #lookFor(broker: Broker, sinceMs = this.#options.clock.monotonicMs(), looksLeft = looksMax): void {
    const { clock, endpoint: name, isRefused = isConnectionRefused } = this.#options;
    const endpoint = broker.endpoints.find((candidate) => candidate.name === name);
    if (endpoint === undefined) return;
    isRefused(endpoint.host, endpoint.port, (refused) => {
      const heardMs = this.#sessions?.lives.get(broker.brokerId)?.heardMs ?? Infinity;
      // Whoever spoke since is there, wherever it listens.
      if (heardMs > sinceMs) return;
      if (refused) void this.#fence(broker, "nobody listens at its address");
      else if (looksLeft > 1) {
        const timer = clock.setTimer(lookAgainMs, () => {
          this.#looks.delete(timer);
          this.#lookFor(broker, sinceMs, looksLeft - 1);
        });
        this.#looks.add(timer);
      }
    });
  }
}

function isConnectionRefused(host: string, port: number, tell: (refused: boolean) => void): void {
  const socket = connect({ host, port });
  const end = (refused: boolean): void => {
    socket.removeAllListeners();
    // What comes after the answer is of no interest.
    socket.on("error", () => undefined);
    socket.destroy();
    tell(refused);
  };
  socket.setTimeout(probeMs, () => end(false));
  socket.once("connect", () => end(false));
  socket.once("error", (error: NodeJS.ErrnoException) => end(error.code === "ECONNREFUSED"));
}

function notActive(role: MetadataRole): Refusal {
  const leader = role.kind === "follower" ? role.leaderId : undefined;
  return refuse("NOT_CONTROLLER", "This node is not the active controller", {
    term: role.term,
    outcome: "not-done",
    ...(leader === undefined ? {} : { controller: leader }),
  });
}
