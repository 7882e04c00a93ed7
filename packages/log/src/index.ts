export { systemClock } from "./clock.ts";
export type { Clock, Timer } from "./clock.ts";
export { LogError } from "./errors.ts";
export type { LogErrorCode } from "./errors.ts";
export { FileSystemError } from "./file-system.ts";
export type { FileHandle, FileStatus, FileSystem, FileSystemErrorCode, OpenMode } from "./file-system.ts";
export { nodeFileSystem } from "./node-file-system.ts";
export { planRetention } from "./retention.ts";
export type { RetainedSegment, RetentionInput, RetentionPlan, RetentionReason } from "./retention.ts";
export type { PartitionId } from "./partition-id.ts";
export type { ProducerEntry, RememberedBatch } from "./producer-state.ts";
export { LogStore } from "./store.ts";
export type { CompactionReport } from "./compaction/compactor.ts";
export type {
  PartitionRecovery,
  RecoveryReport,
  RetentionReport,
  StoreDependencies,
  StoreOptions,
  StoreStats,
} from "./store-options.ts";
export { PartitionLog } from "./partition-log.ts";
export type {
  AppendOptions,
  AppendOutcome,
  AppendRefusal,
  CompactionConfig,
  LogConfig,
  PartitionState,
  ReadOptions,
  ReadResult,
} from "./partition-types.ts";
export type { PartitionMode } from "./partition-mode.ts";
export { inspectJournal } from "./inspect/inspect-journal.ts";
export type { CheckpointRow, JournalInspection, JournalRecordRow, RoundRow } from "./inspect/inspect-journal.ts";
export { inspectLog } from "./inspect/inspect-log.ts";
export type { LogInspection, ProducerSnapshotRow } from "./inspect/inspect-log.ts";
export { inspectSegment } from "./inspect/inspect-segment.ts";
export type {
  BatchRow,
  IndexCondition,
  SegmentInspection,
  SegmentInspectionOptions,
} from "./inspect/inspect-segment.ts";
export type { FaultKind, InspectionFault } from "./inspect/inspection.ts";
