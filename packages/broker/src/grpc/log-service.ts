/**
 * The `Log` service: Produce, ProduceStream, Fetch, Consume, ListOffsets, InitProducer, EpochEnd. A handler finds the
 * partition, checks what was asked and hands over; what happens then is in the file of that name.
 */
import type { ServerUnaryCall, ServiceDefinition, UntypedServiceImplementation, sendUnaryData } from "@grpc/grpc-js";
import { type ProduceResponse, type Services, decodeProduceRequest, decodeProduceStreamRequest } from "@varve/api";
import type { ArrivedProduce } from "../drivers/produce-intake.ts";
import type { BrokerNode } from "../node.ts";
import { isRefusal, refuse } from "../refusal.ts";
import { statusOf, unary, whyNoCall } from "./answer.ts";
import { ConsumeCalls } from "./consume.ts";
import type { FetchSession } from "./fetch-session.ts";
import { fetch } from "./fetch.ts";
import { epochEnd, initProducer, listOffsets } from "./log-questions.ts";
import { firstRefusal } from "./produce-answer.ts";
import { type ProduceStreamCall, ProduceStreamSession } from "./produce-stream.ts";
import { produceOnce } from "./produce-unary.ts";
import { limitReadAhead } from "./read-ahead.ts";

export interface LogService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Streams take no new requests; what is under way is answered. */
  stop(): void;
  /** Bytes held for consume streams beyond what the network has taken. */
  readonly heldBytes: number;
}

export function createLogService(node: BrokerNode, services: Services): LogService {
  const produceStreams = new Set<ProduceStreamSession>();
  const consumes = new ConsumeCalls(node);
  const fetches = new Set<FetchSession>();
  const { log } = services;
  const definition = {
    ...log,
    // Requests keep the size of their message, for budgets.
    Produce: { ...log["Produce"], requestDeserialize: arrivedFrom(decodeProduceRequest) },
    ProduceStream: { ...log["ProduceStream"], requestDeserialize: arrivedFrom(decodeProduceStreamRequest) },
  } as ServiceDefinition;
  const implementation = {
    Produce: (call: ServerUnaryCall<ArrivedProduce, ProduceResponse>, callback: sendUnaryData<ProduceResponse>) => {
      produce(node, call.request, callback);
    },
    ProduceStream: (call: ProduceStreamCall) => openProduceStream(node, call, produceStreams),
    Fetch: fetch(node, fetches),
    Consume: consumes.open,
    ListOffsets: unary(node, "ListOffsets", (request: Parameters<typeof listOffsets>[1]) => listOffsets(node, request)),
    InitProducer: unary(node, "InitProducer", (request: Parameters<typeof initProducer>[1]) =>
      initProducer(node, request),
    ),
    EpochEnd: unary(node, "EpochEnd", (request: Parameters<typeof epochEnd>[1]) => epochEnd(node, request)),
  };
  return {
    definition,
    implementation,
    stop() {
      for (const session of produceStreams) session.stop();
      for (const session of fetches) session.hurry();
      consumes.stop();
    },
    get heldBytes() {
      return consumes.heldBytes;
    },
  };
}

function arrivedFrom(decode: typeof decodeProduceRequest): (bytes: Buffer) => ArrivedProduce {
  return (bytes) => ({ request: decode(bytes), sizeBytes: bytes.byteLength });
}

function produce(node: BrokerNode, arrived: ArrivedProduce, callback: sendUnaryData<ProduceResponse>): void {
  const refused = whyNoCall(node);
  if (refused !== undefined) {
    node.counters.countRefusal(refused);
    callback(statusOf(refused));
    return;
  }
  node.counters.unaryCalls++;
  produceOnce(
    arrived,
    { intake: node.intake, gate: node.gate, monotonicMs: () => node.clock.monotonicMs() },
    (result) => {
      node.counters.unaryCalls--;
      if (isRefusal(result)) {
        node.counters.countRefusal(result);
        callback(statusOf(result));
        return;
      }
      const failure = firstRefusal(result);
      const response = node.answers.responseOf(result);
      // Nothing that was acknowledged is hidden: it travels in the details of the failure.
      if (failure === undefined) callback(null, response);
      else callback(statusOf(failure, result.results.length > 1 ? response : undefined));
    },
  );
}

function openProduceStream(node: BrokerNode, call: ProduceStreamCall, open: Set<ProduceStreamSession>): void {
  const { counters, limits } = node;
  const refusal =
    node.stoppedBy() ??
    (counters.openProduceStreams + counters.openConsumeStreams >= limits.streamsMax
      ? refuse("BUSY", `Cannot open a stream now: ${limits.streamsMax} are open, which is the limit; try again later`)
      : undefined);
  if (refusal !== undefined) {
    counters.countRefusal(refusal);
    call.on("error", () => undefined);
    call.emit("error", statusOf(refusal));
    return;
  }
  limitReadAhead(call);
  counters.openProduceStreams++;
  const session = new ProduceStreamSession(
    call,
    {
      intake: node.intake,
      gate: node.gate,
      answers: node.answers,
      monotonicMs: () => node.clock.monotonicMs(),
      closed(closed) {
        counters.openProduceStreams--;
        open.delete(closed);
      },
    },
    { bytesMax: limits.streamBytesMax, requestsMax: limits.streamRequestsMax },
  );
  open.add(session);
}
