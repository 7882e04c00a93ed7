/**
 * What changes a partition otherwise than by appending: truncation, a new start, log start, change of mode, loss accepted.
 *
 *   job begins ─▶ record durable (J-7) ─▶ memory (G-3) ─▶ files, synced ─▶ barrier unless in `journal` mode (J-1) ─▶ job ends
 *   └───────────────── `openCuts`: no checkpoint takes its R from here (J-8) ──────────────────────────────────┘
 *
 * Each runs as a job of the writer: nothing else happens to the files of the partition meanwhile.
 */
import { readBatchHeader } from "@varve/format";
import type { Cleaned } from "./compaction/cleaned-segment.ts";
import { LogError } from "./errors.ts";
import { FileSystemError, isShortage } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";
import { gapBatches } from "./gap-batch.ts";
import { invariant } from "./invariant.ts";
import type { PartitionMemory } from "./partition-memory.ts";
import type { PartitionMode } from "./partition-mode.ts";
import type { PartitionWriter, WriterNode } from "./partition-writer.ts";
import { type ProducerSource, keepProducersBelow, recoverProducers } from "./recovery/recover-producers.ts";
import { planRetention } from "./retention.ts";
import type { Segment } from "./segment.ts";

/** What cuts ask of the store. */
export interface CutsNode extends WriterNode {
  readonly fs: FileSystem;
  /** J-14: the node has to end. */
  fatal(error: LogError): void;
  /** So many idempotent producers came to be known. */
  producersAdded(count: number): void;
  /** A quarantine, or the end of one, is to be written down in both slots (J-12). */
  checkpointSoon(): void;
}

export interface Removed {
  readonly segments: number;
  readonly bytes: number;
}

export class PartitionCuts {
  readonly #memory: PartitionMemory;
  readonly #writer: PartitionWriter;
  readonly #node: CutsNode;
  #wantedMode: PartitionMode | undefined;
  #isCuttingBack = false;
  /** Cuts that are asked for and have not ended. */
  #cutsDue = 0;

  constructor(memory: PartitionMemory, writer: PartitionWriter, node: CutsNode) {
    this.#memory = memory;
    this.#writer = writer;
    this.#node = node;
  }

  /** Cuts to `offset`, or to the start of the batch that holds it. Returns where the log ends. */
  truncate(offset: number): Promise<number> {
    return this.#cut(offset, () => this.#truncate(offset));
  }

  /** G-8: everything goes, and the log starts at `offset`. Ends a quarantine: the partition is refilled. */
  restart(offset: number): Promise<void> {
    return this.#cut(0, async () => {
      await this.#writer.settle();
      this.#writer.stop();
      this.#node.commit.withdrawPromise(this.#memory.key);
      await this.#writer.record({ type: "restart", base: offset });
      this.#writer.tail.clear();
      this.#node.roomMade();
      this.#memory.epochs.truncateTo(0);
      this.#memory.cutCount += 1;
      this.#memory.cleanedTo = 0;
      this.#memory.undurableEpochs.length = 0;
      this.#memory.logStartOffset = offset;
      this.#memory.logEndOffset = offset;
      this.#memory.countedOffset = offset;
      this.#memory.highWatermark = offset;
      await this.#node.lanes.run(() => this.#writer.files.startAt(offset));
      this.#writer.restartedAt(offset);
      await this.#rebuildProducers();
      await this.#writer.barrier(this.#modeAfterDamage);
      this.#writer.resume();
      this.#liftReadLimit();
      this.#memory.damageEnded({ kind: "needs-epoch", why: "the log was started anew" });
      this.#node.checkpointSoon();
    });
  }

  /**
   * J-12: gives up what is damaged and everything behind it. The offsets stay taken: batches without records hold their
   * place, in a new epoch (J-3), so that nobody who has seen one of them meets another record there.
   */
  acceptLoss(epoch: number): Promise<{ from: number; to: number }> {
    return this.#cut(Number.MAX_SAFE_INTEGER, async () => {
      const memory = this.#memory;
      const { state } = memory;
      if (state.kind !== "quarantined") return { from: memory.logEndOffset, to: memory.logEndOffset };
      invariant(epoch > memory.epochs.latestEpoch, () => `epoch ${epoch} of ${memory.name} is not new`);
      const { files } = this.#writer;
      memory.readLimit = Math.min(memory.readLimit, state.offset);
      await this.#writer.settle();
      this.#writer.stop();
      const start = Math.max(state.offset, memory.logStartOffset);
      // Where the creation of the partition is lost, what is left may begin above the damage: then nothing is left below.
      const isBelow = (files.segments[0]?.baseOffset ?? Number.MAX_SAFE_INTEGER) <= start;
      const boundary = isBelow ? await files.boundaryAt(start) : undefined;
      if (boundary === undefined && isBelow) {
        throw new LogError("DAMAGED", `Cannot give up ${memory.name} from ${start} on: no batch ends there.`);
      }
      const from = boundary?.offset ?? start;
      const to = Math.max(from, state.end, memory.logEndOffset);
      this.#node.commit.withdrawPromise(memory.key);
      // J-7: durable before files change, and from here on a recovery carries it out.
      await this.#writer.record({ type: "loss", base: from, end: to, epoch });
      this.#cutMemory(from);
      this.#writer.tail.clear();
      memory.epochs.add(epoch, from);
      const nowMs = this.#node.clock.nowMs();
      await this.#node.lanes.run(async () => {
        if (boundary === undefined) await files.startAt(from);
        else await files.cutTo(boundary);
        await files.append(gapBatches(from, to, epoch), memory.config, nowMs);
        await files.sync();
      });
      memory.logEndOffset = to;
      memory.countedOffset = to;
      // The batch that is gone may have held the log start.
      memory.highWatermark = Math.max(memory.highWatermark, memory.logStartOffset);
      this.#writer.restartedAt(to);
      await this.#rebuildProducers();
      await this.#writer.barrier(this.#modeAfterDamage);
      this.#liftReadLimit();
      this.#writer.resume();
      memory.damageEnded({ kind: "open" });
      this.#node.checkpointSoon();
      return { from, to };
    });
  }

  /** Nothing below `offset`, at most the high watermark, can be read any more (J-16). */
  deleteBefore(offset: number): Promise<number> {
    return this.#job(async () => {
      const start = Math.min(offset, this.#memory.highWatermark);
      if (start > this.#memory.logStartOffset) await this.#moveLogStart(start);
      return this.#memory.logStartOffset;
    });
  }

  /** Removes whole segments by age and size (J-16). */
  retention(): Promise<Removed> {
    return this.#job(async () => {
      const { state, config } = this.#memory;
      if (state.kind !== "open" && state.kind !== "needs-epoch") return { segments: 0, bytes: 0 };
      const { files } = this.#writer;
      const plan = planRetention({
        segments: files.segments,
        highWatermark: this.#memory.highWatermark,
        logStartOffset: this.#memory.logStartOffset,
        nowMs: this.#node.clock.nowMs(),
        retentionMs: config.retentionMs,
        retentionBytes: config.retentionBytes,
        retentionClock: config.retentionClock,
      });
      if (plan.rollActive) files.rollNext();
      if (plan.count === 0) return { segments: 0, bytes: 0 };
      return this.#moveLogStart(plan.logStartOffset);
    });
  }

  /**
   * J-19: puts what compaction made of `sources`, neighbours, in their place, durably; the log must not have been cut since `cutCount`.
   * False: it was, or one of them is gone, and nothing was done. Errors: a shortage, after which nothing was done, or everything but
   * the removal of what was replaced.
   */
  replaceSegments(sources: readonly Segment[], made: Cleaned, cutCount: number): Promise<boolean> {
    return this.#job(async () => {
      const { files } = this.#writer;
      const { state } = this.#memory;
      const isUsable = state.kind === "open" || state.kind === "needs-epoch";
      const closed = files.segments.slice(0, -1);
      const areThere = sources.every((source) => closed.includes(source));
      const [first] = sources;
      const last = sources.at(-1);
      if (!isUsable || !areThere || this.#memory.cutCount !== cutCount) return false;
      if (first === undefined || last === undefined) return false;
      // J-7: a checkpoint that knows the old size is not to take the new file for one that lost its end.
      await this.#writer.record({ type: "replace", base: first.baseOffset, end: last.endOffset });
      try {
        await this.#node.lanes.run(() => files.replace(sources, made));
      } catch (problem) {
        if (!isShortage(problem)) throw problem;
        const message = `Cannot compact ${this.#memory.name}: ${problem.message}`;
        const code = problem.code === "NO_SPACE" ? "NO_SPACE" : "TOO_MANY_FILES";
        throw new LogError(code, message, { path: problem.path, cause: problem });
      }
      return true;
    });
  }

  /** The topic's `flush` has changed. Durable on return (J-7). */
  changeFlush(flush: "sync" | "os"): Promise<void> {
    return this.#job(async () => {
      const mode = flush === "os" ? "os" : "journal";
      const isThere = flush === "os" ? this.#writer.mode === "os" : this.#writer.mode !== "os";
      if (isThere || this.#cannotWrite()) return;
      await this.#writer.record({ type: "flush", base: this.#memory.logEndOffset, mode });
      await this.#writer.changeMode(mode);
    });
  }

  /**
   * `flush` may have changed while the log was damaged and nothing of it could be written. What is appended from here on counts as it
   * says: in `journal` mode a follower would take for written what is in memory alone (F-3).
   */
  get #modeAfterDamage(): PartitionMode {
    const { mode } = this.#writer;
    if (this.#memory.config.flush === "os") return "os";
    return mode === "os" ? "journal" : mode;
  }

  /** The amount of data asks for it; for `flush=sync` only. */
  wantMode(mode: PartitionMode): void {
    const isWanted = this.#wantedMode !== undefined;
    this.#wantedMode = mode;
    if (isWanted) return;
    void this.#job(async () => {
      const wanted = this.#wantedMode;
      this.#wantedMode = undefined;
      if (wanted === undefined || wanted === this.#writer.mode || this.#cannotWrite()) return;
      if (this.#writer.mode !== "os") await this.#writer.changeMode(wanted);
    }).catch(() => {
      // The job has told the partition what failed; nobody waits for the change itself.
    });
  }

  /** A write or a job failed: what is to become of the partition, or of the node (J-3, J-14). */
  failed(problem: unknown): void {
    if (this.#memory.isEnded) return;
    if (problem instanceof LogError && problem.code === "DISK_FAILED") {
      this.#node.fatal(problem);
      return;
    }
    if (problem instanceof LogError) return;
    if (!(problem instanceof FileSystemError)) throw problem;
    const isCutting = this.#memory.readLimit !== Number.MAX_SAFE_INTEGER;
    const isWritable = !this.#isCuttingBack && this.#memory.state.kind !== "quarantined";
    if (isShortage(problem) && this.#writer.mode !== "journal" && isWritable) {
      this.#cutBack(`${problem.code === "NO_SPACE" ? "no space" : "no descriptor"} left for "${problem.path}"`);
      return;
    }
    // What is behind the journal counts, and is tried again when there is room (J-15).
    if (isShortage(problem) && this.#writer.mode === "journal" && !isCutting) return;
    // J-14: an error on one segment closes that partition only.
    const message = `Write to ${this.#memory.name} failed: ${problem.message}`;
    const failure = new LogError("PARTITION_FAILED", message, { path: problem.path, cause: problem });
    this.#writer.stop();
    this.#memory.fail(failure);
    if (this.#writer.mode !== "journal") {
      // It counts no more, and others wait for the room. What the journal has is needed (J-8).
      this.#writer.tail.truncateTo(this.#memory.countedOffset);
      this.#node.roomMade();
    }
    this.#node.checkpointSoon();
  }

  /** J-3: back to what counts; whoever was sent more must never see other bytes in this epoch. */
  #cutBack(why: string): void {
    // Nothing may begin to count any more: the end of what counts is where the log is cut.
    this.#writer.stop();
    this.#isCuttingBack = true;
    const cut = this.#cut(this.#memory.countedOffset, async () => {
      await this.#truncate(this.#memory.countedOffset);
      this.#isCuttingBack = false;
    });
    cut.catch(() => {
      // The job has told the partition what failed.
    });
    this.#memory.setState({ kind: "needs-epoch", why });
  }

  /** G-3, J-3: nothing from `limit` on is served or appended before this cut and all that were asked for with it have ended. */
  #cut<T>(limit: number, work: () => Promise<T>): Promise<T> {
    this.#memory.readLimit = Math.min(this.#memory.readLimit, limit);
    this.#cutsDue += 1;
    return this.#job(async () => {
      try {
        return await work();
      } finally {
        this.#cutsDue -= 1;
      }
    });
  }

  /** Inside a cut that is carried out. */
  #liftReadLimit(): void {
    if (this.#cutsDue <= 1) this.#memory.readLimit = Number.MAX_SAFE_INTEGER;
  }

  #job<T>(work: () => Promise<T>): Promise<T> {
    return this.#writer.job(async () => {
      if (this.#memory.isEnded) throw new LogError("CLOSED", `Cannot change ${this.#memory.name}: it is closed.`);
      this.#memory.openCuts += 1;
      try {
        return await work();
      } catch (problem) {
        this.failed(problem);
        throw problem;
      } finally {
        this.#memory.openCuts -= 1;
      }
    });
  }

  async #truncate(target: number): Promise<number> {
    const { files } = this.#writer;
    await this.#writer.settle();
    const limit = Math.max(target, this.#memory.logStartOffset);
    const isInFiles = files.segments.length > 0 && target < files.endOffset;
    const boundary = isInFiles ? await files.boundaryAt(limit) : undefined;
    if (isInFiles && boundary === undefined) {
      throw new LogError("DAMAGED", `Cannot truncate ${this.#memory.name} to ${target}: no batch ends there.`);
    }
    const to = boundary?.offset ?? this.#writer.tail.boundaryAt(Math.min(limit, this.#memory.logEndOffset));
    this.#node.commit.withdrawPromise(this.#memory.key);
    // J-7: durable before files change.
    await this.#writer.record({ type: "truncate", base: to });
    this.#cutMemory(to);
    if (boundary === undefined) await this.#node.lanes.run(() => files.trim());
    else await this.#node.lanes.run(() => files.cutTo(boundary));
    await this.#rebuildProducers();
    // J-1: a truncation outside of the journal ends with a barrier before the next append.
    if (this.#writer.mode !== "journal") await this.#writer.barrier(this.#writer.mode);
    this.#liftReadLimit();
    this.#writer.resume();
    this.#memory.notify();
    return to;
  }

  /** G-3: log, epoch runs, producer state (rebuilt after), high watermark, before anything is served. */
  #cutMemory(to: number): void {
    const memory = this.#memory;
    this.#writer.tail.truncateTo(to);
    this.#node.roomMade();
    memory.logEndOffset = Math.min(memory.logEndOffset, to);
    memory.countedOffset = Math.min(memory.countedOffset, to);
    this.#writer.truncatedTo(to);
    memory.epochs.truncateTo(to);
    while ((memory.undurableEpochs.at(-1)?.start ?? -1) >= to) memory.undurableEpochs.pop();
    memory.highWatermark = Math.min(memory.highWatermark, to);
    memory.cutCount += 1;
    memory.cleanedTo = Math.min(memory.cleanedTo, to);
  }

  /** F-10: thrown away, and built again from a snapshot and the batch headers; what is in memory only comes after. */
  async #rebuildProducers(): Promise<void> {
    const { files, tail } = this.#writer;
    const memory = this.#memory;
    const nowMs = this.#node.clock.nowMs();
    const producers = await recoverProducers(this.#node.fs, this.#producerSource());
    for (const { baseOffset, bytes } of tail.pinnedBatches(memory.logEndOffset, Number.MAX_SAFE_INTEGER)) {
      if (baseOffset >= files.endOffset) producers.append(readBatchHeader(bytes), nowMs);
    }
    memory.producers = producers;
    // Some of them may have been forgotten before.
    this.#node.producersAdded(producers.producerCount);
  }

  #producerSource(): ProducerSource {
    const { epochs, logStartOffset, highWatermark, config } = this.#memory;
    const nowMs = this.#node.clock.nowMs();
    const { files } = this.#writer;
    return { files, epochs, logStartOffset, highWatermark, expiryMs: config.producerExpiryMs, nowMs };
  }

  async #moveLogStart(start: number): Promise<Removed> {
    const { files } = this.#writer;
    const kept = files.segments.find(({ endOffset }) => endOffset > start) ?? files.segments.at(-1);
    if (kept !== undefined && kept !== files.segments[0] && this.#memory.producers.producerCount > 0) {
      await this.#keepProducersBelow(kept.baseOffset);
    }
    // J-7: durable before a file goes.
    await this.#writer.record({ type: "log-start", base: start });
    this.#memory.logStartOffset = start;
    // Followers wait for it at their leader, and leaders for them (H-14): nothing else may happen here for long.
    this.#memory.notify();
    return this.#node.lanes.run(() => this.#writer.files.removeBelow(start));
  }

  /** A shortage harms nobody: nothing was changed yet, and whoever asked may ask again when there is room. */
  async #keepProducersBelow(end: number): Promise<void> {
    const source = this.#producerSource();
    try {
      await this.#node.lanes.run(() => keepProducersBelow(end, this.#node.fs, source));
    } catch (problem) {
      if (!isShortage(problem)) throw problem;
      const { code, path } = problem;
      const why = `there is no room for what is known of its producers: ${problem.message}`;
      throw new LogError(
        code === "NO_SPACE" ? "NO_SPACE" : "TOO_MANY_FILES",
        `Cannot remove records of ${this.#memory.name}: ${why}`,
        {
          path,
          cause: problem,
        },
      );
    }
  }

  #cannotWrite(): boolean {
    return this.#memory.isEnded || this.#memory.state.kind === "quarantined";
  }
}
