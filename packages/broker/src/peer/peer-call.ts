/**
 * One unary call to another node, bounded by this node's monotonic clock: a wall clock that jumps neither ends a call early nor lets one
 * last. (gRPC's own deadlines are moments of the wall clock.)
 */
import {
  type Client,
  type ClientUnaryCall,
  Metadata,
  type MethodDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import type { Clock } from "@varve/log";

export type PeerMethod<Request, Answer> = Pick<
  MethodDefinition<Request, Answer>,
  "path" | "requestSerialize" | "responseDeserialize"
>;

export type PeerAnswer<Answer> =
  | { readonly kind: "answer"; readonly answer: Answer }
  /** DEADLINE_EXCEEDED when it took too long. */
  | { readonly kind: "failed"; readonly error: ServiceError };

export interface PeerCallOptions {
  readonly clock: Pick<Clock, "setTimer">;
  readonly timeoutMs: number;
  /** Gets the call, to be cancelled when nobody waits any more. */
  readonly started?: ((call: Pick<ClientUnaryCall, "cancel">) => void) | undefined;
}

/** Never rejects. */
export function callPeer<Request, Answer>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: PeerMethod<Request, Answer>,
  request: Request,
  { clock, timeoutMs, started }: PeerCallOptions,
): Promise<PeerAnswer<Answer>> {
  return new Promise((resolve) => {
    let isLate = false;
    const call = client.makeUnaryRequest<Request, Answer>(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      new Metadata(),
      {},
      (error, answer) => {
        timer.cancel();
        if (error === null) resolve({ kind: "answer", answer: answer as Answer });
        else resolve({ kind: "failed", error: isLate ? late(error, timeoutMs) : error });
      },
    );
    const timer = clock.setTimer(timeoutMs, () => {
      isLate = true;
      call.cancel();
    });
    started?.(call);
  });
}

function late(error: ServiceError, timeoutMs: number): ServiceError {
  const details = `No answer within ${timeoutMs} ms`;
  return Object.assign(error, { code: status.DEADLINE_EXCEEDED, details, message: `DEADLINE_EXCEEDED: ${details}` });
}
