/** The `Consume` call: from the request to a plan per partition, then a `ConsumeSession` that pushes. */
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { ConsumeRequest, PartitionOffsetsOutput, PartitionRange, Position } from "@varve/api";
import type { Partition } from "@varve/cluster";
import type { Forwarding } from "../drivers/forwarding/forwarding.ts";
import { RemotePartition } from "../drivers/forwarding/remote-partition.ts";
import type { LocalPartition } from "../drivers/partition.ts";
import { resolveEnd, resolvePosition } from "../drivers/positions.ts";
import { unknownTopic } from "../drivers/unknown.ts";
import { leadRefusal } from "../drivers/read-refusal.ts";
import type { LocalTopic } from "../drivers/topics.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { internal, statusOf } from "./answer.ts";
import { type ConsumeBudget, ConsumeSession, type PartitionPlan, type ReadRates } from "./consume-session.ts";
import { offsetElsewhere } from "./log-questions.ts";
import { ReadEncoder } from "./read-encoder.ts";

type ConsumeCall = ServerWritableStream<ConsumeRequest, Uint8Array>;

/** All open Consume calls of a node. */
export class ConsumeCalls {
  readonly #node: BrokerNode;
  readonly #sessions = new Set<ConsumeSession>();
  /** Of all open calls. */
  #partitions = 0;
  readonly #budget: ConsumeBudget;

  constructor(node: BrokerNode) {
    this.#node = node;
    this.#budget = { heldBytes: 0, bytesMax: node.limits.consumeBytesMax };
  }

  /** Also of calls that have ended and whose reader has not taken everything. */
  get heldBytes(): number {
    return this.#budget.heldBytes;
  }

  /** Ends every call: readers go on elsewhere, or here after the restart. */
  stop(): void {
    const refusal = this.#node.stoppedBy() ?? refuse("SHUTTING_DOWN", "The broker is stopping; connect again");
    for (const session of this.#sessions) session.fail(refusal);
  }

  /** The handler. */
  readonly open = (call: ConsumeCall): void => {
    const node = this.#node;
    call.on("error", () => undefined);
    const refusal = node.stoppedBy() ?? this.#whyFull();
    if (refusal !== undefined) {
      this.#refuse(call, refusal);
      return;
    }
    node.counters.openConsumeStreams++;
    let over = false;
    let partitions = 0;
    let session: ConsumeSession | undefined;
    const ended = (): void => {
      if (over) return;
      over = true;
      node.counters.openConsumeStreams--;
      this.#partitions -= partitions;
      session?.close();
    };
    call.on("cancelled", ended);
    call.on("close", ended);
    call.on("finish", ended);
    plan(node, call.request).then(
      (plans) => {
        if (over) return;
        const taken = isRefusal(plans) ? plans : (this.#whyTooMany(plans.length) ?? plans);
        if (isRefusal(taken)) {
          this.#refuse(call, taken);
          ended();
          return;
        }
        partitions = taken.length;
        this.#partitions += partitions;
        session = this.#start(call, taken, ended);
      },
      (error: unknown) => {
        this.#refuse(call, internal(node, "Consume", error));
        ended();
      },
    );
  };

  #start(call: ConsumeCall, plans: PartitionPlan[], ended: () => void): ConsumeSession {
    const { request } = call;
    const { limits, leaderHint } = this.#node;
    const wished = request.maxBufferBytes === 0 ? limits.consumeBufferBytesMax : request.maxBufferBytes;
    const session = new ConsumeSession(
      plans,
      {
        sink: {
          write: (message, written) => call.write(message, written),
          end: () => call.end(),
          fail: (refusal) => this.#refuse(call, refusal),
        },
        encoder: new ReadEncoder(request, leaderHint),
        budget: this.#budget,
        ...this.#ratesOf(request.group),
        closed: (closed) => {
          this.#sessions.delete(closed);
          ended();
        },
      },
      { maxBufferBytes: Math.min(wished, limits.consumeBufferBytesMax), readBytes: limits.readBytes },
    );
    this.#sessions.add(session);
    call.on("cancelled", () => session.gone());
    call.on("close", () => session.gone());
    session.start();
    return session;
  }

  #ratesOf(group: string): { readonly rates?: ReadRates } {
    const { groups, wheel } = this.#node;
    if (group === "") return {};
    return {
      rates: {
        wheel,
        allowance: (topicId) => groups.rates.allowance({ group, topicId }),
        took: (records, bytes) => groups.rates.took(group, records, bytes),
      },
    };
  }

  #whyFull(): Refusal | undefined {
    const { counters, limits } = this.#node;
    if (counters.openConsumeStreams + counters.openProduceStreams < limits.streamsMax) return undefined;
    return refuse(
      "BUSY",
      `Cannot open a stream now: ${limits.streamsMax} are open, which is the limit; try again later`,
      { streams: limits.streamsMax },
    );
  }

  #whyTooMany(partitions: number): Refusal | undefined {
    const { consumePartitionsMax } = this.#node.limits;
    if (this.#partitions + partitions <= consumePartitionsMax) return undefined;
    return refuse(
      "BUSY",
      `Cannot read ${partitions} more partitions now: all streams together read ${this.#partitions}, and ${consumePartitionsMax} is the limit; try again later, or with fewer`,
      { partitions: this.#partitions, max: consumePartitionsMax },
    );
  }

  #refuse(call: ConsumeCall, refusal: Refusal): void {
    this.#node.counters.countRefusal(refusal);
    call.emit("error", statusOf(refusal));
  }
}

async function plan(node: BrokerNode, request: ConsumeRequest): Promise<PartitionPlan[] | Refusal> {
  if (request.fault !== undefined) return refuse(request.fault.reason, request.fault.message);
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  const plans: PartitionPlan[] = [];
  for (const range of rangesOf(topic, request)) {
    const planned =
      node.forwarding !== undefined && topic.leaderElsewhere(range.partition) !== undefined
        ? await planElsewhere(node, node.forwarding, topic, { ...range, group: request.group })
        : await planHere(node, topic, range);
    if (isRefusal(planned)) return planned;
    plans.push(planned);
  }
  return plans;
}

async function planHere(node: BrokerNode, topic: LocalTopic, range: PartitionRange): Promise<PartitionPlan | Refusal> {
  const leader = topic.led(range.partition);
  if (isRefusal(leader)) return leader;
  return leadRefusal(leader, range.currentLeaderEpoch) ?? (await planPartition(node, leader, range));
}

/** Its leader says where the range begins and ends. */
async function planElsewhere(
  node: BrokerNode,
  forwarding: Forwarding,
  topic: LocalTopic,
  { partition, start, end, currentLeaderEpoch, group }: PartitionRange & { readonly group: string },
): Promise<PartitionPlan | Refusal> {
  const offsetsAt = (position: Position): Promise<PartitionOffsetsOutput | Refusal> =>
    offsetElsewhere(forwarding, topic, partition, position);
  const endAt: Position | undefined =
    end.kind === "latest-at-start" ? { kind: "latest" } : end.kind === "time" ? end : undefined;
  const found = endAt === undefined ? undefined : await offsetsAt(endAt);
  if (isRefusal(found)) return found;
  const begin = await offsetsAt(start);
  if (isRefusal(begin)) return begin;
  const { highWatermark, logStartOffset } = begin;
  const placement = (): Partition => topic.placements[partition] as Partition;
  const leader = new RemotePartition(
    {
      id: { topicId: topic.id, topic: topic.name, partition },
      metrics: topic.metrics,
      highWatermark,
      logStartOffset,
      currentLeaderEpoch,
      readBytes: node.limits.readBytes,
      group,
    },
    {
      forwarding,
      wheel: node.wheel,
      monotonicMs: () => node.clock.monotonicMs(),
      leader: () => topic.leaderElsewhere(partition),
      whyNotRemote: () => {
        if (node.topics.get(topic.name) !== topic) return unknownTopic(topic.name);
        if (placement().leader !== node.nodeId) return undefined;
        const why = `Cannot read "${topic.name}" ${partition} on: this broker leads it now; connect again`;
        return refuse("LEADER_NOT_AVAILABLE", why);
      },
      hint: () => node.leaderOf(placement()),
    },
  );
  return {
    leader,
    position: begin.offset,
    endOffset: found?.offset ?? (end.kind === "offset" ? end.offset : Infinity),
    countMax: end.kind === "count" ? end.count : Infinity,
  };
}

function rangesOf(topic: LocalTopic, request: ConsumeRequest): readonly PartitionRange[] {
  if (request.partitions.length > 0) return request.partitions;
  const { start, end } = request;
  return topic.placements.map(({ partition }) => ({ partition, start, end, currentLeaderEpoch: undefined }));
}

async function planPartition(
  node: BrokerNode,
  leader: LocalPartition,
  range: Pick<PartitionRange, "start" | "end">,
): Promise<PartitionPlan | Refusal> {
  // The end first: what arrives while the start is looked up lies behind "latest at start".
  const end = await resolveEnd(leader, range.end);
  if (isRefusal(end)) return end;
  const start = await resolvePosition(leader, range.start, node.clock.nowMs());
  if (isRefusal(start)) return start;
  return { leader, position: start.offset, endOffset: end.offset, countMax: end.count };
}
