// SPDX-License-Identifier: Apache-2.0
/**
 * The driver of `decide`: asks everybody, does what is decided, and asks again, until the core may run.
 *
 * Invariant: all answers of a round were asked for after what this node is became durable. That is what `decide` leans on.
 * Answers that come after their round are dropped.
 */
import type {
  BootstrapAnswer,
  BootstrapTransport,
  Clock,
  InitialPeer,
  OpenedStorage,
  Storage,
} from "../runtime/ports.ts";
import { answerOf, answerProblem, documentOf, hasRun } from "./answer.ts";
import { decide, whomToAsk, type BootstrapReport, type BootstrapSelf } from "./decide.ts";
import { cut, isAddress, isNodeId, votersMax } from "./document.ts";

export interface FormClusterOptions {
  /** Whom the cluster is to be formed of, this node among them. To join: whom to ask. */
  readonly peers: readonly InitialPeer[];
  /** @default "form" */
  readonly intent?: "form" | "join";
  /** Time between two rounds in ms; grows up to eight times while nothing changes. @default 250 */
  readonly roundMs?: number;
  /** How long an answer may take, in ms. @default 1000 */
  readonly answerMs?: number;
  /** Ends the waiting: the promise rejects with its reason. */
  readonly signal?: AbortSignal;
  /** Why it waits; called when that changes. */
  readonly onReport?: (report: BootstrapReport) => void;
}

export interface FormClusterPorts {
  /** Opened, and used by nobody else until this is done. */
  readonly storage: Storage;
  readonly opened: OpenedStorage;
  readonly transport: BootstrapTransport;
  readonly clock: Clock;
}

/** Rounds get rarer up to this many times `roundMs`. */
const slowdownMax = 8;

/**
 * Waits until the storage belongs to a cluster and its core may run; forms or joins one when it is blank (M9, M11).
 *
 * No core may run on this storage before: it would vote. The transport answers for this node from now on; give it a new answer
 * (`answerOf` with the running core's state) once the core runs. Suspect storage is handed back as it is.
 *
 * @returns what the storage holds now: start the core from it
 * @throws RangeError for peers that make no sense; whatever the storage fails with
 */
export async function formCluster(ports: FormClusterPorts, options: FormClusterOptions): Promise<OpenedStorage> {
  const { storage, transport, clock } = ports;
  const { peers, intent = "form", roundMs = 250, answerMs = 1_000, signal, onReport } = options;
  let { opened } = ports;
  const problem = peersProblem(opened.identity.nodeId, peers, intent);
  if (problem !== null) throw new RangeError(`Cannot form a cluster: ${problem}`);
  const told = intent === "form" ? peers.map(({ nodeId }) => nodeId) : [];
  transport.answerWith(() => answerOf(opened, told));
  let reported = "";
  let slowdown = 1;
  while (opened.health.state !== "suspect") {
    signal?.throwIfAborted();
    const self = selfOf(opened, intent);
    const answers = await askAll(whomToAsk(self, peers), transport, clock, answerMs, signal);
    signal?.throwIfAborted();
    const decision = decide({ self, peers, answers });
    if (decision.act === "start") break;
    if (decision.act === "make" || decision.act === "form") opened = await storage.form(decision.document);
    if (decision.act === "join") opened = await storage.join(decision.clusterId);
    if (decision.act !== "wait") {
      slowdown = 1;
      continue;
    }
    const { message } = decision.report;
    if (message !== reported) {
      reported = message;
      slowdown = 1;
      onReport?.(decision.report);
    }
    await pause(clock, roundMs * slowdown, signal);
    slowdown = Math.min(2 * slowdown, slowdownMax);
  }
  return opened;
}

/** What makes these peers useless for node `nodeId`; null when nothing does. */
export function peersProblem(nodeId: string, peers: readonly InitialPeer[], intent: "form" | "join"): string | null {
  if (!isNodeId(nodeId)) return `"${cut(nodeId)}" is no node id (1 to 64 of A-Z a-z 0-9 . _ -)`;
  if (intent === "join" && peers.length === 0) return "a node that joins needs somebody to ask; name a peer";
  if (peers.length > votersMax) return `there are ${peers.length} initial peers, and at most ${votersMax} are possible`;
  const seen = new Set<string>();
  for (const peer of peers) {
    if (!isNodeId(peer.nodeId)) return `"${cut(peer.nodeId)}" is no node id (1 to 64 of A-Z a-z 0-9 . _ -)`;
    if (!isAddress(peer.address)) return `"${cut(peer.address)}" is no address of node "${peer.nodeId}"`;
    for (const part of [`node "${peer.nodeId}"`, `address "${peer.address}"`]) {
      if (seen.has(part)) return `${part} is among the initial peers twice`;
      seen.add(part);
    }
  }
  if (intent === "form" && !seen.has(`node "${nodeId}"`)) {
    const names = peers.map((peer) => `"${peer.nodeId}"`).join(", ");
    return `node "${nodeId}" is not among its initial peers (${names}); add it, with the address that others reach it at`;
  }
  return null;
}

function selfOf({ identity, health, boot }: OpenedStorage, intent: "form" | "join"): BootstrapSelf {
  const { nodeId, dirId, clusterId } = identity;
  if (health.state === "blank" || clusterId === null) return { nodeId, dirId, state: "blank", intent };
  return { nodeId, dirId, state: "member", clusterId, document: documentOf(identity, boot), mayRun: hasRun(boot) };
}

async function askAll(
  asked: readonly InitialPeer[],
  transport: BootstrapTransport,
  clock: Clock,
  answerMs: number,
  signal: AbortSignal | undefined,
): Promise<Map<string, BootstrapAnswer>> {
  const round = new AbortController();
  const answers = new Map<string, BootstrapAnswer>();
  const end = (): void => round.abort();
  const timer = clock.after(answerMs, end);
  signal?.addEventListener("abort", end);
  // A transport that minds no signal does not hold up the round.
  const over = new Promise<void>((resolve) => round.signal.addEventListener("abort", () => resolve()));
  const asking = asked.map(async ({ nodeId, address }) => {
    try {
      const answer = await transport.hello(address, round.signal);
      if (!round.signal.aborted && answerProblem(answer) === null) answers.set(nodeId, answer);
    } catch {
      // Nobody there, or nobody in his senses: asked again in the next round.
    }
  });
  if (!round.signal.aborted) await Promise.race([over, Promise.all(asking)]);
  const heard = new Map(answers);
  timer.cancel();
  signal?.removeEventListener("abort", end);
  round.abort();
  return heard;
}

function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const done = (): void => {
      timer.cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = clock.after(ms, done);
    signal?.addEventListener("abort", done);
  });
}
