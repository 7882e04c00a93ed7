// SPDX-License-Identifier: Apache-2.0
// One process of `npm run chaos:raft` and `npm run forming:raft`: registers on raft-ts, over gRPC and LevelDB, that do what the
// parent asks. It is killed, stopped and wiped from outside; or ends like that by itself, at a moment that is told beforehand.

import {
  answerOf,
  formCluster,
  peerIdOf,
  RaftNode,
  systemClock,
  type BootstrapReport,
  type BootstrapTransport,
  type InitialPeer,
  type PeerId,
  type WorkflowOutcome,
} from "raft-ts";
import { GrpcBootstrap, GrpcTransport, RaftListener, RaftService } from "raft-ts/grpc";
import { LevelStorage } from "raft-ts/level";
import { encodeCommand, RegisterStateMachine, type RegisterInput, type RegisterOutput } from "raft-ts/testing";

export interface MemberStart {
  readonly nodeId: string;
  readonly directory: string;
  readonly peers: readonly InitialPeer[];
  readonly intent: "form" | "join";
  /**
   * Counted are the steps of its storage, and the questions and answers of forming: at this one it dies by SIGKILL. 0: never. No
   * parent hits the time between two steps that well.
   */
  readonly lastMoment?: number;
}

export type MemberRequest =
  | { readonly ask: "operate"; readonly input: RegisterInput }
  | { readonly ask: "transfer" }
  | { readonly ask: "replace"; readonly old: PeerId; readonly next: { readonly id: PeerId; readonly address: string } }
  | { readonly ask: "state"; readonly keys: number }
  | { readonly ask: "stop" };

export type MemberAnswer =
  | { readonly kind: "success"; readonly output: RegisterOutput }
  /** `leader`: the node id of whom to ask. */
  | { readonly kind: "refused"; readonly leader: string | null }
  | { readonly kind: "lost" }
  | { readonly kind: "unknown" }
  | { readonly kind: "workflow"; readonly outcome: WorkflowOutcome["kind"] }
  | {
      readonly kind: "state";
      readonly isActive: boolean;
      readonly term: number;
      readonly applied: number;
      readonly snapshots: number;
      readonly values: readonly number[];
    };

export type MemberMessage =
  | { readonly event: "identity"; readonly peer: PeerId }
  /** Why no core runs yet. */
  | { readonly event: "waits"; readonly report: BootstrapReport }
  /** A core may run, in this cluster. */
  | { readonly event: "starts"; readonly clusterId: string }
  | { readonly event: "up" }
  | { readonly event: "failed"; readonly why: string }
  | { readonly event: "answer"; readonly id: number; readonly answer: MemberAnswer };

const deadlineMs = 2_000;

function tell(message: MemberMessage): void {
  // A parent that is gone needs no answer.
  if (process.connected) process.send!(message, () => undefined);
}

async function serve({ nodeId, directory, peers, intent, lastMoment = 0 }: MemberStart): Promise<void> {
  let moments = 0;
  const moment = (): void => {
    moments += 1;
    if (moments === lastMoment) process.kill(process.pid, "SIGKILL");
  };
  const address = peers.find((peer) => peer.nodeId === nodeId)!.address;
  const service = new RaftService({ security: { kind: "plaintext" } });
  const listener = await RaftListener.open({ port: Number(address.split(":")[1]), service });
  const bootstrap = new GrpcBootstrap({ service });
  const storage = new LevelStorage({ directory, nodeId, ballastBytes: 0, trace: async () => moment() });
  const found = await storage.open();
  tell({ event: "identity", peer: peerIdOf(found.identity) });
  const opened = await formCluster(
    { storage, opened: found, transport: withMoments(bootstrap, moment), clock: systemClock },
    { peers, intent, roundMs: 50, onReport: (report) => tell({ event: "waits", report }) },
  );
  const self = peerIdOf(opened.identity);
  const clusterId = opened.identity.clusterId!;
  tell({ event: "starts", clusterId });
  const transport = new GrpcTransport({ service, self, clusterId, address, clock: systemClock, random: Math.random });
  const machine = new RegisterStateMachine();
  const node = await RaftNode.start({
    storage,
    opened,
    transport,
    stateMachine: machine,
    options: {
      tickMs: 20,
      deadlineMs,
      reserveBytes: 0,
      core: { tailCacheBytes: 16 << 10 },
      snapshots: { everyEntries: 200, minIntervalMs: 100, trailingEntries: 50 },
    },
  });
  bootstrap.answerWith(() =>
    answerOf(opened, intent === "form" ? peers.map((peer) => peer.nodeId) : [], node.status()),
  );
  process.on("message", ({ id, request }: { id: number; request: MemberRequest }) => {
    void answer(node, machine, request).then((known) => {
      if (known !== undefined) tell({ event: "answer", id, answer: known });
    });
  });
  tell({ event: "up" });
  const closed = await node.closed;
  await listener.close();
  const left = closed.unfinished.length === 0 ? "" : `, and left ${closed.unfinished.join(", ")}`;
  if (closed.error !== undefined || left !== "") {
    tell({ event: "failed", why: `${closed.error?.message ?? "stopped"}: ${String(closed.error?.cause)}${left}` });
  }
  process.disconnect();
}

function withMoments(bootstrap: BootstrapTransport, moment: () => void): BootstrapTransport {
  return {
    hello: async (address, signal) => {
      const answer = await bootstrap.hello(address, signal);
      moment();
      return answer;
    },
    answerWith: (answer) => {
      bootstrap.answerWith(() => {
        moment();
        return answer();
      });
    },
  };
}

async function answer(
  node: RaftNode<RegisterOutput>,
  machine: RegisterStateMachine,
  request: MemberRequest,
): Promise<MemberAnswer | undefined> {
  switch (request.ask) {
    case "operate":
      return operate(node, machine, request.input);
    case "transfer":
      await node.admin.transferLeader(null);
      return { kind: "unknown" };
    case "replace": {
      const { kind } = await node.admin.replace(request.old, request.next, { deadlineMs: 10_000 });
      return { kind: "workflow", outcome: kind };
    }
    case "state": {
      const { term, appliedIndex, snapshotsSavedTotal, snapshotsReceivedTotal } = node.metrics();
      return {
        kind: "state",
        isActive: node.state.active,
        term,
        applied: appliedIndex,
        snapshots: snapshotsSavedTotal + snapshotsReceivedTotal,
        values: Array.from({ length: request.keys }, (_, key) => machine.read(key)),
      };
    }
    case "stop":
      await node.stop();
      return undefined;
  }
}

async function operate(
  node: RaftNode<RegisterOutput>,
  machine: RegisterStateMachine,
  input: RegisterInput,
): Promise<MemberAnswer> {
  if (input.kind === "read") {
    const outcome = await node.read();
    if (outcome.kind === "refused") return { kind: "refused", leader: nodeIdOf(outcome.leader?.id) };
    return { kind: "success", output: { value: machine.read(input.key), done: false } };
  }
  const outcome = await node.propose(encodeCommand(input, 100));
  switch (outcome.kind) {
    case "success":
      return { kind: "success", output: outcome.result };
    case "refused":
      return { kind: "refused", leader: nodeIdOf(outcome.leader?.id) };
    case "lost":
    case "unknown":
      return { kind: outcome.kind };
  }
}

function nodeIdOf(id: PeerId | undefined): string | null {
  return id === undefined ? null : id.slice(0, id.indexOf("@"));
}

// An orphan serves nobody; and after the end in order there is nothing left to do.
process.once("disconnect", () => process.exit());

if (process.send !== undefined && process.argv[2] !== undefined) {
  try {
    await serve(JSON.parse(process.argv[2]) as MemberStart);
  } catch (error) {
    tell({ event: "failed", why: String(error) });
    process.exitCode = 1;
    process.disconnect();
  }
}
