/**
 * The small files beside the segments of a partition, written by the checkpoint: `leader-epochs` and
 * `producer-state-<offset>`.
 *
 *   capture   at log end 4711, in one piece with the checkpoint's R:   state of the producers, as bytes
 *   save      the segments are synced up to 4711 or further:           producer-state-4711, older ones go
 *
 * A busy partition has always batches on their way, so its state is taken when the checkpoint begins and written when the
 * segments have caught up, now or at a later checkpoint; a truncation in between makes it void (F-10). Without snapshots a
 * start would have to read the headers of the whole log.
 *
 * What the epochs are is said by checkpoint and journal. The file is a copy of it for people and tools that look at one
 * directory, as old as the last checkpoint, and not synced: a sync for each partition would be most of what a checkpoint costs.
 */
import type { EpochRun } from "@varve/format";
import { isShortage } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";
import { encodeLeaderEpochs, leaderEpochsFileName } from "./leader-epochs-file.ts";
import {
  encodeProducerState,
  planProducerSnapshots,
  producerStateFileName,
  producerStateOffset,
} from "./producer-state-file.ts";
import type { ProducerState } from "./producer-state.ts";
import { replaceCopy, replaceFile } from "./small-files.ts";

/** A snapshot of the producers is worth its file after so many offsets. */
const snapshotEveryOffsets = 10_000;
/** At the end it is worth its file where a start would have to read so much. */
const lastSnapshotBytesMin = 1 << 20;

interface Snapshot {
  readonly offset: number;
  /** Whose state it is: a truncation builds another one. */
  readonly of: ProducerState;
  readonly bytes: Uint8Array;
}

export interface SideFilesState {
  readonly producers: ProducerState;
  /** Everything below is in synced segments. */
  readonly endOffset: number;
  readonly highWatermark: number;
  readonly epochs: readonly EpochRun[];
}

export class PartitionSideFiles {
  readonly #fs: FileSystem;
  readonly #directory: string;
  #snapshot: Snapshot | undefined;
  #snapshotOffset = 0;
  #epochs: Uint8Array | undefined;

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.#directory = directory;
  }

  /** Takes the state of the producers as of `logEndOffset`, when a snapshot is due. */
  capture({ producers, logEndOffset }: { producers: ProducerState; logEndOffset: number }): void {
    if (this.#snapshot?.of === producers) return;
    this.#snapshot = undefined;
    // After a truncation the log may end below the last snapshot, which is gone then.
    if (logEndOffset < this.#snapshotOffset) this.#snapshotOffset = 0;
    if (producers.producerCount === 0 || logEndOffset - this.#snapshotOffset < snapshotEveryOffsets) return;
    const bytes = encodeProducerState(logEndOffset, producers.entries());
    this.#snapshot = { offset: logEndOffset, of: producers, bytes };
  }

  /**
   * Takes it at a clean end, also when it says that there are no producers: without it the next start would read every batch of a
   * partition of `sizeBytes`.
   */
  captureLast(now: { producers: ProducerState; logEndOffset: number; sizeBytes: number }): void {
    const { producers, logEndOffset, sizeBytes } = now;
    if (sizeBytes < lastSnapshotBytesMin) {
      this.capture(now);
      return;
    }
    this.#snapshot = {
      offset: logEndOffset,
      of: producers,
      bytes: encodeProducerState(logEndOffset, producers.entries()),
    };
  }

  /**
   * Writes what is due. The segments are synced up to `endOffset`; `producers` is the state of now. Nothing else works on
   * the files of the partition meanwhile. On a full disk, or without a descriptor, it does nothing: these files are not needed, and the checkpoint
   * that they belong to is (J-15). Errors: `FileSystemError`.
   */
  async save(now: SideFilesState): Promise<void> {
    try {
      await this.#save(now);
    } catch (error) {
      if (!isShortage(error)) throw error;
    }
  }

  async #save(now: SideFilesState): Promise<void> {
    await this.#saveEpochs(now.epochs);
    const snapshot = this.#snapshot;
    if (snapshot === undefined || (snapshot.of === now.producers && snapshot.offset > now.endOffset)) return;
    this.#snapshot = undefined;
    // F-10: of another history.
    if (snapshot.of !== now.producers) return;
    const name = producerStateFileName(snapshot.offset);
    // F-10: what is there already is of this history, so it says the same.
    if ((await this.#fs.stat(`${this.#directory}/${name}`)) === undefined) {
      await replaceFile(this.#fs, this.#directory, name, snapshot.bytes);
    }
    this.#snapshotOffset = snapshot.offset;
    const offsets = (await this.#fs.readdir(this.#directory)).map(producerStateOffset);
    const known = offsets.filter((offset) => offset !== undefined);
    const { highWatermark, endOffset: logEndOffset } = now;
    for (const offset of planProducerSnapshots(known, { logEndOffset, highWatermark }).discard) {
      await this.#fs.unlink(`${this.#directory}/${producerStateFileName(offset)}`);
    }
  }

  async #saveEpochs(epochs: readonly EpochRun[]): Promise<void> {
    const bytes = encodeLeaderEpochs(epochs);
    if (this.#epochs !== undefined && Buffer.compare(this.#epochs, bytes) === 0) return;
    await replaceCopy(this.#fs, this.#directory, leaderEpochsFileName, bytes);
    this.#epochs = bytes;
  }
}
