/**
 * Moves the point from which a recovery has to read the journal, in the background (J-8).
 *
 *   1. nobody has a cut under way        R never passes a truncation whose files are not yet cut and synced
 *   2. R := the last complete round, and at the same moment what each partition holds
 *   3. per partition, a few at a time: write what is behind, sync
 *   4. write the other slot, sync it
 *   5. recycle journal files that neither slot needs
 */
import type { Checkpoint, CheckpointPartition } from "./checkpoint-file.ts";
import type { CheckpointSlots } from "./checkpoint-slots.ts";
import { LogError } from "./errors.ts";
import type { Journal } from "./journal.ts";
import type { CapturedPartition, PartitionLog } from "./partition-log.ts";

export interface CheckpointerOptions {
  readonly journal: Journal;
  readonly journalId: string;
  readonly slots: CheckpointSlots;
  readonly partitions: () => Iterable<PartitionLog>;
  /** Of partitions that are going away: as cuts. */
  readonly deletions: () => Iterable<Promise<void>>;
}

/**
 * Partitions at a time. The lanes of the node limit writes and syncs (J-4), and every partition that is written to stands in
 * the same line for them: one at a time, a checkpoint of 256 busy partitions would take seconds.
 */
const partitionsAtOnce = 64;

interface Captured {
  readonly log: PartitionLog;
  readonly state: CapturedPartition;
}

export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #sequence: number;
  /** `writtenBytes` of the journal when the last checkpoint took its R. */
  #capturedBytes = 0;
  #running: Promise<void> | undefined;
  /** Asked for while one was running: that one may have begun too early for whoever asked. */
  #next: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#sequence = options.slots.newest?.sequence ?? 0;
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Bytes of the journal that a recovery would read if the checkpoint that began last were complete. */
  get uncoveredBytes(): number {
    return this.#options.journal.writtenBytes - this.#capturedBytes;
  }

  /** J-14: after a failed sync nobody knows what is durable, so no slot is written that would say it is. */
  stop(): void {
    this.#isStopped = true;
  }

  /** A whole checkpoint that begins now or later. Errors: `CLOSED` after `stop`, and what the disk says. */
  run(options: { isClean: boolean } = { isClean: false }): Promise<void> {
    if (this.#running === undefined) return this.#begin(options);
    this.#next ??= this.#running.then(
      () => this.#begin(options),
      () => this.#begin(options),
    );
    return this.#next;
  }

  #begin(options: { isClean: boolean }): Promise<void> {
    this.#next = undefined;
    this.#running = this.#run(options).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #run({ isClean }: { isClean: boolean }): Promise<void> {
    const { journal, slots } = this.#options;
    await this.#waitForCuts();
    this.#assertRunning();
    // From here to the end of the loop nothing else runs: R and what the partitions hold belong together.
    const round = journal.last;
    const captured = [...this.#options.partitions()].map((log) => ({ log, state: log.capture() }));
    this.#capturedBytes = journal.writtenBytes;
    const partitions = await writeAll(captured);
    this.#sequence += 1;
    const checkpoint: Checkpoint = {
      sequence: this.#sequence,
      journalId: this.#options.journalId,
      round,
      isClean,
      partitions,
    };
    this.#assertRunning();
    await slots.write(checkpoint);
    // J-8: what one slot still needs is kept, else one flip in the newest would cost everything.
    journal.release(slots.safeRound);
  }

  #assertRunning(): void {
    if (this.#isStopped) throw new LogError("CLOSED", "Cannot write a checkpoint: the disk has failed.");
  }

  async #waitForCuts(): Promise<void> {
    for (;;) {
      const cutting = [...this.#options.partitions()].filter((log) => log.hasOpenCut);
      const deletions = [...this.#options.deletions()];
      if (cutting.length === 0 && deletions.length === 0) return;
      for (const log of cutting) await log.cutsEnded();
      await Promise.allSettled(deletions);
    }
  }
}

/** Ends when nothing of it is under way any more, also with an error. */
async function writeAll(captured: readonly Captured[]): Promise<CheckpointPartition[]> {
  const written: (CheckpointPartition | undefined)[] = [];
  const failures: unknown[] = [];
  const todo = captured.entries();
  const work = async (): Promise<void> => {
    for (const [index, { log, state }] of todo) {
      if (failures.length > 0) return;
      try {
        written[index] = await log.writeCaptured(state);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: partitionsAtOnce }, work));
  if (failures.length > 0) throw failures[0];
  return written.filter((partition) => partition !== undefined);
}
