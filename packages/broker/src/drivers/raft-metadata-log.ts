/**
 * The metadata log on a Raft group: what the controller proposes becomes an entry, what is committed is delivered on every node.
 *
 *     propose ──> RaftNode ──> a majority's disks ──> apply: listener.onCommitted ──> answers
 *
 * Invariants
 * - `leader` is said only while the node is active: everything that earlier leaders committed was delivered (C-1).
 * - A batch goes into the log in the term that it was made in or not at all: it continues the image of that leadership (C-3).
 * - What cannot be replayed ends the node (C-2).
 */
import { FormatError, InvariantError, invariant } from "@varve/format";
import {
  type NodeMetrics,
  type ProposalOutcome,
  RaftNode,
  type SoftState,
  type StateMachine,
  type WorkflowOutcome,
  answerOf,
  peerIdOf,
} from "raft-ts";
import type { Clock, NodeOptionsInput, Transport } from "raft-ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataLog, MetadataLogListener, MetadataRole } from "../ports/metadata-log.ts";
import type { ControllerMember, ControllerMembership, ReplacedDirectory } from "../ports/peers.ts";
import { withAdvice } from "../peer/operator-notes.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { notThere } from "./find-cluster.ts";
import { type RaftGroup, directoryOfPeer, nodeIdOfPeer } from "./raft-group.ts";

export interface RaftMetadataLogOptions {
  readonly group: RaftGroup;
  /** Undefined: a group of one, which has nobody to talk to, and leads when `start` resolves. */
  readonly transport: Transport | undefined;
  readonly raft?: NodeOptionsInput;
  /** @default the process's */
  readonly clock?: Clock;
}

/** How long a node may take to say who it is, and how long it may take to fill it, in ms. */
const helloMs = 3_000;
const replaceMs = 60_000;
/** A snapshot is written in pieces of this size. */
const pieceBytes = 64 * 1024;
/** How long a proposal may stay undecided before its outcome is unknown, in ms. */
const proposalPatienceMs = 30_000;

export class RaftMetadataLog implements MetadataLog, ControllerMembership {
  readonly #options: RaftMetadataLogOptions;
  #node: RaftNode<undefined> | undefined;
  #listener: MetadataLogListener | undefined;
  #role: MetadataRole = { kind: "follower", term: 0, leaderId: undefined };
  #tellLeads: () => void = () => undefined;
  #leaderChanges = 0;
  #leads: number | "here" | undefined;
  #failed: MetadataLogError | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RaftMetadataLogOptions) {
    this.#options = options;
  }

  /** Undefined before the start. */
  metrics(): NodeMetrics | undefined {
    return this.#node?.metrics();
  }

  /** How often this node heard of a leader that it did not know of. */
  get leaderChanges(): number {
    return this.#leaderChanges;
  }

  async start(listener: MetadataLogListener): Promise<void> {
    invariant(this.#listener === undefined, "a metadata log is started once");
    this.#listener = listener;
    const leads = new Promise<void>((resolve) => (this.#tellLeads = resolve));
    const { group, transport, raft, clock } = this.#options;
    try {
      this.#node = await RaftNode.start({
        ...(clock === undefined ? {} : { clock }),
        storage: group.storage,
        opened: group.opened,
        transport: transport ?? silence,
        stateMachine: stateMachineOf(listener),
        options: {
          ...raft,
          onEvent: (event) => {
            raft?.onEvent?.(event);
            if (event.type === "state") this.#changeRole(event);
          },
          onFatal: (error) => this.#fail(error),
        },
      });
    } catch (error) {
      throw asFatal(error);
    }
    const node = this.#node;
    group.bootstrap?.answerWith(() => answerOf(group.opened, group.told, node.status()));
    if (transport === undefined) await Promise.race([leads, node.closed]);
    if (this.#failed !== undefined) throw this.#failed;
  }

  async propose(bytes: Uint8Array, term: number): Promise<number> {
    if (this.#failed !== undefined) throw this.#failed;
    const node = this.#node;
    if (node === undefined || this.#closing !== undefined) throw closed();
    const outcome = await node.propose(bytes, { term, deadlineMs: proposalPatienceMs });
    if (outcome.kind === "success") return outcome.index;
    throw this.#failed ?? errorOf(outcome);
  }

  /** Who decides, and who may: as this node knows it. */
  members(): readonly ControllerMember[] {
    const status = this.#node?.status();
    if (status === undefined) return [];
    const { config, leader, self, active, lastIndex, peers } = status;
    const voters = config.voters.map((id) => [id, true] as const);
    const learners = config.learners.map((id) => [id, false] as const);
    const members = [...voters, ...learners].map(([id, voter]): ControllerMember => {
      const peer = active ? peers.find((candidate) => candidate.id === id) : undefined;
      return {
        nodeId: nodeIdOfPeer(id),
        directoryId: directoryOfPeer(id),
        address: config.addresses.find((candidate) => candidate.id === id)?.address ?? "",
        active: id === leader,
        voter,
        ...(peer === undefined ? {} : { lag: lastIndex - peer.match, answers: peer.recentActive }),
        ...(active && id === self ? { lag: 0, answers: true } : {}),
      };
    });
    return members.sort((a, b) => a.nodeId - b.nodeId);
  }

  /** For the active controller. */
  async replaceDirectory(nodeId: number, validateOnly: boolean): Promise<ReplacedDirectory | Refusal> {
    const node = this.#node;
    const { bootstrap, clusterId } = this.#options.group;
    const failed = `Cannot replace the directory of node ${nodeId}`;
    if (node?.state.active !== true || bootstrap === undefined) {
      return refuse("NOT_CONTROLLER", `${failed}: this node does not decide`, { outcome: "not-done" });
    }
    const { config } = node.status();
    const known = [...config.voters, ...config.learners].filter((id) => nodeIdOfPeer(id) === nodeId);
    const address = config.addresses.find(({ id }) => known.includes(id))?.address;
    if (address === undefined) {
      return refuse(
        "INVALID_REQUEST",
        `${failed}: it is no controller of this cluster. A broker alone whose disk is lost joins again by itself, with an empty directory`,
      );
    }
    const answer = await bootstrap
      .hello(address, AbortSignal.timeout(helloMs))
      .catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (typeof answer === "string") {
      const silent = `it does not answer at ${address}; start it there with an empty one`;
      return refuse("INVALID_REQUEST", `${failed}: ${notThere.test(answer) ? silent : withAdvice(answer)}`);
    }
    if (answer.nodeId !== String(nodeId)) {
      return refuse("INVALID_REQUEST", `${failed}: ${address} leads to node ${answer.nodeId}; correct the addresses`);
    }
    const next = peerIdOf(answer);
    const old = known.find((id) => id !== next);
    const replaced = { oldDirectoryId: old === undefined ? "" : directoryOfPeer(old), newDirectoryId: answer.dirId };
    if (old === undefined) {
      // What was begun and ended half-way: it is in, and has no vote yet.
      if (!config.learners.includes(next) || validateOnly) return replaced;
      const promoted = await node.admin.promote(next, { deadlineMs: replaceMs });
      return promoted.kind === "done" ? replaced : incomplete(failed, promoted);
    }
    // One that was taken in before is a member already; one that is not known here was replaced itself, or is of another cluster.
    const isTakenIn = answer.state === "member" && answer.clusterId === clusterId && known.includes(next);
    if (answer.state !== "blank" && !isTakenIn) {
      return refuse(
        "INVALID_REQUEST",
        `${failed}: the directory that it runs on (${answer.dirId}) is not empty (${answer.state}, cluster "${answer.clusterId ?? ""}"); ` +
          `start it with the one that its cluster knows, or with an empty one`,
      );
    }
    if (validateOnly) return replaced;
    const outcome = await node.admin.replace(old, { id: next, address }, { deadlineMs: replaceMs });
    if (outcome.kind === "done") return replaced;
    return incomplete(failed, outcome);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    // Storage that no node has taken over is still ours.
    if (this.#node === undefined) await this.#options.group.storage.close();
    else await this.#node.stop();
  }

  #changeRole({ role, leader, term, active }: SoftState): void {
    // What a node says while it ends is of no use to anybody.
    if (this.#closing !== undefined && role !== "leader") return;
    const leaderId = leader === null ? undefined : nodeIdOfPeer(leader);
    const next: MetadataRole = active ? { kind: "leader", term } : { kind: "follower", term, leaderId };
    const { kind, term: last } = this.#role;
    const isSame =
      next.kind === kind && next.term === last && (next.kind === "leader" || leaderIdOf(this.#role) === leaderId);
    if (isSame) return;
    const leads = next.kind === "leader" ? "here" : next.leaderId;
    if (leads !== undefined && leads !== this.#leads) {
      this.#leads = leads;
      this.#leaderChanges += 1;
    }
    this.#role = next;
    this.#listener?.onRole(next);
    if (next.kind === "leader") this.#tellLeads();
  }

  #fail(error: Error): void {
    if (this.#failed !== undefined) return;
    this.#failed = asFatal(error);
    this.#listener?.onFatal(this.#failed);
  }
}

/** Of a group of one. */
const silence: Transport = {
  start: () => Promise.resolve(),
  setPeers: () => undefined,
  send: () => undefined,
  sendSnapshot: () => Promise.reject(new Error("There is nobody to send a snapshot to")),
  stop: () => Promise.resolve(),
};

function leaderIdOf(role: MetadataRole): number | undefined {
  return role.kind === "follower" ? role.leaderId : undefined;
}

function stateMachineOf(listener: MetadataLogListener): StateMachine<undefined> {
  return {
    apply: (entries) => {
      listener.onCommitted(entries.map(({ index, data }) => ({ index, bytes: data })));
      return Promise.resolve(entries.map(() => undefined));
    },
    // The first piece is asked for at once, and with it the cut is made.
    snapshot: () => piecesOf(() => listener.takeSnapshot()),
    restore: async (chunks) => {
      const pieces: Uint8Array[] = [];
      for await (const chunk of chunks) pieces.push(chunk.slice());
      const bytes = Buffer.concat(pieces);
      // The document that a group is born from is a snapshot without a state: there is nothing before the first entry.
      if (bytes.length > 0) listener.onSnapshot(bytes);
    },
  };
}

async function* piecesOf(encode: () => Uint8Array): AsyncGenerator<Uint8Array> {
  const bytes = encode();
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

/** Of an entry that was not, or perhaps not, committed. */
function errorOf(outcome: Exclude<ProposalOutcome<undefined>, { kind: "success" }>): MetadataLogError {
  if (outcome.kind === "unknown") {
    return new MetadataLogError(
      "UNKNOWN_OUTCOME",
      `Cannot tell whether entry ${outcome.index} of the metadata log will be committed: ${outcome.why}.`,
    );
  }
  if (outcome.kind === "lost") {
    return new MetadataLogError("NOT_LEADER", "Cannot write to the metadata log: another leader has taken over.");
  }
  const { reason, detail } = outcome;
  const message = `Cannot write to the metadata log: ${detail}.`;
  if (reason === "low-space") return new MetadataLogError("NO_SPACE", message);
  if (reason === "too-large") return new MetadataLogError("TOO_LARGE", message);
  if (reason === "stopped") return closed();
  // Whatever else it is, it is in no log.
  return new MetadataLogError("NOT_LEADER", message);
}

/** What the listener threw is the node's own fault or its version's; everything else is the disk's. */
function asFatal(error: unknown): MetadataLogError {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof MetadataLogError) return cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  if (cause instanceof FormatError || cause instanceof InvariantError) {
    return new MetadataLogError(
      "FORMAT",
      `Cannot replay the metadata log: ${text} Start the release that wrote it, or restore the data directory from a backup.`,
      { cause: error },
    );
  }
  return new MetadataLogError(
    "IO",
    `Cannot go on with the metadata log: ${text}. Nothing more is written; check the disk and start again.`,
    { cause: error },
  );
}

function incomplete(
  failed: string,
  { step, completed, outcome }: Extract<WorkflowOutcome, { kind: "incomplete" }>,
): Refusal {
  const why = outcome.kind === "refused" ? outcome.detail : `the outcome is ${outcome.kind}`;
  const before = completed.join(", ") || "nothing";
  return refuse(
    "REQUEST_TIMED_OUT",
    `${failed}: step "${step}" is not done: ${why}. Done before: ${before}. Ask again to go on`,
    { step },
  );
}

function closed(): MetadataLogError {
  return new MetadataLogError("CLOSED", "Cannot use the metadata log: it is closed.");
}
