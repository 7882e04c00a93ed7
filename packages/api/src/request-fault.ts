// SPDX-License-Identifier: Apache-2.0
// A request that is protobuf but makes no sense. It is decoded all the same and carries its fault, so that the broker can
// refuse it with a reason, and a stream goes on with the requests behind it.

import type { Reason } from "@varve/format";

/** What a request says that cannot be done, before anybody has looked at the topic. */
export interface RequestFault {
  readonly reason: Reason;
  readonly message: string;
}

/**
 * Requests that carry no records are at most so long: what ten thousand partitions with positions take. A packed list of
 * numbers has a value in each byte, so a message of 8 MiB would be an array of millions before anybody could refuse it.
 */
export const plainRequestBytesMax = 512 * 1024;

/** In place of a request that is longer than that: it was not decoded. */
export class OversizedRequest {
  readonly fault: RequestFault;

  constructor(sizeBytes: number) {
    const message = `Cannot take a request of ${sizeBytes} bytes: one that carries no records has at most ${plainRequestBytesMax}; ask for fewer partitions at once`;
    this.fault = { reason: "INVALID_REQUEST", message };
  }
}
