/**
 * How a handler ends a unary call: with a value, with a refusal, or (a bug) with INTERNAL and a line in the log. Counts the calls
 * under way and refuses beyond the limit.
 */
import type { ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { OversizedRequest, type ProduceResponse, VarveError, statusFromError } from "@varve/api";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";

export type Unary<Request, Response> = (
  call: ServerUnaryCall<Request, Response>,
  callback: sendUnaryData<Response>,
) => void;

/** The error that a client sees. */
export function errorOf(refusal: Refusal, produceResponse?: ProduceResponse): VarveError {
  return new VarveError(refusal.reason, refusal.message, { metadata: refusal.metadata, produceResponse });
}

/** The gRPC status for a refusal, with details. */
export function statusOf(refusal: Refusal, produceResponse?: ProduceResponse): ReturnType<typeof statusFromError> {
  return statusFromError(errorOf(refusal, produceResponse));
}

/** Why this node takes no call now: it stops, or has too many under way. */
export function whyNoCall(node: BrokerNode): Refusal | undefined {
  const { counters, limits } = node;
  if (counters.unaryCalls < limits.unaryCallsMax) return node.stoppedBy();
  return refuse(
    "BUSY",
    `Cannot take the call now: ${counters.unaryCalls} calls are under way, which is the limit; slow down and try again`,
    { calls: counters.unaryCalls },
  );
}

/** A unary handler from a function that gives a value or a refusal. The function's promise may reject only with bugs. */
export function unary<Request, Response>(
  node: BrokerNode,
  name: string,
  handle: (request: Request) => Promise<Response | Refusal>,
): Unary<Request, Response> {
  return (call, callback) => {
    const { request } = call;
    const tooLong = request instanceof OversizedRequest ? request.fault : undefined;
    const answer = tooLong === undefined ? handle : () => Promise.resolve(refuse(tooLong.reason, tooLong.message));
    void answerUnary(node, name, () => answer(request), callback);
  };
}

/** Runs `handle` as one unary call and answers. Undefined: nobody waits for the answer any more. Never rejects. */
export async function answerUnary<Response>(
  node: BrokerNode,
  name: string,
  handle: () => Promise<Response | Refusal | undefined>,
  callback: sendUnaryData<Response>,
): Promise<void> {
  let result: Response | Refusal | undefined = whyNoCall(node);
  if (result === undefined) {
    node.counters.unaryCalls++;
    try {
      result = await handle();
    } catch (error) {
      result = internal(node, name, error);
    }
    node.counters.unaryCalls--;
  }
  if (result === undefined) return;
  if (isRefusal(result)) {
    node.counters.countRefusal(result);
    callback(statusOf(result));
  } else {
    callback(null, result);
  }
}

/** For what should not happen: the client learns that it is not its fault, the log has the rest. */
export function internal(node: BrokerNode, name: string, error: unknown): Refusal {
  node.logger.error({ call: name, error: textOf(error) }, "call failed unexpectedly");
  return refuse("INTERNAL", `Cannot do ${name}: ${error instanceof Error ? error.message : String(error)}`);
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
