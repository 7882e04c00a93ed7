// SPDX-License-Identifier: Apache-2.0
// Limits that every door shares. Sizes in bytes. What a topic may configure has its default here, not its value.

/** Largest gRPC message that brokers and clients accept. */
export const messageBytesMax = 8 * 1024 * 1024;

/** `max.message.bytes` of a topic unless configured: a whole batch, as stored (compressed). Kafka's default. */
export const batchBytesMaxDefault = 1024 * 1024 + 12;

/** Largest `max.message.bytes` that a topic may ask for: a batch must fit one message with room for its envelope. */
export const batchBytesMaxCeiling = messageBytesMax - 64 * 1024;

/** Largest single record (key, value and headers) unless configured. */
export const recordBytesMaxDefault = 1024 * 1024;

/** Records in one batch. A record takes at least 7 bytes, so only highly compressed batches come near it. */
export const batchRecordsMax = 1_000_000;

/** Largest plain size of one batch's records: what decompression refuses to go beyond unless told otherwise. */
export const plainBytesMaxDefault = 64 * 1024 * 1024;

/** How far ahead of the broker's clock a record's timestamp may lie (Kafka's `message.timestamp.after.max.ms`). */
export const timestampAheadMsMax = 3_600_000;

/** Length of a topic name, in characters; they are `[a-zA-Z0-9._-]`, and "." and ".." are no names. */
export const topicNameCharactersMax = 249;

/** Batches per producer id that a partition remembers to recognise retries (Kafka's five in flight). */
export const producerBatchesRemembered = 5;

/** Smallest and largest values of the fixed-width integers on the wire. */
export const int32Max = 0x7fff_ffff;
export const int16Max = 0x7fff;
