/**
 * What every call between nodes shows, and how it is looked at: the version of the protocol, the cluster, who calls whom, and the
 * secret that all nodes share.
 *
 * Invariant: the secret is compared before anything else is, in the same time whatever was shown; a call that shows none, where there
 * is one, learns nothing about this node.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { Metadata, status } from "@grpc/grpc-js";
import type { PeerCaller } from "../ports/peers.ts";

/** Rises when an older node could misunderstand a call. */
const peerVersion = 1;

const keys = {
  version: "varve-peer-version",
  clusterId: "varve-cluster-id",
  nodeId: "varve-node-id",
  brokerEpoch: "varve-broker-epoch",
  targetId: "varve-target-id",
  secret: "varve-secret-bin",
} as const;

export interface PeerIdentity {
  readonly clusterId: string;
  readonly nodeId: number;
  /** Undefined: whoever reaches the listener is believed. */
  readonly secret: string | undefined;
}

/** Why a call is refused, as a status. */
export interface PeerFault {
  readonly code: status;
  readonly details: string;
}

/** Adds to `metadata` what node `targetId` wants to see. */
export function showCredentials(
  metadata: Metadata,
  self: PeerIdentity,
  call: { readonly targetId: number; readonly brokerEpoch: number },
): void {
  metadata.set(keys.version, String(peerVersion));
  metadata.set(keys.clusterId, self.clusterId);
  metadata.set(keys.nodeId, String(self.nodeId));
  metadata.set(keys.brokerEpoch, String(call.brokerEpoch));
  metadata.set(keys.targetId, String(call.targetId));
  if (self.secret !== undefined) metadata.set(keys.secret, Buffer.from(self.secret));
}

/** What speaks against a call; undefined when nothing does. */
export function credentialFault(metadata: Metadata, self: PeerIdentity): PeerFault | undefined {
  const [shown] = metadata.get(keys.secret);
  if (self.secret !== undefined && (shown === undefined || !isSame(shown, self.secret))) {
    return {
      code: status.UNAUTHENTICATED,
      details: "Refused: the call does not show the secret of this cluster; give all nodes the same cluster secret",
    };
  }
  const version = text(metadata, keys.version);
  if (version !== String(peerVersion)) {
    return precondition(
      `the caller speaks version "${version}" of the protocol between nodes, this node version ${peerVersion}; run releases ` +
        `that belong together`,
    );
  }
  const clusterId = text(metadata, keys.clusterId);
  if (clusterId !== self.clusterId) {
    return precondition(
      `the caller belongs to cluster "${clusterId}", this node to "${self.clusterId}"; correct the addresses of its peers`,
    );
  }
  const targetId = text(metadata, keys.targetId);
  if (targetId !== String(self.nodeId)) {
    return precondition(`the call is for node "${targetId}", this is node ${self.nodeId}; correct its address`);
  }
  const nodeId = text(metadata, keys.nodeId);
  if (!/^\d{1,10}$/.test(nodeId)) return precondition(`"${nodeId}" is no node id`);
  if (Number(nodeId) === self.nodeId) {
    return precondition(
      `the caller says that it is node ${nodeId}, which is this node; give each node an id of its own`,
    );
  }
  if (!/^-?\d{1,15}$/.test(text(metadata, keys.brokerEpoch))) return precondition("its broker epoch is no number");
  return undefined;
}

/** Of a call without a fault. */
export function callerIn(metadata: Metadata): PeerCaller {
  return { nodeId: Number(text(metadata, keys.nodeId)), brokerEpoch: Number(text(metadata, keys.brokerEpoch)) };
}

function precondition(why: string): PeerFault {
  return { code: status.FAILED_PRECONDITION, details: `Refused: ${why}` };
}

/** Short enough for a message, whatever was sent. */
function text(metadata: Metadata, key: string): string {
  return String(metadata.get(key)[0] ?? "").slice(0, 80);
}

function isSame(shown: string | Buffer, secret: string): boolean {
  return timingSafeEqual(digest(shown), digest(secret));
}

function digest(bytes: string | Buffer): Buffer {
  return createHash("sha256").update(bytes).digest();
}
