// SPDX-License-Identifier: Apache-2.0
export { Admin, type CreateTopicOptions } from "./admin.ts";
export type { CallControl } from "./call.ts";
export { Client, connect, type ClientOptions } from "./client.ts";
export { systemClock, type Clock, type Timer } from "./clock.ts";
export type { TopicPartition } from "./consumer/claim.ts";
export type { ConsumedBatch } from "./consumer/consumed-batch.ts";
export type { CloseOptions, ConsumerOptions, PartitionOffset } from "./consumer/consumer-options.ts";
export { Consumer, type CommitTarget } from "./consumer/consumer.ts";
export type { Health } from "./consumer/health.ts";
export type { HandlerContext, RecordHandler, RunOptions } from "./consumer/runner.ts";
export {
  Groups,
  type ForkOptions,
  type GroupDescription,
  type GroupLag,
  type GroupList,
  type GroupListing,
  type GroupOffset,
  type GroupRate,
  type GroupState,
  type ResetOptions,
} from "./groups.ts";
export { Producer, type ProducerOptions, type SendControl } from "./producer/producer.ts";
export type { Bytes, RecordAck, SendRecord } from "./producer/record.ts";
export { Reader, type ReaderOptions } from "./reader/reader.ts";
export type { ReaderPartition } from "./reader/resolve-ranges.ts";
// What callers of a client meet of @varve/api.
export {
  parseEnd,
  parsePosition,
  printEnd,
  printPosition,
  VarveError,
  type Ack,
  type Acks,
  type ConsumedHeader,
  type ConsumedRecord,
  type End,
  type Position,
  type VarveReason,
} from "@varve/api";
