// SPDX-License-Identifier: Apache-2.0
export { CompressionError } from "./compression/compression-error.ts";
export { compressBatch, compressBytes, decompressBatch, decompressBytes, decompressRecords } from "./compression.ts";
export { buildMarker, readControl, type Control, type MarkerOptions } from "./control.ts";
export { crc32c, crc32cAppend, crc32cImplementation } from "./crc32c.ts";
export { EpochRuns, type EpochRun } from "./epoch-runs.ts";
export { FormatError, type FormatErrorCode } from "./format-error.ts";
export { invariant, InvariantError, unreachable } from "./invariant.ts";
export {
  batchBytesMaxCeiling,
  batchBytesMaxDefault,
  batchRecordsMax,
  int16Max,
  int32Max,
  messageBytesMax,
  plainBytesMaxDefault,
  producerBatchesRemembered,
  recordBytesMaxDefault,
  timestampAheadMsMax,
  topicNameCharactersMax,
} from "./limits.ts";
export { murmur2, partitionForKey } from "./murmur2.ts";
export { ByteReader } from "./reader.ts";
export {
  errorDomain,
  isReason,
  reasonNames,
  reasons,
  type GrpcStatusName,
  type Reason,
  type ReasonInfo,
} from "./reasons.ts";
export {
  buildBatch,
  RecordBatchBuilder,
  recordSizeBytes,
  type FinishOptions,
  type RecordHeader,
  type RecordInput,
  type RecordSpans,
} from "./record-batch/builder.ts";
export { emptiedBatch, isGap, startGapAt } from "./record-batch/empty-batch.ts";
export {
  assignOffsets,
  attributeBits,
  batchHeaderBytes,
  batchSizeBytes,
  codecOf,
  codecs,
  hasDeleteHorizon,
  isControl,
  isTransactional,
  readBatchHeader,
  sealBatch,
  stampAppendTime,
  usesLogAppendTime,
  type BatchHeader,
  type Codec,
} from "./record-batch/layout.ts";
export { readRecords } from "./record-batch/read-records.ts";
export {
  batchesIn,
  readPlainRecords,
  RecordCursor,
  recordsOf,
  type BatchPlace,
  type ReadRecord,
} from "./record-batch/reader.ts";
export { RetainedRecords } from "./record-batch/retained-records.ts";
export {
  checkBatch,
  checkProducedBatch,
  checkRecords,
  type BatchFault,
  type BatchFaultCode,
  type ProducedBatchLimits,
} from "./record-batch/validate.ts";
export { isUuid, parseUuid, printUuid, printUuidAsBase64, uuidBytes, zeroUuid } from "./uuid.ts";
export { uvarintBytes, varintBytes, varlongBytes } from "./varint.ts";
export { ByteWriter } from "./writer.ts";
export { type Type } from "./schema/codec.ts";
export { Message, message, type InputOf, type MessageOptions, type TypeOf } from "./schema/message.ts";
export {
  recordTable,
  type RecordInputOf,
  type RecordMessages,
  type RecordOf,
  type RecordTable,
} from "./schema/record-table.ts";
export { field, struct, type Field, type FieldOptions, type StructIn, type StructOut } from "./schema/struct.ts";
export {
  array,
  boolean,
  bytes,
  float64,
  int16,
  int32,
  int64,
  int8,
  string,
  uint16,
  uint32,
  uuid,
  uvarint,
  varint,
  varlong,
} from "./schema/types.ts";
