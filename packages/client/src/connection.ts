// SPDX-License-Identifier: Apache-2.0
// The way to the brokers. What any node can answer goes to one of the known addresses, and to the next one when that does not
// answer; what belongs to a partition goes to its leader, as far as that is known and in reach, else to any node, which passes it on.
//
//   node()      any node: given a ─ b, learned c      current: a; unreachable(a) → b → c → a …
//   nodeFor()   the leader of a partition, proved in the background; until then node()
//
// A node's channel is opened with its first call and stays open until close(): grpc-js reconnects it by itself. Nothing runs by
// itself here: what is learned, is learned because somebody calls.

import { setMaxListeners } from "node:events";
import { credentials, type ChannelCredentials, type ServiceError } from "@grpc/grpc-js";
import {
  channelOptions,
  loadServices,
  VarveError,
  type AdminClient,
  type DescribeClusterResponseOutput,
  type GroupsClient,
  type LeaderHint,
  type LogClient,
  type Services,
} from "@varve/api";
import { backoffMs } from "./backoff.ts";
import { sleep, unaryCall, type CallControl } from "./call.ts";
import type { Clock, Timer } from "./clock.ts";
import { ClusterMap, type ClusterAnswer, type Place, type TopicAnswer } from "./cluster-map.ts";

export interface ConnectionOptions {
  /** `host:port` of one or more nodes of the same cluster. */
  readonly addresses: readonly string[];
  readonly credentials?: ChannelCredentials | undefined;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
}

/** The clients of one node. */
export interface Node {
  readonly address: string;
  readonly place: Place;
  readonly log: LogClient;
  readonly admin: AdminClient;
  readonly groups: GroupsClient;
}

type Invoke<Response> = (node: Node) => Parameters<typeof unaryCall<Response>>[0];

/** A question about the cluster that takes longer is not waited for. */
const questionMs = 3_000;
/** The same, of a node that has been silent: it is given up then. */
const silentQuestionMs = 1_500;
/** How long a call that may be repeated waits for one node, the first time; then twice as long, until its own time is up. */
const firstTryMs = 3_000;
/** A node that leaves such a call without an answer for so long is asked whether it is there, and again. */
const silenceMs = 1_000;
/** Not more often is the cluster asked who is in it. */
const learnIntervalMs = 500;

export class Connection {
  readonly clock: Clock;
  readonly requestTimeoutMs: number;
  readonly #map: ClusterMap;
  readonly #credentials: ChannelCredentials;
  readonly #services: Services = loadServices();
  readonly #nodes = new Map<string, Node>();
  readonly #closing = new AbortController();
  readonly #listeners = new Set<() => void>();
  /** Nodes that are being asked whether they are there. */
  readonly #asked = new Map<Node, Promise<boolean>>();
  #isLearning = false;
  /** Somebody did not answer since the cluster was last asked who is in it. */
  #isStale = true;
  #learnAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: ConnectionOptions) {
    if (options.addresses.length === 0) throw new VarveError("INVALID_REQUEST", "Cannot connect: no address was given");
    for (const address of options.addresses) {
      if (!isAddress(address)) {
        throw new VarveError(
          "INVALID_REQUEST",
          `Cannot connect to "${address}": write host:port, such as 127.0.0.1:9094`,
        );
      }
    }
    this.#map = new ClusterMap(options.addresses);
    this.#credentials = options.credentials ?? credentials.createInsecure();
    this.clock = options.clock;
    this.requestTimeoutMs = options.requestTimeoutMs;
    // One listener for each call under way: many are no leak.
    setMaxListeners(0, this.#closing.signal);
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  /** Aborted by close(). */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** The node that calls go to which any node can answer. Throws CLIENT_CLOSED after close(). */
  node(): Node {
    return this.#open(this.#map.current);
  }

  /** The node to go to with a partition: its leader, or one that passes it on. Throws CLIENT_CLOSED after close(). */
  nodeFor(topic: string, partition: number): Node {
    return this.wayTo(topic, partition).node;
  }

  /** As nodeFor(); `isLeader`: as far as it is known here. */
  wayTo(topic: string, partition: number): { readonly node: Node; readonly isLeader: boolean } {
    if (this.#isStale) this.#learn();
    if (!this.#map.isLearned) return { node: this.node(), isLeader: false };
    const { place, isLeader, toProve } = this.#map.routeTo(topic, partition, this.clock.monotonicMs());
    if (toProve !== undefined) this.#prove(toProve);
    return { node: this.#open(place), isLeader };
  }

  /** Says that a node did not answer: the next calls go elsewhere, where there is an elsewhere. */
  unreachable(node: Node): void {
    if (this.closed) return;
    const nowMs = this.clock.monotonicMs();
    this.#map.failed(node.place, nowMs);
    this.#isStale = true;
    if (this.#map.current.standing === "failed") for (const place of this.#map.lastHopes(nowMs)) this.#prove(place);
    this.#changed();
  }

  /** Says that a node answered. */
  answered(node: Node): void {
    this.#map.answered(node.place);
  }

  /** What an answer said of a partition's leader. */
  learnLeader(topic: string, partition: number, hint: LeaderHint): void {
    if (hint.address !== "" && !isAddress(hint.address)) return;
    if (this.#map.learnLeader(topic, partition, hint)) this.#changed();
  }

  learnTopic(topic: string, answer: TopicAnswer): void {
    if (this.#map.learnTopic(topic, answer)) this.#changed();
  }

  forgetTopic(topic: string): void {
    this.#map.forgetTopic(topic);
  }

  /** The epoch of the leader that is known; -1 when none is. */
  leaderEpochOf(topic: string, partition: number): number {
    return this.#map.leaderOf(topic, partition)?.leaderEpoch ?? -1;
  }

  /** What DescribeCluster answered at `node`. */
  #learnCluster(node: Node, answer: ClusterAnswer): void {
    const brokers = answer.brokers.filter(({ address }) => isAddress(address));
    const isOurs = this.#map.heard(node.place, { ...answer, brokers }, this.clock.monotonicMs());
    if (isOurs) this.#isStale = false;
    this.#changed();
  }

  /** Calls `run` when a partition may have another way. The result takes that back. */
  onChange(run: () => void): () => void {
    this.#listeners.add(run);
    return () => this.#listeners.delete(run);
  }

  /** Asks any node who leads the partitions of a topic. Resolves also when nobody knows. */
  async askLeaders(topic: string): Promise<void> {
    if (this.closed) return;
    await this.#askLeadersAt(this.node(), topic, questionMs);
  }

  /**
   * Whether a node that has said nothing for a while still answers; if not, it is unreachable from now on. With a topic, it is asked who
   * leads that, as it may be waiting for somebody else itself; and another node is, for a leader that was replaced may not know it.
   */
  async stillAnswers(node: Node, topic?: string): Promise<boolean> {
    if (this.closed) return true;
    const beside = topic === undefined ? undefined : this.#map.beside(node.place);
    const asked = beside === undefined ? [node] : [node, this.#open(beside)];
    const [answers] = await Promise.all([
      this.#isThere(node),
      ...(topic === undefined ? [] : asked.map((each) => this.#askLeadersAt(each, topic, silentQuestionMs))),
    ]);
    return answers;
  }

  /**
   * Makes a call that may be repeated, until it succeeds, its error is not retriable, or time is up. `refusalIn` finds an error in an
   * answer that makes it as good as none. Rejects with VarveError.
   */
  async retrying<Response>(
    invoke: Invoke<Response>,
    control: CallControl = {},
    refusalIn: (response: Response) => VarveError | undefined = () => undefined,
  ): Promise<Response> {
    const endMs = this.clock.monotonicMs() + (control.timeoutMs ?? this.requestTimeoutMs);
    const signals = this.#signalsFor(control.signal);
    for (let attempt = 1; ; attempt++) {
      const leftMs = Math.max(1, endMs - this.clock.monotonicMs());
      try {
        const tryMs = Math.min(leftMs, firstTryMs * 2 ** Math.min(attempt - 1, 20));
        const response = await this.#attempt(invoke, tryMs, signals);
        const refusal = refusalIn(response);
        if (refusal === undefined) return response;
        throw refusal;
      } catch (error) {
        const delayMs = backoffMs(attempt, this.clock.random());
        const retry = error instanceof VarveError && error.retriable && this.clock.monotonicMs() + delayMs < endMs;
        if (!retry) throw this.#explain(error);
        await sleep(delayMs, this.clock, signals).catch((reason: unknown) => {
          throw this.#explain(reason);
        });
      }
    }
  }

  /** As `retrying`; who answers is learned from. */
  async describeCluster(control?: CallControl): Promise<DescribeClusterResponseOutput> {
    let asked: Node | undefined;
    const answer = await this.retrying<DescribeClusterResponseOutput>((node) => {
      asked = node;
      return node.admin.DescribeCluster.bind(node.admin, {});
    }, control);
    if (asked !== undefined) this.#learnCluster(asked, answer);
    return answer;
  }

  /** Makes a call that must not be repeated. Rejects with VarveError. */
  async once<Response>(invoke: Invoke<Response>, control: CallControl = {}): Promise<Response> {
    try {
      return await this.#once(invoke, control.timeoutMs ?? this.requestTimeoutMs, this.#signalsFor(control.signal));
    } catch (error) {
      throw this.#explain(error);
    }
  }

  close(): void {
    this.#closing.abort();
    this.#listeners.clear();
    for (const node of this.#nodes.values()) {
      node.groups.close();
      node.admin.close();
      node.log.close();
    }
    this.#nodes.clear();
  }

  #open(place: Place): Node {
    if (this.closed) throw new VarveError("CLIENT_CLOSED", "Cannot call a broker: the client is closed");
    const { address } = place;
    let node = this.#nodes.get(address);
    if (node === undefined) {
      const log = this.#services.openLogClient(address, this.#credentials, channelOptions);
      // All services over one connection.
      const options = { ...channelOptions, channelOverride: log.getChannel() };
      const admin = this.#services.openAdminClient(address, this.#credentials, options);
      const groups = this.#services.openGroupsClient(address, this.#credentials, options);
      node = { address, place, log, admin, groups };
      this.#nodes.set(address, node);
    }
    return node;
  }

  /** Asks who is in the cluster, in the background. */
  #learn(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.#isLearning || nowMs < this.#learnAtMs || this.closed) return;
    this.#isLearning = true;
    this.#learnAtMs = nowMs + learnIntervalMs;
    const node = this.node();
    this.#describeAt(node, questionMs)
      .then(
        (answer) => this.#learnCluster(node, answer),
        (error: unknown) => this.#blame(node, error),
      )
      .finally(() => (this.#isLearning = false));
  }

  /** Asks the node at an address whether it is the one that should be there, in the background. */
  #prove(place: Place): void {
    place.standing = "proving";
    const node = this.#open(place);
    this.#describeAt(node, questionMs).then(
      (answer) => this.#learnCluster(node, answer),
      // Whatever it says instead: it is of no use now.
      () => this.#map.failed(place, this.clock.monotonicMs()),
    );
  }

  #describeAt(node: Node, timeoutMs: number): Promise<ClusterAnswer> {
    const { clock, closing } = this;
    return unaryCall(node.admin.DescribeCluster.bind(node.admin, {}), { timeoutMs, signals: [closing], clock });
  }

  /** Whether it answers, be it with a refusal. However many want to know, it is asked once at a time. */
  #isThere(node: Node): Promise<boolean> {
    let asked = this.#asked.get(node);
    if (asked === undefined) {
      asked = this.#answers(node).finally(() => this.#asked.delete(node));
      this.#asked.set(node, asked);
    }
    return asked;
  }

  async #answers(node: Node): Promise<boolean> {
    try {
      this.#learnCluster(node, await this.#describeAt(node, silentQuestionMs));
      return true;
    } catch (error) {
      return !this.#blame(node, error);
    }
  }

  async #askLeadersAt(node: Node, topic: string, timeoutMs: number): Promise<void> {
    try {
      const { admin } = node;
      const { clock, closing } = this;
      const ask = admin.DescribeTopic.bind(admin, { topic });
      const answer = await unaryCall(ask, { timeoutMs, signals: [closing], clock });
      if (answer.topic !== null) this.learnTopic(topic, answer.topic);
    } catch (error) {
      this.#blame(node, error);
    }
  }

  /**
   * As `#once`, for a call that may be made again: it ends as soon as its node turns out not to be there. That one which only takes long
   * is no reason to leave.
   */
  async #attempt<Response>(
    invoke: Invoke<Response>,
    timeoutMs: number,
    signals: readonly AbortSignal[],
  ): Promise<Response> {
    const node = this.node();
    const watch = this.#watch(node);
    try {
      const response = await unaryCall(invoke(node), {
        timeoutMs,
        signals: [...signals, watch.silence],
        clock: this.clock,
      });
      this.answered(node);
      return response;
    } catch (error) {
      if (watch.silence.aborted && !signals.some(({ aborted }) => aborted)) {
        throw new VarveError("UNREACHABLE", `The broker at "${node.address}" does not answer`, { retriable: true });
      }
      if (!watch.hasAnswered()) this.#blame(node, error);
      throw error;
    } finally {
      watch.end();
    }
  }

  /** Asks the node again and again whether it is there; `silence` is aborted when it is not. */
  #watch(node: Node): { readonly silence: AbortSignal; hasAnswered(): boolean; end(): void } {
    const silence = new AbortController();
    let hasAnswered = false;
    let isOver = false;
    let timer: Timer | undefined;
    const arm = (): void => {
      timer = this.clock.setTimer(silenceMs, () => {
        void this.#isThere(node).then((isThere) => {
          if (isOver) return;
          hasAnswered = isThere;
          if (isThere) arm();
          else silence.abort();
        });
      });
    };
    arm();
    const end = (): void => {
      isOver = true;
      timer?.cancel();
    };
    return { silence: silence.signal, hasAnswered: () => hasAnswered, end };
  }

  async #once<Response>(
    invoke: Invoke<Response>,
    timeoutMs: number,
    signals: readonly AbortSignal[],
  ): Promise<Response> {
    const node = this.node();
    try {
      const response = await unaryCall(invoke(node), { timeoutMs, signals, clock: this.clock });
      this.answered(node);
      return response;
    } catch (error) {
      this.#blame(node, error);
      throw error;
    }
  }

  /** @returns whether the error says that the node does not answer */
  #blame(node: Node, error: unknown): boolean {
    const isSilent = error instanceof VarveError && (error.reason === "UNREACHABLE" || isOurDeadline(error));
    if (isSilent) this.unreachable(node);
    return isSilent;
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #signalsFor(signal: AbortSignal | undefined): AbortSignal[] {
    return signal === undefined ? [this.closing] : [signal, this.closing];
  }

  #explain(error: unknown): unknown {
    if (!(error instanceof VarveError)) return error;
    if (error.reason === "CANCELLED" && this.closed) {
      return new VarveError("CLIENT_CLOSED", "The client was closed before the call was done", { cause: error });
    }
    if (error.reason === "UNREACHABLE") {
      const addresses = this.#map.addresses.map((address) => `"${address}"`).join(", ");
      return new VarveError("UNREACHABLE", `Cannot reach a broker at ${addresses}: ${error.message}`, { cause: error });
    }
    return error;
  }
}

/** Time ran out on this side: a broker that says so itself has answered. */
function isOurDeadline({ reason, cause }: VarveError): boolean {
  const details = (cause as Partial<ServiceError> | undefined)?.metadata?.get("grpc-status-details-bin");
  return reason === "REQUEST_TIMED_OUT" && (details === undefined || details.length === 0);
}

function isAddress(address: string): boolean {
  const port = /^[^\s/]+:(\d{1,5})$/.exec(address)?.[1];
  return port !== undefined && Number(port) <= 65_535;
}
