// SPDX-License-Identifier: Apache-2.0
/**
 * How blank nodes that know each other's ids and addresses form exactly one cluster (M9): what a node does after it asked
 * everybody once. A pure function; `form-cluster.ts` asks, and does what is decided.
 *
 *   blank ──all blank, own id the lowest: make──▶ formed ──asked everybody, no other cluster: start──▶ runs
 *     │ └───a document names this very disk: form───▲ └────a member of the cluster says that it has begun──▲
 *     └─────a begun cluster took this very disk in: join ──────────────────────────────────────────────────┘
 *
 * Safe because of one step: a node that formed asks everybody *again* before its core may run and vote. Of two nodes with
 * different documents, one wrote its own before the other asked, so at most one of them starts. Hence no two clusters have
 * a majority of started voters, unless a majority of the machines lost or changed their disks. That everybody must be blank,
 * and only the lowest id makes a document, keeps it from getting stuck; it is not what keeps it safe.
 *
 * Nothing that was configured is ever taken for an identity (M11): a disk belongs to a cluster when the cluster names it.
 */
import type { PeerAddress, PeerId } from "../core/types.ts";
import { peerIdOf } from "../runtime/node-options.ts";
import type { BootstrapAnswer, ClusterDocument, InitialPeer } from "../runtime/ports.ts";
import { makeDocument, nodeIdOf } from "./document.ts";

/** What a node knows of itself. */
export type BootstrapSelf = { readonly nodeId: string; readonly dirId: string } & (
  | {
      readonly state: "blank";
      /** `form`: one of the initial voters. `join`: somebody put it there to be taken into a cluster (M11). */
      readonly intent: "form" | "join";
    }
  | {
      readonly state: "member";
      readonly clusterId: string;
      /** Null once it is forgotten, and on a node that joined. */
      readonly document: ClusterDocument | null;
      /** A core ran here before, or the log is empty and waits for a leader. */
      readonly mayRun: boolean;
    }
);

export interface BootstrapView {
  readonly self: BootstrapSelf;
  /** Whom the cluster is to be formed of, oneself among them; checked by `peersProblem`. Empty when told nobody. */
  readonly peers: readonly InitialPeer[];
  /**
   * Answers by the node id that was asked, all of them asked for after `self` became what it is. Nodes that did not answer
   * are missing.
   */
  readonly answers: ReadonlyMap<string, BootstrapAnswer>;
}

export type BootstrapDecision =
  /** Form from this document, which is this node's own. */
  | { readonly act: "make"; readonly document: ClusterDocument }
  /** Form from this document, which somebody made. */
  | { readonly act: "form"; readonly document: ClusterDocument }
  /** Become a member to be of this cluster. */
  | { readonly act: "join"; readonly clusterId: string }
  /** The core may run. */
  | { readonly act: "start" }
  /** Ask again later. */
  | { readonly act: "wait"; readonly report: BootstrapReport };

export type BootstrapReportKind =
  /** Not everybody answered. */
  | "waiting-for-peers"
  /** Everybody is blank, and the lowest id has not made the document yet. */
  | "waiting-for-maker"
  /** Started to join, and nobody is in a cluster, or the peers are in several. */
  | "nothing-to-join"
  /** An address leads to another node than was configured. */
  | "wrong-node"
  /** Peers were told to form a cluster of other nodes. */
  | "peers-differ"
  /** A peer does not know what is on its disk (D-4). */
  | "peer-suspect"
  /** The cluster knows this node with another disk. */
  | "lost-disk"
  /** The cluster does not know this node. */
  | "new-node"
  /** Of a cluster that never began, half of the disks or more are lost. */
  | "lost-majority"
  /** There is more than one cluster. */
  | "two-clusters";

/** Why nothing happens. */
export interface BootstrapReport {
  readonly kind: BootstrapReportKind;
  /** For people: what is the matter, and what to do. */
  readonly message: string;
  /** It does not pass by itself. */
  readonly needsOperator: boolean;
}

/**
 * Whom to ask: while blank the configured peers, then the voters of the document, each at its configured address if it has one
 * (that of the document may be old). Never oneself; nobody once a core ran here.
 */
export function whomToAsk(self: BootstrapSelf, peers: readonly InitialPeer[]): readonly InitialPeer[] {
  if (self.state === "blank") return peers.filter(({ nodeId }) => nodeId !== self.nodeId);
  if (self.mayRun || self.document === null) return [];
  const voters = self.document.voters.map(({ id, address }): InitialPeer => {
    const nodeId = nodeIdOf(id)!;
    return peers.find((peer) => peer.nodeId === nodeId) ?? { nodeId, address };
  });
  return voters.filter(({ nodeId }) => nodeId !== self.nodeId);
}

export function decide(view: BootstrapView): BootstrapDecision {
  return view.self.state === "member" ? decideAsMember(view, view.self) : decideAsBlank(view, view.self);
}

type BlankSelf = Extract<BootstrapSelf, { state: "blank" }>;
type MemberSelf = Extract<BootstrapSelf, { state: "member" }>;

// ---- Formed: may the core run? ----

function decideAsMember({ peers, answers }: BootstrapView, self: MemberSelf): BootstrapDecision {
  const { clusterId } = self;
  if (self.mayRun || self.document === null) return { act: "start" };
  // A majority started, so nobody with another document ever will.
  if ([...answers.values()].some((answer) => answer.begun && answer.clusterId === clusterId)) return { act: "start" };
  const asked = whomToAsk(self, peers);
  for (const { nodeId } of asked) {
    const other = answers.get(nodeId)?.clusterId ?? clusterId;
    if (other !== clusterId) return wait("two-clusters", twoClusters(self, nodeId, other));
  }
  const unclear = unclearAnswers(
    asked,
    answers,
    ({ state, clusterId: known }) => state !== "suspect" || known !== null,
  );
  if (unclear !== null) return { act: "wait", report: unclear };
  const voters = self.document.voters.map(({ id }) => id);
  const present = new Set([self, ...answers.values()].map(peerIdOf));
  const missing = voters.filter((id) => !present.has(id));
  if (missing.length * 2 < voters.length) return { act: "start" };
  return wait(
    "lost-majority",
    `Cannot begin cluster "${clusterId}": the disks of ${list(missing)} are not there any more, and the others are no majority. ` +
      `Mount the right directories. If they are lost, empty this one, too: it never ran, and there is nothing in it.`,
  );
}

function twoClusters({ nodeId, dirId, clusterId }: MemberSelf, other: string, otherCluster: string): string {
  return (
    `Cannot start node "${nodeId}": its directory "${dirId}" was formed for cluster "${clusterId}" and never ran, and ` +
    `node "${other}" belongs to cluster "${otherCluster}". Mount the right directories. If that other cluster is the right ` +
    `one, empty this directory: there is nothing in it. Leave alone what ran before.`
  );
}

// ---- Blank: does this node belong to a cluster? ----

function decideAsBlank({ peers, answers }: BootstrapView, self: BlankSelf): BootstrapDecision {
  const members = [...answers.values()].filter(({ state }) => state === "member");
  const peerId = peerIdOf(self);
  const knowing = members.find(({ begun, members: ids }) => begun && ids.includes(peerId));
  if (knowing !== undefined) return enter(knowing, peerId);
  const clusters = new Set(members.map(({ clusterId }) => clusterId));
  if (self.intent === "join") return joinOnly(self, members, clusters.size);
  if (clusters.size > 1) {
    const names = members.map(({ nodeId, clusterId }) => `node "${nodeId}" belongs to "${clusterId}"`).join(", ");
    return wait(
      "two-clusters",
      `Cannot form a cluster, there are several: ${names}. Mount the right directories; what is to be done with the others, their nodes say.`,
    );
  }
  const naming = members.find(({ document }) => document?.voters.some(({ id }) => id === peerId));
  if (naming !== undefined) {
    const document = naming.document!;
    const nodeIds = document.voters.map(({ id }) => nodeIdOf(id)!);
    if (
      isSame(
        nodeIds,
        peers.map(({ nodeId }) => nodeId),
      )
    )
      return { act: "form", document };
    return wait(
      "peers-differ",
      `Cannot form a cluster: node "${self.nodeId}" is told to form one of ${list(peers.map(({ nodeId }) => nodeId))}, and ` +
        `node "${naming.nodeId}" formed one of ${list(nodeIds)}. Give all nodes the same initial peers.`,
    );
  }
  const stranger = members[0];
  if (stranger !== undefined) return notNamed(self, members, stranger);
  return decideAmongBlanks(self, peers, answers);
}

/** A begun cluster counts this very disk among its members, although nothing was ever written to it: no promise can be missing. */
function enter({ clusterId, document }: BootstrapAnswer, peerId: PeerId): BootstrapDecision {
  const isInitial = document?.voters.some(({ id }) => id === peerId) === true;
  return isInitial ? { act: "form", document } : { act: "join", clusterId: clusterId! };
}

function joinOnly(self: BlankSelf, members: readonly BootstrapAnswer[], clusters: number): BootstrapDecision {
  const [member] = members;
  if (clusters === 1) return { act: "join", clusterId: member!.clusterId! };
  const found = clusters === 0 ? "no node that answers belongs to one" : "the nodes that answer belong to several";
  return wait(
    "nothing-to-join",
    `Cannot join a cluster with node "${self.nodeId}": ${found}. Check the addresses of its peers.`,
    clusters > 1,
  );
}

function notNamed(self: BlankSelf, members: readonly BootstrapAnswer[], member: BootstrapAnswer): BootstrapDecision {
  const { nodeId, dirId } = self;
  const known = members
    .flatMap(({ document, members: ids }) => [...ids, ...(document?.voters ?? []).map(({ id }) => id)])
    .find((id) => nodeIdOf(id) === nodeId && id !== peerIdOf(self));
  const where = `node "${member.nodeId}" belongs to cluster "${member.clusterId}"`;
  if (known !== undefined) {
    return wait(
      "lost-disk",
      `Node "${nodeId}" stays passive: ${where}, which knows this node as "${known}", and its directory "${dirId}" is blank. ` +
        `If the wrong directory is mounted, mount the right one. If the disk is lost, replace "${known}" by ` +
        `"${peerIdOf(self)}" in the cluster.`,
    );
  }
  return wait(
    "new-node",
    `Node "${nodeId}" stays passive: ${where}, which does not know this node. If it is a new node, add ` +
      `"${peerIdOf(self)}" to the cluster; if not, mount the right directory or correct its initial peers.`,
  );
}

function decideAmongBlanks(
  self: BlankSelf,
  peers: readonly InitialPeer[],
  answers: BootstrapView["answers"],
): BootstrapDecision {
  const own = peers.map(({ nodeId }) => nodeId);
  for (const [nodeId, answer] of answers) {
    if (answer.nodeId !== nodeId || isSame(answer.peers, own)) continue;
    return wait(
      "peers-differ",
      `Cannot form a cluster: node "${self.nodeId}" is told to form one of ${list(own)}, and node "${nodeId}" of ` +
        `${list(answer.peers)}. Give all nodes the same initial peers.`,
    );
  }
  const unclear = unclearAnswers(whomToAsk(self, peers), answers, ({ state }) => state !== "suspect");
  if (unclear !== null) return { act: "wait", report: unclear };
  const [lowest] = [...own].sort();
  if (lowest !== self.nodeId) {
    return wait(
      "waiting-for-maker",
      `Node "${self.nodeId}" waits for node "${lowest}" to form the cluster: all nodes are blank.`,
      false,
    );
  }
  const voters = peers.map(({ nodeId, address }): PeerAddress => {
    const answer = nodeId === self.nodeId ? self : answers.get(nodeId)!;
    return { id: peerIdOf(answer), address };
  });
  return { act: "make", document: makeDocument(voters) };
}

// ---- Answers ----

/** Why it is not known of everybody asked which cluster they belong to; null when it is. `isClear`: of one answer. */
function unclearAnswers(
  asked: readonly InitialPeer[],
  answers: BootstrapView["answers"],
  isClear: (answer: BootstrapAnswer) => boolean,
): BootstrapReport | null {
  const missing: string[] = [];
  for (const { nodeId, address } of asked) {
    const answer = answers.get(nodeId);
    if (answer === undefined) {
      missing.push(`"${nodeId}" at "${address}"`);
    } else if (answer.nodeId !== nodeId) {
      const message = `Cannot form a cluster: address "${address}" leads to node "${answer.nodeId}", not to "${nodeId}". Correct the initial peers.`;
      return { kind: "wrong-node", message, needsOperator: true };
    } else if (!isClear(answer)) {
      const message = `Cannot form a cluster: node "${nodeId}" does not know what is on its disk. Look at what it says, and empty its directory or mount the right one.`;
      return { kind: "peer-suspect", message, needsOperator: true };
    }
  }
  if (missing.length === 0) return null;
  const message = `Waiting for ${missing.join(", ")}: a cluster is formed once all of its first nodes have answered. Start them; a blank directory will do.`;
  return { kind: "waiting-for-peers", message, needsOperator: false };
}

function wait(kind: BootstrapReportKind, message: string, needsOperator = true): BootstrapDecision {
  return { act: "wait", report: { kind, message, needsOperator } };
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((id) => others.includes(id));
}

function list(ids: readonly string[]): string {
  return ids.length === 0
    ? "nobody"
    : [...ids]
        .sort()
        .map((id) => `"${id}"`)
        .join(", ");
}
