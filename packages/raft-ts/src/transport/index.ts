// SPDX-License-Identifier: Apache-2.0
// The transport on gRPC: `raft-ts/grpc`.

export { GrpcBootstrap } from "./grpc-bootstrap.ts";
export { GrpcTransport, type GrpcTransportOptions } from "./grpc-transport.ts";
export { RaftListener, type RaftListenerOptions } from "./raft-listener.ts";
export { RaftService } from "./raft-service.ts";
export { envelopeBytesMax, transportDefaults, type TransportLimits } from "./transport-limits.ts";
export type { TransportSecurity } from "./transport-security.ts";
