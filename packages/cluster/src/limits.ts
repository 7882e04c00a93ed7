// What the controller bounds, in one place. Values are for one metadata group.

/** C-5: records in one metadata batch. A user command that needs more is refused before anything is appended. */
export const batchRecordsMax = 10_000;
/** C-5: bytes of one encoded metadata batch. */
export const batchBytesMax = 6 * 1024 * 1024;
/** Partitions of one topic. Its creation has to fit into one batch. */
export const partitionsPerTopicMax = 5_000;
/** Producer ids handed to a broker at a time. */
export const producerIdBlockSize = 1_000;
/** How long the leader epochs of a deleted topic are kept for a topic of the same name. */
export const retiredEpochKeepMs = 7 * 24 * 3_600_000;
/** Replicas of one partition. */
export const replicationFactorMax = 32;
/** Config changes in one command. */
export const configChangesMax = 100;
/** Consumer groups that have a rate. */
export const groupRatesMax = 10_000;
/** Endpoints, data directories and features of one registration. */
export const registrationListMax = 64;
/** Partitions in one AlterPartition, ElectLeaders, ReportLossy or HandOver. */
export const alterPartitionsMax = 1_000;
