/** What callers say to a partition and hear from it. */
import type { Reason } from "@varve/format";
import type { LogError } from "./errors.ts";

export interface LogConfig {
  readonly flush: "sync" | "os";
  readonly segmentBytes: number;
  /** 0 or less: a segment is never too old. */
  readonly segmentMs: number;
  readonly indexIntervalBytes: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
  readonly retentionClock: "append" | "record";
  readonly maxBatchBytes: number;
  readonly producerExpiryMs: number;
  /** Undefined or absent: the log is not compacted. */
  readonly compaction?: CompactionConfig | undefined;
}

/** How the log is compacted: of each key the latest record stays, others may go. */
export interface CompactionConfig {
  /** Share of what may be compacted that has to be new before it is worth it. */
  readonly minDirtyRatio: number;
  /** What is younger is left alone. */
  readonly minLagMs: number;
  /** What is older is compacted, however little it is. */
  readonly maxLagMs: number;
  /** A tombstone stays so long after everything older of its key is gone. */
  readonly deleteRetentionMs: number;
}

/**
 *   needs-epoch ──startEpoch──▶ open ──write failed──▶ needs-epoch     (J-3; every open of the store begins here)
 *   any ──damage found──▶ quarantined ──acceptLoss──▶ open             (J-12)
 *   any ──I/O error──▶ failed                                          (J-14)
 *   any ──close──▶ closed
 */
export type PartitionState =
  | { readonly kind: "open" }
  | { readonly kind: "needs-epoch"; readonly why: string }
  | {
      readonly kind: "quarantined";
      readonly file: string;
      readonly offset: number;
      /** Exclusive: offsets below may have been given out, so that [offset, end) is what `acceptLoss` gives up. */
      readonly end: number;
      readonly why: string;
    }
  | { readonly kind: "failed"; readonly error: LogError }
  | { readonly kind: "closed" };

export interface AppendOptions {
  /** H-12: the batch is taken only if the log ends here. */
  readonly expectedOffset?: number;
  /** Wall clock, ms. */
  readonly now: number;
}

export interface AppendRefusal {
  readonly kind: "refused";
  readonly reason: Reason;
  readonly message: string;
  readonly logEndOffset: number;
  readonly expectedSequence?: number;
  readonly foundSequence?: number;
}

export type AppendOutcome =
  | {
      readonly kind: "appended" | "duplicate";
      readonly baseOffset: number;
      /** Inclusive. */
      readonly lastOffset: number;
      /** Append time when the batch is stamped with it, else -1. */
      readonly timestampMs: number;
    }
  | AppendRefusal;

export interface ReadOptions {
  readonly offset: number;
  /** Soft: the first batch may exceed it unless `atLeastOneBatch` is false. */
  readonly maxBytes: number;
  /** Exclusive; only batches that end at or below it are returned. */
  readonly limit: number;
  /** @default true */
  readonly atLeastOneBatch?: boolean;
  /** The caller takes bytes that are only lent, and releases them; for readers that copy at once. @default false */
  readonly lend?: boolean;
}

export type ReadResult =
  | {
      readonly kind: "batches";
      /** Whole batches, owned by the caller unless they are lent. The first may begin below `offset`. */
      readonly bytes: Uint8Array;
      readonly nextOffset: number;
      /**
       * Given when the bytes are lent (`lend`): call it once, when nobody looks at `bytes` any more; another read then writes over them.
       * Who does not call it keeps them, at the price of an allocation; or, of the tail cache, of a slab until the store is closed.
       */
      readonly release?: () => void;
    }
  | { readonly kind: "empty" }
  | { readonly kind: "out-of-range"; readonly logStartOffset: number; readonly logEndOffset: number }
  | { readonly kind: "damaged"; readonly file: string; readonly offset: number; readonly why: string };
