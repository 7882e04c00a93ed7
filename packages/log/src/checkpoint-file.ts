/**
 * The two slots of the checkpoint, `checkpoint-a` and `checkpoint-b`, written in turn (J-8).
 *
 * A slot says: everything in rounds up to R is in synced files, and how the files of each partition are to be read. The one
 * with the higher sequence number is used; a torn or flipped one is as if it were not there, and the other still has its
 * journal, since a file of the journal is recycled only when neither needs it. A slot is replaced by renaming: a crash while one
 * is written leaves both whole, so that no single flip takes the last one.
 *
 * Contents are JSON inside of the envelope of `checked-file.ts`.
 */
import type { EpochRun } from "@varve/format";
import { decodeCheckedFile, encodeCheckedFile } from "./checked-file.ts";
import type { PartitionMode } from "./partition-mode.ts";

export const checkpointFileNames = ["checkpoint-a", "checkpoint-b"] as const;

const magic = 0x31_50_43_56; // "VCP1"
const version = 1;
const envelopeBytes = 16;

export interface CheckpointSegment {
  readonly baseOffset: number;
  /** Bytes that are synced; of the last one those below the recovery point. -1: not known, the segment is to be walked. */
  readonly sizeBytes: number;
  readonly lastWrittenMs: number;
  readonly maxTimestampMs: number;
}

/** Where bytes that counted are not what they were. */
export interface Damage {
  readonly file: string;
  readonly offset: number;
  readonly why: string;
}

export interface Quarantine extends Damage {
  /** Exclusive end of the offsets that were given out, as far as anything says it: the loss is at most [offset, end). */
  readonly end: number;
}

export interface CheckpointPartition {
  readonly topicId: string;
  readonly topic: string;
  readonly partition: number;
  readonly flush: "sync" | "os";
  readonly mode: PartitionMode;
  readonly recoveryPoint: number;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  /** Round of the last barrier; for people. */
  readonly lastBarrier: number;
  readonly epochs: readonly EpochRun[];
  readonly segments: readonly CheckpointSegment[];
  readonly quarantine: Quarantine | undefined;
  /** A recovery found that something which counted is gone, and nobody has confirmed to know it (J-13). */
  readonly isLossy: boolean;
  /** Compaction has been through everything below (J-20). Absent: nothing. */
  readonly cleanedTo?: number;
}

export interface Checkpoint {
  readonly sequence: number;
  /** 16 hexadecimal digits: which rounds are of this store. */
  readonly journalId: string;
  /** R: the last round that was complete when the checkpoint began. */
  readonly round: { readonly number: number; readonly slot: number; readonly endBytes: number; readonly crc: number };
  /** Written by a clean end: nothing is behind it, whatever the mode. */
  readonly isClean: boolean;
  readonly partitions: readonly CheckpointPartition[];
}

/** The bytes of a slot, owned. */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  return encodeCheckedFile(magic, version, new TextEncoder().encode(JSON.stringify(checkpoint)));
}

/** What a slot says, or why it cannot be used. Never throws. `bytes` may be longer than the slot. */
export function decodeCheckpoint(
  bytes: Uint8Array,
): { kind: "ok"; checkpoint: Checkpoint } | { kind: "bad" | "unknown-version"; why: string } {
  if (bytes.length < envelopeBytes) return { kind: "bad", why: `only ${bytes.length} bytes` };
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(8, true);
  if (length + envelopeBytes > bytes.length) return { kind: "bad", why: "the file ends inside of it" };
  const file = decodeCheckedFile(magic, version, bytes.subarray(0, length + envelopeBytes));
  if (file.kind !== "ok") return file;
  try {
    // The CRC says that these are the bytes we wrote.
    return { kind: "ok", checkpoint: JSON.parse(new TextDecoder().decode(file.payload)) as Checkpoint };
  } catch (error) {
    return { kind: "bad", why: error instanceof Error ? error.message : String(error) };
  }
}
