// SPDX-License-Identifier: Apache-2.0
// One connection to one peer. Nothing is shared and nothing reconnects by itself: when it breaks, its owner closes it, waits
// as it sees fit and opens another.

import { type ChannelOptions, Client } from "@grpc/grpc-js";
import type { PeerId } from "../core/types.ts";
import type { TransportLimits } from "./transport-limits.ts";
import { channelCredentials, nameOptions, type TransportSecurity } from "./transport-security.ts";

/** Answers are a few bytes, or a bootstrap's document. */
const answerBytesMax = 1 << 16;

export interface ChannelTarget {
  /** Null: not known yet. */
  readonly peer: PeerId | null;
  /** `host:port`. */
  readonly address: string;
}

/** Throws when the address is none. */
export function openChannel(
  { peer, address }: ChannelTarget,
  limits: Pick<TransportLimits, "keepaliveMs" | "keepaliveTimeoutMs">,
  security: TransportSecurity,
): Client {
  const options: ChannelOptions = {
    ...nameOptions(security, peer, address),
    "grpc.keepalive_time_ms": limits.keepaliveMs,
    "grpc.keepalive_timeout_ms": limits.keepaliveTimeoutMs,
    "grpc.max_receive_message_length": answerBytesMax,
    // What the server takes is checked before it is written.
    "grpc.max_send_message_length": -1,
    // A retry buffer would say that a message is on its way when it is not.
    "grpc.enable_retries": 0,
    "grpc.per_rpc_retry_buffer_size": 0,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.service_config_disable_resolution": 1,
    "grpc.enable_channelz": 0,
    "grpc.enable_http_proxy": 0,
  };
  // The scheme keeps an address that came from elsewhere from choosing one.
  return new Client(`dns:${address}`, channelCredentials(security), options);
}
