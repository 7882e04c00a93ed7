// SPDX-License-Identifier: Apache-2.0
// Who may talk to a node (X5): TLS, or plaintext because somebody said so; and a secret that all members share.

import {
  type ChannelCredentials,
  credentials,
  Metadata,
  ServerCredentials,
  type ChannelOptions,
  type ServerReadableStream,
} from "@grpc/grpc-js";
import { createHash, timingSafeEqual } from "node:crypto";
import type { PeerId } from "../core/types.ts";
import type { Fault } from "./envelope.ts";
import { secretKey } from "./raft-methods.ts";

/** What TLS knows of the other end: its certificate, when it showed one. */
export type AuthContext = ReturnType<ServerReadableStream<Buffer, Buffer>["getAuthContext"]>;

/** Plaintext has to be asked for by name. */
export type TransportSecurity = PlaintextSecurity | TlsSecurity;

interface PlaintextSecurity {
  readonly kind: "plaintext";
  /** What all members know. Not a secret to those who can listen on the network. */
  readonly secret?: string;
}

interface TlsSecurity {
  readonly kind: "tls";
  /** With a client certificate, when the servers ask for one. */
  readonly client: ChannelCredentials;
  /** `ServerCredentials.createSsl(roots, pairs, true)` asks clients for a certificate. */
  readonly server: ServerCredentials;
  /** The name that the peer's certificate must show. Null: the host of its address. */
  readonly nameOf?: (peer: PeerId | null, address: string) => string | null;
  /** Whether the certificate behind a call may speak for this peer. @default whoever passed the TLS handshake */
  readonly maySpeakFor?: (sender: PeerId, context: AuthContext) => boolean;
  readonly secret?: string;
}

export function serverCredentials(security: TransportSecurity): ServerCredentials {
  return security.kind === "tls" ? security.server : ServerCredentials.createInsecure();
}

export function channelCredentials(security: TransportSecurity): ChannelCredentials {
  return security.kind === "tls" ? security.client : credentials.createInsecure();
}

/** Options that bind a channel to the peer's name. */
export function nameOptions(security: TransportSecurity, peer: PeerId | null, address: string): ChannelOptions {
  const name = security.kind === "tls" ? (security.nameOf?.(peer, address) ?? null) : null;
  return name === null ? {} : { "grpc.ssl_target_name_override": name, "grpc.default_authority": name };
}

/** Metadata of every call. */
export function callMetadata(security: TransportSecurity): Metadata {
  const metadata = new Metadata();
  if (security.secret !== undefined) metadata.set(secretKey, Buffer.from(security.secret));
  return metadata;
}

/** Null when the call shows the secret, or when there is none. Takes the same time whatever it shows. */
export function secretFault(security: TransportSecurity, metadata: Metadata): Fault | null {
  if (security.secret === undefined) return null;
  const [shown] = metadata.get(secretKey);
  const same = timingSafeEqual(digest(security.secret), digest(shown ?? ""));
  return same && shown !== undefined ? null : { reason: "secret", why: "the call does not show the group's secret" };
}

export function speakerFault(security: TransportSecurity, sender: PeerId, context: AuthContext): Fault | null {
  if (security.kind !== "tls" || security.maySpeakFor === undefined || security.maySpeakFor(sender, context))
    return null;
  return { reason: "unauthorized", why: `the certificate may not speak for "${sender}"` };
}

function digest(bytes: string | Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
