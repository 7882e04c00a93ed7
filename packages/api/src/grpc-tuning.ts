// SPDX-License-Identifier: Apache-2.0
// Settings of grpc-js that both sides use, and the one place that reaches into its private parts.
//
// HTTP/2 lets a sender have 64 KiB under way until the receiver says more, for each stream and for the connection. That, not the
// processor, is what bulk transfer waits for; with 1 MiB it is four times as fast. For what a client receives grpc-js has an option.
// For what a server receives it has none: the stream window goes into the settings that its HTTP/2 servers are made with,
// the connection window has to be set on each session. A grpc-js that looks different inside is left alone, with a warning.

import type { ChannelOptions, Server, ServerOptions } from "@grpc/grpc-js";
import type { Http2Server, ServerHttp2Session } from "node:http2";
import { messageBytesMax } from "@varve/format";

/** HTTP/2 flow control window of both sides, for each stream and for the connection, in bytes. */
export const windowBytes = 1 << 20;

/** Streams that one connection may have open: each may hold its window, so they are bounded. */
const streamsPerConnectionMax = 1024;

/** Options of a client's channel. */
export const channelOptions: Readonly<ChannelOptions> = {
  "grpc-node.flow_control_window": windowBytes,
  "grpc.enable_channelz": 0,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // Clients of one process do not share connections: one that is slow to read does not hold up another.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2000,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5000,
};

/** Options of a server. */
export const serverOptions: Readonly<ServerOptions> = {
  "grpc.enable_channelz": 0,
  "grpc.max_receive_message_length": messageBytesMax,
  "grpc.max_send_message_length": messageBytesMax,
  "grpc.max_concurrent_streams": streamsPerConnectionMax,
  "grpc.keepalive_time_ms": 10_000,
  "grpc.keepalive_timeout_ms": 5000,
};

/** What tuneServer() needs of grpc-js 1.14 beyond its public surface. */
interface ServerInside {
  commonServerOptions?: { settings?: { initialWindowSize?: number } };
  createHttp2Server?: (...args: readonly unknown[]) => Http2Server;
}

/**
 * Gives every connection of `server` windows of `windowBytes`. Call it before bindAsync(). Returns false, after `warn`, when grpc-js
 * looks different inside: the server then works with the default windows. `onServer` gets each HTTP/2 server that is made, which
 * grpc-js keeps to itself: for its connections and streams.
 */
export function tuneServer(
  server: Server,
  warn: (message: string) => void,
  onServer: (http2Server: Http2Server) => void = () => undefined,
): boolean {
  const inside = server as unknown as ServerInside;
  const { commonServerOptions, createHttp2Server } = inside;
  if (typeof commonServerOptions !== "object" || typeof createHttp2Server !== "function") {
    warn(
      "Cannot enlarge the server's HTTP/2 windows: this version of @grpc/grpc-js is not known. Bulk writes will be slower.",
    );
    return false;
  }
  commonServerOptions.settings = { ...commonServerOptions.settings, initialWindowSize: windowBytes };
  inside.createHttp2Server = (...args) => {
    const http2Server = createHttp2Server.apply(server, args as unknown[]);
    onServer(http2Server);
    http2Server.on("session", (session: ServerHttp2Session) => {
      if (!session.destroyed) session.setLocalWindowSize(windowBytes);
    });
    return http2Server;
  };
  return true;
}
