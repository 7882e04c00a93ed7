// SPDX-License-Identifier: Apache-2.0
// `raft-ts/level`: durable storage on LevelDB.

export { LevelStorage, type LevelStorageOptions, type StorageTrace } from "./level-storage.ts";
export { StorageError, type StorageErrorCode } from "./storage-error.ts";
