// SPDX-License-Identifier: Apache-2.0
// The service raft.v1.Raft as grpc-js wants it described. Messages stay bytes: the codecs are ours.

import { type MethodDefinition, status, type StatusObject } from "@grpc/grpc-js";
import type { Fault, FaultReason } from "./envelope.ts";

/** Metadata of every stream: an encoded Envelope without messages. */
export const introductionKey = "raft-introduction-bin";
/** Metadata of every call, when the group has a secret. */
export const secretKey = "raft-secret-bin";

/** The two kinds of streams with messages: what must not wait, and what is long (F10). */
export type Lane = "control" | "bulk";

export const asIs = (bytes: Buffer): Buffer => bytes;

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/raft.v1.Raft/${name}`,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
}

export const raftMethods = {
  Control: method("Control", true, false),
  Bulk: method("Bulk", true, false),
  InstallSnapshot: method("InstallSnapshot", true, true),
  // Unary in the proto file, which on the wire is a stream of one message. A server that takes it for a stream need not read
  // that message, which would be read to its end, however long, before anybody is asked.
  Hello: method("Hello", true, false),
} as const;

export const laneMethods: Record<Lane, MethodDefinition<Buffer, Buffer>> = {
  control: raftMethods.Control,
  bulk: raftMethods.Bulk,
};

const codes: Record<FaultReason, status> = {
  malformed: status.INVALID_ARGUMENT,
  version: status.UNIMPLEMENTED,
  cluster: status.FAILED_PRECONDITION,
  target: status.FAILED_PRECONDITION,
  sender: status.FAILED_PRECONDITION,
  secret: status.UNAUTHENTICATED,
  unauthorized: status.PERMISSION_DENIED,
  crowded: status.RESOURCE_EXHAUSTED,
  closed: status.UNAVAILABLE,
};

/** Whether a status means that the peer is there and will not have us. */
export function isRefusal(code: status): boolean {
  return code !== status.UNAVAILABLE && Object.values(codes).includes(code);
}

/** What the other end of a refused call is told. */
export function statusOf({ reason, why }: Fault): Partial<StatusObject> {
  return { code: codes[reason], details: `Refused (${reason}): ${why}` };
}
