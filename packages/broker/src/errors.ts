/**
 * Operational errors of starting and running a broker: what `Broker.start()` and `close()` reject with. Refusals of
 * requests are not errors but values (`grpc/refusal.ts`); bugs are `InvariantError`s and are not caught.
 */
export type BrokerErrorCode =
  /** Another broker holds the data directory. */
  | "DATA_DIRECTORY_LOCKED"
  /** The data directory cannot be used: wrong format, belongs to another node or cluster, tmpfs, not readable. */
  | "DATA_DIRECTORY"
  /** A listener could not be bound. */
  | "LISTEN"
  /** The controller does not let this node in. */
  | "REGISTRATION"
  /** It was closed while it waited for other nodes. */
  | "CLOSED"
  /** An option is missing or contradicts another. */
  | "CONFIGURATION";

export class BrokerError extends Error {
  override readonly name = "BrokerError";
  readonly code: BrokerErrorCode;

  constructor(code: BrokerErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
