/**
 * Calls of clients that only another node can answer: a partition is led there. This node makes the call for them, once, on a
 * connection to that node; what it is sent through it does not send on, so that no call goes round in circles.
 *
 *     client ──> this node ── partition led elsewhere ──> peer listener of the leader: the same service, without forwarding
 *
 * A node that is stopped and not dead takes connections and never answers. So nothing waits for one that the cluster has fenced: whoever
 * leads instead is in the same metadata.
 */
import {
  type Client,
  type ClientDuplexStream,
  type ClientUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  type JoinResponseOutput,
  type ProduceOutcome,
  type ProduceRequestFields,
  type Services,
  VarveError,
  errorFromStatus,
} from "@varve/api";
import { isReason } from "@varve/format";
import type { Clock } from "@varve/log";
import { callPeer } from "../../peer/peer-call.ts";
import type { PeerClients } from "../../ports/peers.ts";
import { type Refusal, refuse } from "../../refusal.ts";
import type { PendingProduce } from "../pending-produce.ts";
import type { TimingWheel } from "../timing-wheel.ts";
import { passedOn } from "./passed-on.ts";
import type { ForwardStream } from "./produce-lane.ts";
import { ProduceLanes } from "./produce-lanes.ts";

export interface ForwardingDependencies {
  readonly peers: PeerClients;
  readonly services: Services;
  readonly wheel: TimingWheel;
  readonly clock: Pick<Clock, "setTimer">;
  readonly countRefusal: (refusal: Refusal) => void;
}

/** Of the Log service, and of the Admin service: what only the leader of a partition, or the active controller, can answer. */
const logCalls = ["Fetch", "ListOffsets", "EpochEnd"] as const;
export const adminCalls = ["DescribePartitions", "DeleteRecords", "AcceptLoss", "DescribeCluster"] as const;

/** Of the Groups service: what only the coordinator of a group can answer. */
const groupCalls = [
  "CommitOffsets",
  "FetchOffsets",
  "ListGroups",
  "DescribeGroup",
  "ResetOffsets",
  "ForkGroup",
  "DeleteGroup",
] as const;

export type ForwardedCall = (typeof logCalls)[number] | (typeof adminCalls)[number] | (typeof groupCalls)[number];

/** A session of a member that goes through this node. */
export type ForwardedSession = ClientDuplexStream<object, JoinResponseOutput>;

/** Sessions through this node: fewer than the streams of one connection, so that they leave room for other calls. */
const sessionsMax = 768;

export class Forwarding {
  /** What went elsewhere, by call. */
  readonly calls = new Map<ForwardedCall | "Produce" | "Join", number>(
    ["Produce" as const, "Join" as const, ...logCalls, ...adminCalls, ...groupCalls].map((call) => [call, 0]),
  );
  readonly #dependencies: ForwardingDependencies;
  readonly #lanes = new Map<number, ProduceLanes>();
  /** Calls without an answer, by where they went. */
  readonly #underWay = new Map<number, Set<Pick<ClientUnaryCall, "cancel">>>();
  #sessions = 0;

  constructor(dependencies: ForwardingDependencies) {
    this.#dependencies = dependencies;
  }

  /** Settles `pending` as the leader answers. The batch is borrowed until this returns. */
  produce(leader: number, request: ProduceRequestFields, pending: PendingProduce, timeoutMs: number): void {
    let lanes = this.#lanes.get(leader);
    if (lanes === undefined) {
      const { wheel, countRefusal } = this.#dependencies;
      lanes = new ProduceLanes(leader, { open: () => this.#openProduce(leader), wheel, countRefusal });
      this.#lanes.set(leader, lanes);
    }
    this.#count("Produce");
    lanes.send(request, pending, timeoutMs);
  }

  /**
   * Makes the call there, once. `answer` decodes what comes back; `started` gets the call, to be cancelled when nobody waits any more.
   */
  async unary<Answer>(
    leader: number,
    name: ForwardedCall,
    request: object,
    options: {
      readonly timeoutMs: number;
      readonly answer?: (bytes: Buffer) => Answer;
      readonly started?: (call: Pick<ClientUnaryCall, "cancel">) => void;
    },
  ): Promise<Answer | Refusal> {
    const client = this.#client(leader);
    if (client === undefined) return unreachable(name, leader);
    const { services, clock } = this.#dependencies;
    const method = (services.log[name] ?? services.admin[name] ?? services.groups[name]) as MethodDefinition<
      object,
      Answer
    >;
    const { answer: responseDeserialize = method.responseDeserialize, timeoutMs, started } = options;
    this.#count(name);
    let mine: Pick<ClientUnaryCall, "cancel"> | undefined;
    const calls = this.#callsTo(leader);
    const called = await callPeer(client, { ...method, responseDeserialize }, request, {
      clock,
      timeoutMs,
      started: (call) => {
        mine = call;
        calls.add(call);
        started?.(call);
      },
    });
    if (mine !== undefined) calls.delete(mine);
    return called.kind === "answer" ? called.answer : refusalFrom(name, leader, called.error);
  }

  /**
   * A session with the coordinator on that node; it is cut off when the cluster has given that node up. Undefined: it cannot be reached,
   * or too many go there through this node.
   */
  session(coordinator: number, metadata: Metadata): ForwardedSession | undefined {
    if (this.#sessions >= sessionsMax) return undefined;
    const { path, requestSerialize, responseDeserialize } = this.#dependencies.services.groups[
      "Join"
    ] as MethodDefinition<object, JoinResponseOutput>;
    const stream = this.#client(coordinator)?.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      {},
    );
    if (stream === undefined) return undefined;
    this.#count("Join");
    const calls = this.#callsTo(coordinator);
    calls.add(stream);
    stream.once("status", () => {
      calls.delete(stream);
      this.#sessions--;
    });
    this.#sessions++;
    return stream;
  }

  /** Ends what waits for nodes that are fenced: the callers hear that nobody knows, and may try again with whoever leads now. */
  giveUp(isFenced: (nodeId: number) => boolean): void {
    for (const [leader, lanes] of this.#lanes) {
      if (isFenced(leader)) lanes.giveUp(`the cluster has not heard of broker ${leader} for a session`);
    }
    for (const [leader, calls] of this.#underWay) if (isFenced(leader)) for (const call of calls) call.cancel();
  }

  close(): void {
    for (const lanes of this.#lanes.values()) lanes.close();
  }

  #callsTo(leader: number): Set<Pick<ClientUnaryCall, "cancel">> {
    let calls = this.#underWay.get(leader);
    if (calls === undefined) {
      calls = new Set();
      this.#underWay.set(leader, calls);
    }
    return calls;
  }

  #openProduce(leader: number): ForwardStream | undefined {
    const { path, requestSerialize, responseDeserialize } = this.#dependencies.services.log[
      "ProduceStream"
    ] as MethodDefinition<ProduceRequestFields, readonly ProduceOutcome[]>;
    return this.#client(leader)?.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata(), {});
  }

  #count(name: ForwardedCall | "Produce" | "Join"): void {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
  }

  #client(leader: number): Client | undefined {
    return this.#dependencies.peers.client(leader, "clients");
  }
}

function unreachable(name: string, leader: number): Refusal {
  return refuse(
    "LEADER_NOT_AVAILABLE",
    `Cannot do ${name} through this broker: broker ${leader}, which leads the partition, cannot be reached now; try again`,
  );
}

export function refusalFrom(name: string, leader: number, failure: ServiceError): Refusal {
  // grpc-js says so of a listener whose services are not there yet: it listens before its node serves. A refusal of ours has details.
  const isStarting =
    failure.code === status.UNIMPLEMENTED && failure.metadata.get("grpc-status-details-bin").length === 0;
  // Cancelled by `giveUp`; whoever cancels a call by itself looks at no answer.
  if (isStarting || failure.code === status.CANCELLED) return unreachable(name, leader);
  const error = errorFromStatus(failure);
  if (error instanceof VarveError && isReason(error.reason)) {
    return passedOn(leader, { reason: error.reason, message: error.message, metadata: error.metadata });
  }
  return unreachable(name, leader);
}
