// SPDX-License-Identifier: Apache-2.0
// What the transport counts, as plain numbers that only grow.

import type { FaultReason } from "./envelope.ts";

export class TransportCounters {
  sentMessages = 0;
  sentBytes = 0;
  receivedMessages = 0;
  receivedBytes = 0;
  /** Found no room in a queue (F9). */
  droppedFull = 0;
  /** The peer's stream was down, or broke while they waited. */
  droppedUnreachable = 0;
  /** Nobody said where the peer listens. */
  droppedUnknown = 0;
  /** Larger than any receiver takes. */
  droppedTooLarge = 0;
  /** Streams to peers that were accepted. */
  connects = 0;
  /** Streams to peers that were not accepted, or broke. */
  disconnects = 0;
  /** Of those, the ones that the peer ended with a refusal: another cluster, another node, another version … */
  refusedByPeer = 0;
  acceptedStreams = 0;
  snapshotsSent = 0;
  snapshotBytesSent = 0;
  snapshotsReceived = 0;
  snapshotBytesReceived = 0;
  /** What came in and was refused, by reason (X1, X3). */
  readonly refused: Record<FaultReason, number> = {
    malformed: 0,
    version: 0,
    cluster: 0,
    target: 0,
    sender: 0,
    secret: 0,
    unauthorized: 0,
    crowded: 0,
    closed: 0,
  };

  /** A copy, with `refused` flattened: `refusedMalformed` and so on. */
  snapshot(): Readonly<Record<string, number>> {
    const flat: Record<string, number> = {};
    for (const [name, value] of Object.entries(this)) if (typeof value === "number") flat[name] = value;
    for (const [reason, value] of Object.entries(this.refused)) {
      flat[`refused${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}`] = value;
    }
    return flat;
  }
}
