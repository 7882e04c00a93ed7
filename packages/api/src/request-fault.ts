// SPDX-License-Identifier: Apache-2.0
// A request that is protobuf but makes no sense. It is decoded all the same and carries its fault, so that the broker can
// refuse it with a reason, and a stream goes on with the requests behind it.

import type { Reason } from "@varve/format";

/** What a request says that cannot be done, before anybody has looked at the topic. */
export interface RequestFault {
  readonly reason: Reason;
  readonly message: string;
}
