/**
 * This node as a broker of its cluster (6.4), from its registration to its end, and what it asks of the controller meanwhile.
 *
 *   register ──> CATCHING_UP: own image ≥ own registration ──> ready(): signs of life say "let me in" ──> RUNNING
 *      ▲                                                                     │ silent for a session: FENCED, let in again by itself
 *      └─ another epoch is registered, or none ──────────────────────────────┘ shutDown(): hands over, then may stop (B-7)
 *
 * Invariant: what this node sends carries the epoch of its present registration; it is fenced unless the committed image says of that
 * very epoch that it is not.
 */
import type { ConfirmFlush, Outcome, Partition, RegisterBroker, TopicConfigName } from "@varve/cluster";
import { brokerOf, checkTopicConfig, clusterOverrides } from "@varve/cluster";
import type { Clock } from "@varve/log";
import { Heartbeats, type HeartbeatsOptions } from "./drivers/heartbeats.ts";
import type { HeartbeatAnswer } from "./drivers/controller-duty.ts";
import type { ProducerIdBlock } from "./drivers/producer-ids.ts";
import { BrokerError } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { BrokerSession, ControllerClient, MetadataView } from "./ports/peers.ts";
import type { Refusal } from "./refusal.ts";

export type Identity = Omit<RegisterBroker, "kind">;

export interface RegistrationOptions extends Omit<HeartbeatsOptions, "nodeId" | "heartbeat" | "onAnswer"> {
  readonly identity: Identity;
  readonly control: ControllerClient;
  readonly view: MetadataView;
  readonly logger: Logger;
  /** Number of metadata records that are in effect on this node. */
  readonly appliedOffset: () => number;
  /** B-10: while it is so this node asks to be fenced. */
  readonly isDiskHanging: () => boolean;
  /** What its registration waits for. */
  readonly onWaiting: (why: string) => void;
  /** H-13 */
  readonly isShortOfRoom: () => boolean;
  /** Ends the wait for a controller. */
  readonly signal: AbortSignal;
  /** This node's id is another's now. */
  readonly onLost: (error: BrokerError) => void;
}

const pauseMs = 100;
/** Of the controller, which will be another one or have room again: when it is this very node that stops, the signal says so. */
const passing = ["NOT_CONTROLLER", "REQUEST_TIMED_OUT", "BUSY", "SHUTTING_DOWN", "STORAGE_FULL", "STORAGE_FAILED"];

export class Registration implements BrokerSession {
  readonly #options: RegistrationOptions;
  readonly #heartbeats: Heartbeats;
  #brokerEpoch: number;
  #wants: "fence" | "part" | "shutdown" = "fence";
  /** B-7: nothing is led here any more, and everybody knows. */
  #handedOver = false;
  #tellHandedOver: () => void = () => undefined;
  #registering = false;

  private constructor(options: RegistrationOptions, brokerEpoch: number) {
    this.#options = options;
    this.#brokerEpoch = brokerEpoch;
    this.#heartbeats = new Heartbeats({
      ...options,
      nodeId: options.identity.brokerId,
      heartbeat: () => ({
        brokerEpoch: this.#brokerEpoch,
        metadataOffset: options.appliedOffset(),
        wantsFence: this.#wants === "fence" || (this.#wants === "part" && options.isDiskHanging()),
        wantsShutdown: this.#wants === "shutdown",
        withoutRoom: options.isShortOfRoom(),
      }),
      onAnswer: (answer) => this.#heard(answer),
    });
  }

  /**
   * Registers, and waits until this node's image has that registration: it knows then whatever was decided before.
   * @throws BrokerError REGISTRATION
   */
  static async open(options: RegistrationOptions): Promise<Registration> {
    const brokerEpoch = await register(options);
    await imageReaches(options.view, brokerEpoch, options.signal);
    return new Registration(options, brokerEpoch);
  }

  get brokerEpoch(): number {
    return this.#brokerEpoch;
  }

  get isFenced(): boolean {
    const { view, identity } = this.#options;
    const broker = brokerOf(view.image, identity.brokerId);
    return broker?.brokerEpoch !== this.#brokerEpoch || broker.fenced;
  }

  get hearsController(): boolean {
    return this.#heartbeats.hearsController;
  }

  /** It may lead and follow from now on. Resolves when it was let in (B-6), and this node knows. */
  async ready(): Promise<void> {
    this.#wants = "part";
    const { view, signal } = this.#options;
    this.#heartbeats.beat();
    await imageSays(view, () => !this.isFenced, signal);
  }

  /** B-7: hands everything over. Resolves when it may stop, when nobody is in charge any more, or after `patienceMs`. */
  async shutDown(patienceMs: number): Promise<void> {
    const { clock, heartbeatMs } = this.#options;
    const endMs = clock.monotonicMs() + patienceMs;
    this.#wants = "shutdown";
    this.#heartbeats.beat();
    while (!this.#handedOver && !this.isFenced && this.hearsController && clock.monotonicMs() < endMs) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimer(heartbeatMs, resolve);
        this.#tellHandedOver = () => {
          timer.cancel();
          resolve();
        };
      });
    }
  }

  /** Says nothing any more. */
  close(): void {
    this.#heartbeats.close();
    this.#tellHandedOver();
  }

  get #me(): { brokerId: number; brokerEpoch: number } {
    return { brokerId: this.#options.identity.brokerId, brokerEpoch: this.#brokerEpoch };
  }

  /** A new leader epoch in every partition that it leads (J-3). @throws BrokerError REGISTRATION */
  async startEpochs(): Promise<void> {
    const outcome = await insist(this.#options, () =>
      this.#options.control.submit({ kind: "startEpochs", ...this.#me }),
    );
    if (outcome.kind === "refused") throw refused("begin new leader epochs", outcome.refusal);
  }

  /** A new leader epoch for one partition (J-3). Rejects when the controller refuses. */
  async newLeaderEpoch(topicId: string, partition: number, leaderEpoch: number): Promise<number> {
    const outcome = await this.#options.control.submit({
      kind: "newLeaderEpoch",
      ...this.#me,
      topicId,
      partition,
      leaderEpoch,
    });
    if (outcome.kind === "refused") throw refused("begin a new leader epoch", outcome.refusal);
    return outcome.reply.leaderEpoch;
  }

  /** The leader counts by `sync` now. A refusal means that the partition has changed meanwhile: then it is asked again. */
  async confirmFlush(partition: Partition): Promise<void> {
    const { topicId, partition: number, leaderEpoch, partitionEpoch } = partition;
    const command: ConfirmFlush = {
      kind: "confirmFlush",
      ...this.#me,
      topicId,
      partition: number,
      leaderEpoch,
      partitionEpoch,
    };
    await this.#options.control.submit(command);
  }

  async nextProducerIds(): Promise<ProducerIdBlock | Refusal> {
    const outcome = await this.#options.control.submit({ kind: "allocateProducerIds", ...this.#me });
    return outcome.kind === "refused" ? outcome.refusal : outcome.reply;
  }

  #heard({ stale, mayStop }: HeartbeatAnswer): void {
    if (mayStop && this.#wants === "shutdown") {
      this.#handedOver = true;
      this.#tellHandedOver();
    }
    if (stale && this.#wants !== "shutdown") void this.#registerAgain();
  }

  /** Its registration is gone. The same incarnation gets a new epoch: it never stopped, and has lost nothing. */
  async #registerAgain(): Promise<void> {
    if (this.#registering) return;
    this.#registering = true;
    const { identity, logger, onLost } = this.#options;
    try {
      this.#brokerEpoch = await register({ ...this.#options, identity: { ...identity, lossy: [] } });
      logger.warn({ brokerEpoch: this.#brokerEpoch }, "the registration was gone: registered again");
    } catch (error) {
      if (error instanceof BrokerError) onLost(error);
      // Otherwise this node stops, and ended the wait itself.
    } finally {
      this.#registering = false;
    }
  }
}

/** Until it is decided. Another process with the same id may only just have died: its session is waited for. */
async function register(options: RegistrationOptions): Promise<number> {
  const { identity, control, clock, sessionMs, signal } = options;
  const giveUpMs = clock.monotonicMs() + 2 * sessionMs;
  for (;;) {
    const outcome = await insist(options, () => control.submit({ kind: "registerBroker", ...identity }));
    if (outcome.kind === "done") return outcome.reply.brokerEpoch;
    const isHeld = outcome.refusal.reason === "DUPLICATE_BROKER" && clock.monotonicMs() < giveUpMs;
    if (!isHeld) throw refused("register with the cluster", outcome.refusal);
    options.onWaiting(outcome.refusal.message);
    await pause(clock, signal);
  }
}

/** For commands that may be done twice: asks until somebody decides. */
async function insist<Reply>(
  { clock, signal, onWaiting }: Pick<RegistrationOptions, "clock" | "signal" | "onWaiting">,
  ask: () => Promise<Outcome<Reply>>,
): Promise<Outcome<Reply>> {
  for (;;) {
    const outcome = await unlessAborted(ask(), signal);
    if (outcome.kind === "done") return outcome;
    if (!passing.includes(outcome.refusal.reason)) return outcome;
    onWaiting(outcome.refusal.message);
    await pause(clock, signal);
  }
}

/** Whoever stops does not wait for an answer that may take its time. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function imageReaches(view: MetadataView, offset: number, signal: AbortSignal): Promise<void> {
  return imageSays(view, () => view.image.offset >= offset, signal);
}

/** Resolves once `check` holds of the image; rejects with the signal's reason. */
function imageSays(view: MetadataView, check: () => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      unsubscribe();
      signal.removeEventListener("abort", abort);
    };
    const look = (): void => {
      if (!check()) return;
      end();
      resolve();
    };
    const abort = (): void => {
      end();
      reject(signal.reason as Error);
    };
    const unsubscribe = view.subscribe(look);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    look();
  });
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      timer.cancel();
      reject(signal.reason as Error);
    };
    const timer = clock.setTimer(pauseMs, () => {
      signal.removeEventListener("abort", abort);
      resolve();
    });
    signal.addEventListener("abort", abort, { once: true });
  });
}

/** Makes the cluster's defaults of topic configuration what was configured; says nothing when they are. */
export async function applyTopicDefaults(
  view: MetadataView,
  control: ControllerClient,
  wanted: Readonly<Record<string, string>>,
): Promise<void> {
  const present = clusterOverrides(view.image);
  const changes: { key: string; value: string }[] = [];
  for (const [key, value] of Object.entries(wanted)) {
    const checked = checkTopicConfig(key, value);
    if ("fault" in checked)
      throw new BrokerError("CONFIGURATION", `Cannot use topic default "${key}": ${checked.fault}`);
    if (present[key as TopicConfigName] !== checked.text) changes.push({ key, value: checked.text });
  }
  if (changes.length === 0) return;
  const outcome = await control.submit({ kind: "alterClusterConfig", changes });
  if (outcome.kind === "refused") throw refused("set the defaults of topics", outcome.refusal);
}

function refused(what: string, refusal: Refusal): BrokerError {
  return new BrokerError("REGISTRATION", `Cannot ${what}: ${refusal.message}`, { cause: refusal });
}
