// SPDX-License-Identifier: Apache-2.0
// A node and what it needs; how a cluster is formed; the core and the types that go in and out of it.

export { answerOf, type RunningState } from "./bootstrap/answer.ts";
export type { BootstrapReport, BootstrapReportKind } from "./bootstrap/decide.ts";
export { documentHash, makeDocument } from "./bootstrap/document.ts";
export { formCluster, peersProblem, type FormClusterOptions, type FormClusterPorts } from "./bootstrap/form-cluster.ts";
export { coreDefaults, type CoreOptions } from "./core/core-config.ts";
export { configEntry, emptyEntry, entryBytes, normalEntry } from "./core/entries.ts";
export { RaftCore } from "./core/raft.ts";
export { RaftFatal } from "./core/raft-fatal.ts";
export type {
  Ack,
  Append,
  AppendAccepted,
  AppendRejected,
  AppendResp,
  ApplyBatch,
  BootState,
  Config,
  ConfigChange,
  ConfigEntry,
  ConfirmedRead,
  CoreConfig,
  CoreStatus,
  EmptyEntry,
  Entry,
  FailedRead,
  FetchRequest,
  HardState,
  Heartbeat,
  HeartbeatResp,
  Message,
  NormalEntry,
  PeerAddress,
  PeerId,
  PeerMessage,
  PeerStatus,
  PersistBatch,
  PreVote,
  PreVoteResp,
  ProgressState,
  Proposed,
  ProposeItem,
  ProposeOutcome,
  Ready,
  Refusal,
  RefusalReason,
  RequestOutcome,
  Role,
  SendSnapshot,
  SnapDone,
  SnapMeta,
  SoftState,
  TermRun,
  TimeoutNow,
  TraceEvent,
  Vote,
  VoteResp,
} from "./core/types.ts";
export type { Admin, TransferOutcome } from "./runtime/admin.ts";
export { systemClock } from "./runtime/clock.ts";
export type { NodeMetrics } from "./runtime/metrics.ts";
export { RaftNode, type Closed, type NodeParts } from "./runtime/node.ts";
export {
  peerIdOf,
  type NodeEvent,
  type NodeOptions,
  type NodeOptionsInput,
  type SnapshotOptions,
} from "./runtime/node-options.ts";
export type {
  ChangeOutcome,
  LeaderHint,
  Lost,
  ProposalOutcome,
  ProposeOptions,
  ReadOutcome,
  Refused,
  RequestOptions,
  Success,
  Unknown,
} from "./runtime/outcomes.ts";
export type { WorkflowOptions, WorkflowOutcome, WorkflowProgress, WorkflowStep } from "./runtime/workflow.ts";
export type {
  AppliedEntry,
  BootstrapTransport,
  Clock,
  ClusterDocument,
  Identity,
  InitialPeer,
  OpenedStorage,
  SnapshotDescription,
  SnapshotOffer,
  SnapshotReader,
  SnapshotStaging,
  SnapshotStore,
  StateMachine,
  Storage,
  StorageHealth,
  Timer,
  Transport,
  TransportHandlers,
} from "./runtime/ports.ts";
