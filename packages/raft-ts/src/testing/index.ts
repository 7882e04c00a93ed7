// SPDX-License-Identifier: Apache-2.0
// `raft-ts/testing`: a world in one process, made of parts that know nothing of each other. Virtual time, seeded weather,
// a disk that forgets, and the checks that tell whether what runs on them kept its promises.

export { Scheduled, Scheduler } from "./scheduler.ts";
export { RandomStream, randomStreams } from "./random-stream.ts";
export { SimulatedClock } from "./simulated-clock.ts";
export type { SimulatedClockOptions, SimulatedTimer } from "./simulated-clock.ts";
export { calmWeather, SimulatedNetwork } from "./network.ts";
export type { NetworkCounts, NetworkOptions, Weather } from "./network.ts";
export { partitionKinds, planPartition } from "./partitions.ts";
export type { DirectedLink, PartitionKind } from "./partitions.ts";
export { SimulatedDisk } from "./disk.ts";
export type { DiskCounts, DiskOptions, DiskSpeed } from "./disk.ts";
export { DiskImage } from "./disk-image.ts";
export type { LoggedConfig, StoredSnapshot } from "./disk-image.ts";
export { MemoryDisk, promptPace } from "./memory-disk.ts";
export type { DiskPace, MemoryDiskOptions } from "./memory-disk.ts";
export { MemoryStorage } from "./memory-storage.ts";
export { MemoryNetwork, MemoryTransport } from "./memory-transport.ts";
export type { Carrier } from "./memory-transport.ts";
export { encodeCommand } from "./register-machine.ts";
export { RegisterStateMachine } from "./register-state-machine.ts";
export { configDigest, emptyChain, nextChain } from "./chain.ts";
export { byKey, checkLinearizable } from "./linearizability.ts";
export type { LinearizabilityVerdict, Operation, SequentialModel } from "./linearizability.ts";
export { registerModel, RegisterWatch } from "./register.ts";
export type { RegisterCall, RegisterInput, RegisterOutput } from "./register.ts";
export { Trace } from "./trace.ts";
export { holds, ViolationError } from "./violation.ts";

// The core world: cores on simulated machines, with every invariant on.
export { drawCase, runCase } from "./core-case.ts";
export type { CaseOutcome, CoreCase, Failure, RunOptions } from "./core-case.ts";
export { Coverage } from "./coverage.ts";
export { drawPlan } from "./plan.ts";
export type { Action, ActionKind } from "./plan.ts";
export { Recorder } from "./recorder.ts";
export type { NodeColumn, RecordedEvent } from "./recorder.ts";
export { drawProfile } from "./profile.ts";
export type { Profile } from "./profile.ts";
export { coverageTable, failureLine, grouped } from "./report.ts";
export { shrinkCase, shrinkPlan } from "./shrink.ts";
export type { Shrunk, ShrinkOptions } from "./shrink.ts";
export { storageCases, type StorageCase, type StorageMaker } from "./storage-conformance.ts";
