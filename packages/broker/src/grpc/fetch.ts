/** The `Fetch` call: one read of one partition, with a long poll when it asks for one. */
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import type { FetchRequest } from "@varve/api";
import type { Forwarding } from "../drivers/forwarding/forwarding.ts";
import type { LocalPartition } from "../drivers/partition.ts";
import type { RatedRead } from "../drivers/groups/group-rates.ts";
import { resolvePosition } from "../drivers/positions.ts";
import { unknownTopic } from "../drivers/unknown.ts";
import { leadRefusal } from "../drivers/read-refusal.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { answerUnary } from "./answer.ts";
import { FetchSession, type FetchedBatches } from "./fetch-session.ts";
import { ReadEncoder } from "./read-encoder.ts";

type FetchCall = ServerUnaryCall<FetchRequest, Uint8Array>;

const defaultFetchBytes = 1024 * 1024;
/** Beyond what the leader may wait. */
const forwardGraceMs = 5_000;

/** The handler. `parked` gets the calls that wait, so that they can be hurried when the broker stops. */
export function fetch(
  node: BrokerNode,
  parked: Set<FetchSession>,
): (call: FetchCall, callback: sendUnaryData<Uint8Array>) => void {
  return (call, callback) => void answerUnary(node, "Fetch", () => answer(node, call, parked), callback);
}

async function answer(
  node: BrokerNode,
  call: FetchCall,
  parked: Set<FetchSession>,
): Promise<Uint8Array | Refusal | undefined> {
  const { request } = call;
  const startedMs = node.clock.monotonicMs();
  if (request.fault !== undefined) return refuse(request.fault.reason, request.fault.message);
  const topic = node.topics.get(request.topic);
  if (topic === undefined) return unknownTopic(request.topic);
  if (request.topicId !== "" && request.topicId !== topic.id) return otherTopic(request, topic.id);
  const elsewhere = topic.leaderElsewhere(request.partition);
  if (elsewhere !== undefined && node.forwarding !== undefined)
    return forwarded(node, node.forwarding, call, { leader: elsewhere, topicId: topic.id });
  const leader = topic.led(request.partition);
  if (isRefusal(leader)) return leader;
  const wrongEpoch = leadRefusal(leader, request.currentLeaderEpoch);
  if (wrongEpoch !== undefined) return wrongEpoch;
  const resolved = await resolvePosition(leader, request.start, node.clock.nowMs());
  if (isRefusal(resolved)) return resolved;
  const { offset } = resolved;
  const isHeld = await holdBack(node, call, { group: request.group, topicId: topic.id });
  // It waits no longer than it asked for: an empty answer is one, and the next Fetch waits on.
  const fetched = isHeld
    ? { bytes: new Uint8Array(0), nextOffset: offset }
    : await read(node, call, leader, offset, parked);
  if (fetched === undefined || isRefusal(fetched)) return fetched;
  const encoded = await new ReadEncoder(request, node.leaderHint).encode({
    leader,
    batches: fetched.bytes,
    fromOffset: offset,
    endOffset: Infinity,
    countMax: Infinity,
    first: true,
  });
  if (isRefusal(encoded)) return encoded;
  node.groups.rates.took(request.group, encoded.records, encoded.message.byteLength);
  topic.metrics.fetchRecords += encoded.records;
  topic.metrics.fetchBytes += encoded.message.byteLength;
  topic.metrics.fetchLatency.observe((node.clock.monotonicMs() - startedMs) / 1_000);
  return encoded.message;
}

/** Waits until the group may read. @returns whether it may not yet, and has waited as long as it would */
async function holdBack(node: BrokerNode, call: FetchCall, rated: RatedRead): Promise<boolean> {
  const { groups, clock, wheel, limits, counters } = node;
  const endMs = clock.monotonicMs() + Math.max(0, Math.min(call.request.maxWaitMs, limits.fetchWaitMsMax));
  let allowance = groups.rates.allowance(rated);
  if (allowance === undefined || allowance.waitMs === 0) return false;
  if (counters.parkedFetches >= limits.parkedFetchesMax) return true;
  counters.parkedFetches++;
  try {
    while (allowance !== undefined && allowance.waitMs > 0) {
      const leftMs = endMs - clock.monotonicMs();
      if (leftMs <= 0 || call.cancelled || node.stoppedBy() !== undefined) return true;
      const waitMs = Math.min(allowance.waitMs, leftMs);
      await new Promise<void>((resolve) => wheel.schedule(waitMs, resolve));
      allowance = groups.rates.allowance(rated);
    }
    return false;
  } finally {
    counters.parkedFetches--;
  }
}

function otherTopic({ topic, topicId: wanted }: FetchRequest, topicId: string): Refusal {
  const message = `Cannot read topic "${topic}": its id is ${topicId}, not ${wanted}; it was created again`;
  return refuse("UNKNOWN_TOPIC", message, { topic, topicId });
}

/**
 * The answer goes to the client as it came. Who waits there waits here too, and is one of those that may. The leader reads the topic that
 * this node knows, or says that it knows another.
 */
async function forwarded(
  node: BrokerNode,
  forwarding: Forwarding,
  call: FetchCall,
  { leader, topicId }: { readonly leader: number; readonly topicId: string },
): Promise<Uint8Array | Refusal> {
  const { counters, limits } = node;
  const maxWaitMs = Math.min(call.request.maxWaitMs, limits.fetchWaitMsMax);
  const full = whyNoneParked(node, maxWaitMs);
  if (full !== undefined) return full;
  if (maxWaitMs > 0) counters.parkedFetches++;
  try {
    return await forwarding.unary(
      leader,
      "Fetch",
      { ...call.request, topicId, maxWaitMs },
      {
        timeoutMs: maxWaitMs + forwardGraceMs,
        answer: (bytes) => bytes,
        started: (there) => {
          if (call.cancelled) there.cancel();
          else call.on("cancelled", () => there.cancel());
        },
      },
    );
  } finally {
    if (maxWaitMs > 0) counters.parkedFetches--;
  }
}

function whyNoneParked({ counters, limits }: BrokerNode, maxWaitMs: number): Refusal | undefined {
  if (maxWaitMs <= 0 || counters.parkedFetches < limits.parkedFetchesMax) return undefined;
  return refuse("BUSY", `Cannot wait for records: ${counters.parkedFetches} calls wait already; try again later`);
}

async function read(
  node: BrokerNode,
  call: FetchCall,
  leader: LocalPartition,
  offset: number,
  parked: Set<FetchSession>,
): Promise<FetchedBatches | Refusal | undefined> {
  const { request } = call;
  const { counters, limits } = node;
  const wished = Math.min(request.maxBytes === 0 ? defaultFetchBytes : request.maxBytes, limits.fetchBytesMax);
  const allowance = node.groups.rates.allowance({ group: request.group, topicId: leader.log.id.topicId });
  const maxBytes = Math.min(wished, allowance?.maxBytes ?? Infinity);
  const maxWaitMs = Math.max(0, Math.min(request.maxWaitMs, limits.fetchWaitMsMax));
  const full = whyNoneParked(node, maxWaitMs);
  if (full !== undefined) return full;
  if (maxWaitMs > 0) counters.parkedFetches++;
  let session: FetchSession | undefined;
  try {
    return await new Promise((resolve) => {
      const opened = new FetchSession(
        { leader, offset, maxBytes, minBytes: Math.min(request.minBytes, maxBytes), maxWaitMs },
        node.wheel,
        resolve,
      );
      session = opened;
      parked.add(opened);
      const cancelled = (): void => {
        opened.cancel();
        resolve(undefined);
      };
      if (call.cancelled) cancelled();
      else call.on("cancelled", cancelled);
    });
  } finally {
    if (session !== undefined) parked.delete(session);
    if (maxWaitMs > 0) counters.parkedFetches--;
  }
}
