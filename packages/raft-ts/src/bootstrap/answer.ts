// SPDX-License-Identifier: Apache-2.0
// What a node answers when it is asked who it is, and whether an answer of a stranger can be taken for one.

import type { BootState, Config } from "../core/types.ts";
import { peerIdOf } from "../runtime/node-options.ts";
import type { BootstrapAnswer, ClusterDocument, Identity, OpenedStorage } from "../runtime/ports.ts";
import { cut, documentProblem, isNodeId, nodeIdOf, votersMax } from "./document.ts";

/** Most members that an answer names. */
const membersMax = 64;

export interface RunningState {
  readonly commit: number;
  readonly config: Config;
}

/**
 * The answer of a node whose storage holds `opened`.
 * @param peers node ids it was told to form a cluster with
 * @param running what its core says now, once one runs; else what was recovered counts
 */
export function answerOf(opened: OpenedStorage, peers: readonly string[], running?: RunningState): BootstrapAnswer {
  const { identity, health, boot } = opened;
  const { commit, config } = running ?? { commit: boot.hard.commit, config: configOf(boot) };
  return {
    nodeId: identity.nodeId,
    dirId: identity.dirId,
    state: health.state === "ok" ? "member" : health.state,
    clusterId: identity.clusterId,
    peers: [...peers].sort(),
    document: health.state === "ok" ? documentOf(identity, boot) : null,
    begun: health.state === "ok" && commit > bootstrapIndex,
    members: health.state === "ok" ? [...(config?.voters ?? []), ...(config?.learners ?? [])].slice(0, membersMax) : [],
  };
}

/** The document is snapshot 1 of term 1, so it is known until a later snapshot takes its place. */
const bootstrapIndex = 1;

export function documentOf({ clusterId }: Identity, { snapshot }: BootState): ClusterDocument | null {
  if (clusterId === null || snapshot === null || snapshot.index !== bootstrapIndex) return null;
  return { clusterId, voters: snapshot.config.addresses };
}

/** Whether a core ran on this storage before: it went beyond the document, in terms or in entries. */
export function hasRun({ hard, lastIndex }: BootState): boolean {
  return hard.term > 1 || lastIndex > bootstrapIndex;
}

/** What makes it no answer; null when nothing does. Every answer is checked before anything else looks at it (X3). */
export function answerProblem(answer: BootstrapAnswer): string | null {
  const { clusterId, peers, document, members, state } = answer;
  if (nodeIdOf(peerIdOf(answer)) === null) return `"${cut(peerIdOf(answer))}" is no identity`;
  if (clusterId !== null && !/^[\w.-]{1,64}$/.test(clusterId)) return `"${cut(clusterId)}" is no cluster id`;
  if (state === "blank" && (clusterId !== null || document !== null || members.length > 0 || answer.begun))
    return "it is blank, and belongs to a cluster";
  if (state === "member" && clusterId === null) return "it is a member of no cluster";
  if (peers.length > votersMax || !peers.every(isNodeId)) return "its peers are no node ids";
  if (members.length > membersMax) return `it names ${members.length} members`;
  if (document === null) return null;
  if (document.clusterId !== clusterId) return "its document is of another cluster";
  return documentProblem(document);
}

function configOf({ snapshot, configs }: BootState): Config | undefined {
  return configs.at(-1)?.config ?? snapshot?.config;
}
