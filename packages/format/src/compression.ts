// SPDX-License-Identifier: Apache-2.0
// Compression of a batch's records section, in Kafka's framings. Asynchronous: the work runs on the thread pool. Output is
// bounded: a bomb is refused at the limit, and no claim of a hostile frame is allocated before it is checked. The bytes given
// are read from other threads: they stay as they are until the promise is settled.

import { CompressionError } from "./compression/compression-error.ts";
import { gunzip, gzip } from "./compression/gzip.ts";
import { lz4Frame, unlz4 } from "./compression/lz4.ts";
import { snappyXerial, unsnappy } from "./compression/snappy.ts";
import { unzstd, zstd } from "./compression/zstd.ts";
import {
  attributeBits,
  batchHeaderBytes,
  batchPrefixBytes,
  codecOf,
  codecs,
  fieldAt,
  readBatchHeader,
  sealBatch,
  writeInt16,
  writeInt32,
  type BatchHeader,
  type Codec,
} from "./record-batch/layout.ts";

/**
 * The records section of the checked batch that begins at byte 0 of `batch`, in plain form and at most `maxBytes` long.
 * Codec none: a borrowed view, whatever `maxBytes`. Otherwise owned. CompressionError TOO_LARGE, MALFORMED or UNSUPPORTED.
 */
export async function decompressRecords(batch: Uint8Array, header: BatchHeader, maxBytes: number): Promise<Uint8Array> {
  const section = batch.subarray(batchHeaderBytes, header.sizeBytes);
  // A batch that compaction emptied has no frame either.
  if (section.length === 0) return section;
  return decompressBytes(section, codecOf(header.attributes), maxBytes);
}

/** As `decompressRecords`, for bytes without a batch around them. Codec none gives the bytes back. */
export async function decompressBytes(bytes: Uint8Array, codec: Codec, maxBytes: number): Promise<Uint8Array> {
  switch (codec) {
    case "none":
      return bytes;
    case "gzip":
      return viewOf(await gunzip(bytes, maxBytes));
    case "snappy":
      return viewOf(await unsnappy(bytes, maxBytes));
    case "lz4":
      return viewOf(await unlz4(bytes, maxBytes));
    case "zstd":
      return viewOf(await unzstd(bytes, maxBytes));
  }
}

/** Owned compressed bytes (snappy in xerial framing). `level` counts for gzip (1 to 9) and zstd (1 to 22). */
export async function compressBytes(plain: Uint8Array, codec: Codec, level?: number): Promise<Uint8Array> {
  switch (codec) {
    case "none":
      return plain;
    case "gzip":
      return viewOf(await gzip(plain, level));
    case "snappy":
      return viewOf(await snappyXerial(plain));
    case "lz4":
      return viewOf(await lz4Frame(plain));
    case "zstd":
      return viewOf(await zstd(plain, level));
  }
}

/**
 * A new whole batch, owned, with the records of the uncompressed `batch` compressed, also when that does not make them
 * shorter. Codec none gives `batch` itself. CompressionError UNSUPPORTED when it is compressed already.
 */
export async function compressBatch(batch: Uint8Array, codec: Codec, level?: number): Promise<Uint8Array> {
  const header = readBatchHeader(batch);
  if (codecOf(header.attributes) !== "none") {
    throw new CompressionError(codec, "UNSUPPORTED", "Cannot compress the batch: it is compressed already.");
  }
  if (codec === "none") return batch;
  const section = await compressBytes(batch.subarray(batchHeaderBytes, header.sizeBytes), codec, level);
  return withRecords(batch, header, section, codec);
}

/** The batch in plain form: itself when it is so already, otherwise a new one, owned. Errors as `decompressRecords`. */
export async function decompressBatch(batch: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const header = readBatchHeader(batch);
  if (codecOf(header.attributes) === "none") return batch;
  return withRecords(batch, header, await decompressRecords(batch, header, maxBytes), "none");
}

function withRecords(batch: Uint8Array, header: BatchHeader, section: Uint8Array, codec: Codec): Uint8Array {
  const result = new Uint8Array(batchHeaderBytes + section.length);
  result.set(batch.subarray(0, batchHeaderBytes));
  result.set(section, batchHeaderBytes);
  writeInt32(result, fieldAt.batchLength, result.length - batchPrefixBytes);
  writeInt16(result, fieldAt.attributes, (header.attributes & ~attributeBits.codec) | codecs.indexOf(codec));
  sealBatch(result, 0);
  return result;
}

/** The same bytes as a plain Uint8Array: what reads them next stays fast when it meets one class only. */
function viewOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}
