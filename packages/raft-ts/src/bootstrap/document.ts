// SPDX-License-Identifier: Apache-2.0
// The document a cluster is born from (M9): who its first voters are, disk by disk. Every one of them writes the same document.
//
// Invariant: unless somebody gave it another name, a cluster is called by the hash of its voters. They are named by directory
// ids, which are random, so no two documents share a name, and whoever makes a document of the same answers makes the same.

import { createHash } from "node:crypto";
import type { PeerAddress, PeerId } from "../core/types.ts";
import type { ClusterDocument } from "../runtime/ports.ts";

/** Most initial voters. */
export const votersMax = 7;

/**
 * The document of these voters, in any order.
 * @param clusterId by default made from the voters; a name of one's own must be unique for all time
 * @throws RangeError saying what is wrong with them
 */
export function makeDocument(voters: readonly PeerAddress[], clusterId?: string): ClusterDocument {
  const sorted = voters.map(({ id, address }) => ({ id, address })).sort(byId);
  const document = { clusterId: clusterId ?? digestOf(sorted).slice(0, 32), voters: sorted };
  const problem = documentProblem(document);
  if (problem !== null) throw new RangeError(`Cannot form a cluster: ${problem}`);
  return document;
}

/** What makes it no document to form a cluster from; null when nothing does. Safe on bytes of strangers, once they have its shape. */
export function documentProblem({ clusterId, voters }: ClusterDocument): string | null {
  if (!/^[\w.-]{1,64}$/.test(clusterId)) return `"${cut(clusterId)}" is no cluster id (1 to 64 of A-Z a-z 0-9 . _ -)`;
  if (voters.length === 0) return "there is no voter";
  if (voters.length > votersMax) return `there are ${voters.length} voters, and at most ${votersMax} are possible`;
  const nodeIds = new Set<string>();
  const addresses = new Set<string>();
  for (const [at, { id, address }] of voters.entries()) {
    const nodeId = nodeIdOf(id);
    if (nodeId === null) return `"${cut(id)}" is no voter (a node id, "@" and 32 hexadecimal digits)`;
    if (at > 0 && voters[at - 1]!.id >= id) return `voter "${id}" is out of order`;
    // Two disks of one node: one of them is lost (M11).
    if (nodeIds.has(nodeId)) return `node "${nodeId}" is named twice`;
    nodeIds.add(nodeId);
    if (!isAddress(address)) return `"${cut(address)}" is no address (1 to 255 printable characters without spaces)`;
    if (addresses.has(address)) return `address "${address}" is named twice`;
    addresses.add(address);
  }
  return null;
}

/** Two documents are the same if and only if this is. 64 hexadecimal digits. */
export function documentHash({ clusterId, voters }: ClusterDocument): string {
  return digestOf([{ id: clusterId, address: "" }, ...voters]);
}

/** The node of `<nodeId>@<dirId>`; null when it is nothing of the kind. */
export function nodeIdOf(id: PeerId): string | null {
  return /^([\w.-]{1,64})@[\da-f]{32}$/.exec(id)?.[1] ?? null;
}

export function isNodeId(text: string): boolean {
  return /^[\w.-]{1,64}$/.test(text);
}

export function isAddress(text: string): boolean {
  return /^[!-~]{1,255}$/.test(text);
}

/** What strangers sent, short enough for a message. */
export function cut(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}

function digestOf(voters: readonly PeerAddress[]): string {
  // JSON keeps the parts apart, whatever is in them.
  const text = JSON.stringify(voters.map(({ id, address }) => [id, address]));
  return createHash("sha256").update(text).digest("hex");
}

function byId(a: PeerAddress, b: PeerAddress): number {
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}
