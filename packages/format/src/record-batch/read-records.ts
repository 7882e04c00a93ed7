// SPDX-License-Identifier: Apache-2.0
import { decompressRecords } from "../compression.ts";
import { plainBytesMaxDefault } from "../limits.ts";
import { readBatchHeader } from "./layout.ts";
import { recordsOf, type ReadRecord } from "./reader.ts";

/**
 * The records of the one checked batch that begins at byte 0, whatever its codec. Views: into the batch when it is plain,
 * into an owned buffer otherwise. FormatError MALFORMED on malformed records, CompressionError on malformed or too large ones.
 */
export async function readRecords(batch: Uint8Array, limits: { plainBytesMax?: number } = {}): Promise<ReadRecord[]> {
  const header = readBatchHeader(batch);
  return recordsOf(await decompressRecords(batch, header, limits.plainBytesMax ?? plainBytesMaxDefault), header);
}
