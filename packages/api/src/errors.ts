// SPDX-License-Identifier: Apache-2.0
// The one error that callers of Varve meet, whichever side it came from, and the reasons that only clients give.
// docs/errors.md lists all reasons.

import { status } from "@grpc/grpc-js";
import { isReason, reasons, type Reason } from "@varve/format";
import type { ProduceResponse } from "./produce/produce-response.ts";
import type { ErrorFields } from "./wire/shared-messages.ts";

/** Reasons that arise on the caller's side of the network. */
export const clientReasons = {
  UNREACHABLE: { grpcStatus: "UNAVAILABLE", retriable: true, about: "No broker answers at any known address." },
  CANCELLED: { grpcStatus: "CANCELLED", retriable: false, about: "The caller gave up, by its AbortSignal." },
  CLIENT_CLOSED: {
    grpcStatus: "FAILED_PRECONDITION",
    retriable: false,
    about: "The client, producer or reader was closed before the call was done.",
  },
  UNKNOWN_OUTCOME: {
    grpcStatus: "UNKNOWN",
    retriable: false,
    about: "The connection was lost after sending: what was sent may or may not have been written.",
  },
  HANDLER_FAILED: {
    grpcStatus: "ABORTED",
    retriable: false,
    about:
      "The handler of a consumer failed for a record, which the metadata names, and there was no dead-letter topic.",
  },
  UNRECOGNISED: {
    grpcStatus: "UNKNOWN",
    retriable: false,
    about: "The broker, perhaps a newer one, gave a reason that is not known here; the metadata names it.",
  },
} as const satisfies Record<string, { grpcStatus: keyof typeof status; retriable: boolean; about: string }>;

export type ClientReason = keyof typeof clientReasons;

/** Every reason that a VarveError can have. */
export type VarveReason = Reason | ClientReason;

export interface VarveErrorOptions extends ErrorOptions {
  /** @default what the reason's table says */
  readonly retriable?: boolean | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly produceResponse?: ProduceResponse | undefined;
}

/** Something that Varve could not or would not do. Match on `reason`. */
export class VarveError extends Error {
  override readonly name = "VarveError";
  readonly reason: VarveReason;
  /** The same request may succeed later without anybody changing it. */
  readonly retriable: boolean;
  /** Facts by name; which ones, docs/errors.md says by reason. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Code of the gRPC status that carries it. */
  readonly grpcCode: status;
  /** What a failed Produce call did all the same, partition by partition. */
  readonly produceResponse: ProduceResponse | undefined;

  constructor(reason: VarveReason, message: string, options: VarveErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const info = isReason(reason) ? reasons[reason] : clientReasons[reason];
    this.reason = reason;
    this.retriable = options.retriable ?? info.retriable;
    this.metadata = options.metadata ?? {};
    this.grpcCode = status[info.grpcStatus];
    this.produceResponse = options.produceResponse;
  }

  /** The same name as `reason`, for callers who match on `code`. */
  get code(): VarveReason {
    return this.reason;
  }
}

/** The error that a message carries. A reason that is not known here becomes UNRECOGNISED, with the name in the metadata. */
export function errorFromFields(fields: ErrorFields, options: VarveErrorOptions = {}): VarveError {
  const { reason, message, retriable, metadata } = fields;
  const known = isReason(reason) || Object.hasOwn(clientReasons, reason);
  return known
    ? new VarveError(reason as VarveReason, message, { ...options, retriable, metadata })
    : new VarveError("UNRECOGNISED", message, { ...options, retriable, metadata: { ...metadata, reason } });
}

/** The error as a message carries it. */
export function errorToFields(error: VarveError): ErrorFields {
  const { reason, message, retriable, metadata } = error;
  return { reason, message, retriable, metadata };
}
