/**
 * Brings the files of one partition to what replay says, and judges (J-10 c to e, J-12, J-13).
 *
 *   clean end [ segments ──────── RP ]                                    as the checkpoint left them: nothing is written, nothing synced
 *   journal   [ segments ──────── RP │ whatever was written behind ]      cut at RP, then everything above from the journal
 *   direct    [ segments ──────── RP │ good │ torn ]                      scan from RP; cut what is torn above the promise
 *   os        [ segments ──────── RP │ good │ torn ]                      scan from RP; cut at the first bad batch
 *
 * What is kept above the recovery point is written again and synced: a page whose sync failed may sit clean in the cache.
 * Where there is damage nothing is cut: the log ends in front of it, and the files behind it stay as they are.
 */
import type { EpochRuns } from "@varve/format";
import type { EpochLookup } from "../batch-walk.ts";
import type { CheckpointSegment, Damage, Quarantine } from "../checkpoint-file.ts";
import type { FileSystem } from "../file-system.ts";
import { gapBatches } from "../gap-batch.ts";
import type { OpenFiles } from "../open-files.ts";
import type { PartitionId } from "../partition-id.ts";
import { scanSegment } from "../segment-scan.ts";
import { Segment, parseSegmentFileName, segmentFileName } from "../segment.ts";
import { SegmentedLog } from "../segmented-log.ts";
import type { SegmentLimits } from "../segmented-log.ts";
import { offsetsBehind } from "./offsets-behind.ts";
import { readRecordBytes } from "./read-journal.ts";
import { replaced } from "./replay.ts";
import type { ReplayedPartition } from "./replay.ts";
import { settleReplaced } from "./settle-replaced.ts";
import type { ListedSegment } from "./settle-replaced.ts";

export interface RecoveryContext {
  readonly fs: FileSystem;
  readonly files: OpenFiles;
  readonly nowMs: number;
  readonly limits: SegmentLimits;
  readonly journalDirectory: string;
  /** The running kernel is the one of the last run: its page cache was never lost (J-13). */
  readonly isSameBoot: boolean;
  /** The last run ended cleanly: nothing was behind its checkpoint. */
  readonly isClean: boolean;
}

export interface RecoveredFiles {
  readonly id: PartitionId;
  readonly files: SegmentedLog;
  /** In the directory, of files that recovery leaves alone. */
  readonly names: readonly string[];
  readonly epochs: EpochRuns;
  readonly cutBytes: number;
  readonly quarantine: Quarantine | undefined;
  /** J-13. */
  readonly isRetained: boolean;
}

export async function recoverPartition(
  id: PartitionId,
  directory: string,
  replayed: ReplayedPartition,
  context: RecoveryContext,
): Promise<RecoveredFiles> {
  const recovery = new PartitionFiles(directory, replayed, context);
  await recovery.run();
  const { log, cutBytes, damage } = recovery;
  const quarantine = quarantineOf(replayed, Math.max(log.endOffset, recovery.offsetsEnd), damage);
  // J-13: nothing that counted is missing, now or as of a start whose report nobody has confirmed.
  const isInFiles = replayed.mode !== "os" || context.isSameBoot || context.isClean;
  const isRetained = quarantine === undefined && isInFiles && replayed.checkpoint?.isLossy !== true;
  replayed.epochs.truncateTo(log.endOffset + 1);
  return { id, files: log, names: recovery.names, epochs: replayed.epochs, cutBytes, quarantine, isRetained };
}

/** J-12: what is damaged, and up to where offsets may have been given out: none of them is given out again. */
function quarantineOf(
  replayed: ReplayedPartition,
  endInFiles: number,
  found: Damage | undefined,
): Quarantine | undefined {
  const { quarantine: known, offsetsEnd, lostBytes, logStartOffset } = replayed;
  // Reads go on below the first of them.
  const damage = found !== undefined && found.offset < (known?.offset ?? Number.MAX_SAFE_INTEGER) ? found : known;
  if (damage === undefined) return undefined;
  // A record takes at least 7 bytes before it is compressed.
  const end = Math.max(offsetsEnd, endInFiles, logStartOffset) + lostBytes;
  const { file, offset, why } = damage;
  return { file, offset, why, end: Math.max(known?.end ?? 0, end, offset) };
}

class PartitionFiles {
  log: SegmentedLog;
  names: readonly string[] = [];
  cutBytes = 0;
  damage: Damage | undefined;
  /** Of offsets in files behind damage. */
  offsetsEnd = 0;
  readonly #directory: string;
  readonly #replayed: ReplayedPartition;
  readonly #context: RecoveryContext;
  /** Of the checkpoint, as far as they must still be there. */
  #segments: readonly CheckpointSegment[];

  constructor(directory: string, replayed: ReplayedPartition, context: RecoveryContext) {
    this.#directory = directory;
    this.#replayed = replayed;
    this.#context = context;
    this.damage = replayed.damage;
    this.#segments = replayed.segments;
    this.log = this.#logOf([]);
  }

  async run(): Promise<void> {
    const { restartAt, mode, recoveryPoint, quarantine } = this.#replayed;
    const listed = await this.#list();
    if (this.#isAsLeft(listed)) {
      this.log = this.#logOf(this.#segmentsKnown(listed, recoveryPoint));
      return;
    }
    let remaining: readonly ListedSegment[] = listed;
    if (restartAt !== undefined) {
      // The log was started anew, and the barrier that says the files show it is missing: make them show it.
      this.log = this.#logOf(this.#segmentsKnown(listed, restartAt));
      await this.log.startAt(restartAt);
    } else {
      remaining = await this.#removeBelowLogStart(await this.#settleReplaced(listed));
      // Those that begin above the recovery point hold nothing that is known to be good.
      const below = remaining.filter(({ baseOffset }) => baseOffset <= recoveryPoint);
      if (quarantine !== undefined) await this.#leaveAlone(remaining, below);
      else if ((await this.#findMissing(remaining)) || (await this.#findShort(remaining))) {
        await this.#lookBehind(remaining);
        return;
      } else if (mode === "journal") await this.#takeFromJournal(remaining, below);
      else await this.#scan(remaining, below);
    }
    const { logStartOffset } = this.#replayed;
    if (this.damage === undefined && quarantine === undefined && this.log.endOffset < logStartOffset) {
      // Of `os`, everything above the log start may be lost with what was below.
      await this.log.startAt(logStartOffset);
    }
    if (this.damage === undefined && quarantine === undefined) await this.#fillGap();
    if (this.damage !== undefined) await this.#lookBehind(remaining);
    // J-10 e: files that the cache shows may have names that a power loss takes away.
    this.log.namesAreInDoubt();
    await this.log.sync();
    for (const segment of this.log.segments) {
      // Made, cut or cleaned since the checkpoint: what that says of its largest timestamp may be too much.
      const isAsKnown = (this.#known(segment.baseOffset)?.sizeBytes ?? -1) >= 0;
      if (!isAsKnown && segment.sizeBytes > 0) await segment.indexes();
    }
  }

  /**
   * The last run ended cleanly: it had synced everything, names included, before the checkpoint said so. Files that are those of the
   * checkpoint, and as long, are left as they are: thousands of partitions are opened by looking at them.
   */
  #isAsLeft(listed: readonly ListedSegment[]): boolean {
    const { segments: known, isPlaceKnown, restartAt, gap, appends, damage, quarantine } = this.#replayed;
    const { recoveryPoint, logStartOffset } = this.#replayed;
    const last = listed.at(-1);
    const isUntouched = restartAt === undefined && gap === undefined && appends.length === 0;
    const isSound = damage === undefined && quarantine === undefined && isPlaceKnown;
    if (!this.#context.isClean || !isUntouched || !isSound || listed.length !== known.length) return false;
    if (last === undefined) return recoveryPoint === logStartOffset;
    if (last.baseOffset > recoveryPoint || logStartOffset > recoveryPoint) return false;
    // What begins above the log start lacks something, and whole segments below it are to be removed.
    const second = listed[1]?.baseOffset ?? Number.MAX_SAFE_INTEGER;
    if ((listed[0]?.baseOffset ?? 0) > logStartOffset || second <= logStartOffset) return false;
    return listed.every(({ baseOffset, sizeBytes }, index) => {
      const segment = known[index];
      return segment?.baseOffset === baseOffset && segment.sizeBytes === sizeBytes;
    });
  }

  /** A loss was accepted, and the barrier that says the files show it is missing: make them show it. */
  async #fillGap(): Promise<void> {
    const { gap, epochs } = this.#replayed;
    const from = this.log.endOffset;
    if (gap === undefined || gap.to <= from) return;
    // Under `os` more may be gone than was given up.
    epochs.truncateTo(from);
    epochs.add(gap.epoch, from);
    await this.log.append(gapBatches(from, gap.to, gap.epoch), this.#context.limits, this.#context.nowMs);
  }

  async #list(): Promise<ListedSegment[]> {
    const listed: ListedSegment[] = [];
    this.names = await this.#context.fs.readdir(this.#directory);
    for (const name of this.names) {
      // J-19: a compaction did not get to put it in place.
      if (name.endsWith(".log.new")) await this.#context.fs.unlink(`${this.#directory}/${name}`);
    }
    for (const name of this.names) {
      const parsed = parseSegmentFileName(name);
      if (parsed === undefined || parsed.extension !== "log") continue;
      const path = `${this.#directory}/${name}`;
      const status = await this.#context.fs.stat(path);
      listed.push({ baseOffset: parsed.baseOffset, path, sizeBytes: status?.sizeBytes ?? 0 });
    }
    return listed.sort((a, b) => a.baseOffset - b.baseOffset);
  }

  /** J-19. */
  async #settleReplaced(listed: readonly ListedSegment[]): Promise<readonly ListedSegment[]> {
    if (this.#replayed.hasLostRounds) await this.#findReplaced(listed);
    const found = { listed, known: this.#segments };
    const ranges = this.#replayed.replaced;
    const settled = await settleReplaced(this.#context.fs, this.#directory, found, ranges, async (file, limit) => {
      const segment = this.#segmentOf(file, file.baseOffset);
      const { offset } = await this.#walk(segment, file, limit);
      await segment.close();
      return offset;
    });
    this.#segments = settled.known;
    return settled.listed;
  }

  /**
   * J-6, J-19: what lost rounds may have said of files that took the place of others. The files say it themselves: one that is not as long
   * as the checkpoint knows it, or whose neighbour is missing, and holds good batches to the end of the segment or beyond.
   */
  async #findReplaced(listed: readonly ListedSegment[]): Promise<void> {
    const { epochs, recoveryPoint } = this.#replayed;
    for (const file of listed) {
      const index = this.#segments.findIndex(({ baseOffset }) => baseOffset === file.baseOffset);
      if (index < 0) continue;
      const next = this.#segments[index + 1]?.baseOffset;
      const isThere = next !== undefined && listed.some(({ baseOffset }) => baseOffset === next);
      if (isThere && this.#segments[index]?.sizeBytes === file.sizeBytes) continue;
      const segment = this.#segmentOf(file, file.baseOffset);
      const endBelow = async (limit: number): Promise<number> =>
        (await this.#walk(segment, file, limit, (at) => epochs.epochAt(at))).offset;
      // The last one may have grown: it is another when no batch begins where it ended.
      const isSame = next === undefined && (await endBelow(recoveryPoint)) === recoveryPoint;
      const end = isSame ? 0 : await endBelow(Number.MAX_SAFE_INTEGER);
      if (end >= (next ?? recoveryPoint)) replaced(this.#replayed, { base: file.baseOffset, end });
      await segment.close();
    }
    this.#segments = this.#replayed.segments;
  }

  /** J-7: the log start was durable before files went; those that are still there go now. */
  async #removeBelowLogStart(listed: readonly ListedSegment[]): Promise<readonly ListedSegment[]> {
    const { logStartOffset } = this.#replayed;
    const first = listed.findIndex((_, index) => {
      const next = listed[index + 1];
      return next === undefined || next.baseOffset > logStartOffset;
    });
    if (first <= 0) return listed;
    const gone = this.#logOf(this.#segmentsKnown(listed.slice(0, first + 1), logStartOffset));
    await gone.removeBelow(logStartOffset);
    return listed.slice(first);
  }

  /** Segments that the checkpoint knows, or the recovery point needs, and that are not there, are damage (J-12). */
  async #findMissing(listed: readonly ListedSegment[]): Promise<boolean> {
    const { checkpoint, recoveryPoint, logStartOffset } = this.#replayed;
    const known = this.#segments;
    const missing = known.find(({ baseOffset }, index) => {
      // A truncation since the checkpoint has lowered the recovery point.
      const end = known[index + 1]?.baseOffset ?? Math.min(checkpoint?.recoveryPoint ?? 0, recoveryPoint);
      const isNeeded = baseOffset < recoveryPoint && end > logStartOffset;
      return isNeeded && !listed.some((segment) => segment.baseOffset === baseOffset);
    });
    const first = listed[0]?.baseOffset ?? Number.MAX_SAFE_INTEGER;
    // Everything below the recovery point was in synced segments; above it, nothing was promised.
    const isGapAtStart = logStartOffset < recoveryPoint && first > logStartOffset;
    if (missing === undefined && !isGapAtStart) return false;
    const offset = missing?.baseOffset ?? logStartOffset;
    const file = `${this.#directory}/${segmentFileName(offset, "log")}`;
    this.damage = { file, offset, why: "the segment is missing" };
    const kept = listed.filter(({ baseOffset }) => baseOffset < offset);
    const behind = listed.filter(({ baseOffset }) => baseOffset > offset).map(({ path }) => path);
    const segments = this.#segmentsKnown(kept, offset);
    const [last, lastListed] = [segments.at(-1), kept.at(-1)];
    if (last !== undefined && lastListed !== undefined) {
      // The one before may have taken its place (J-19), and not be whole: where the log is cut is in the file, and not behind it.
      const end = await this.#walk(last, lastListed, offset);
      if (end.offset < offset) this.damage = { file: last.path, offset: end.offset, why: end.why };
    }
    this.log = this.#logOf(segments, behind);
    return true;
  }

  /** Of a segment that is full every byte was synced: one that is shorter than the checkpoint says has lost its end (J-12). */
  async #findShort(listed: readonly ListedSegment[]): Promise<boolean> {
    const { recoveryPoint, logStartOffset } = this.#replayed;
    const index = listed.findIndex(({ baseOffset, sizeBytes }, at) => {
      const next = listed[at + 1]?.baseOffset ?? Number.MAX_SAFE_INTEGER;
      return next > logStartOffset && next <= recoveryPoint && sizeBytes < (this.#known(baseOffset)?.sizeBytes ?? -1);
    });
    const short = listed[index];
    if (short === undefined) return false;
    const kept = this.#segmentsKnown(listed.slice(0, index + 1), short.baseOffset);
    const segment = kept.at(-1);
    if (segment === undefined) return false;
    const end = await this.#walk(segment, short, recoveryPoint);
    const known = this.#known(short.baseOffset)?.sizeBytes;
    this.damage = {
      file: short.path,
      offset: end.offset,
      why: `the file has ${short.sizeBytes} bytes, and ${known} were synced`,
    };
    const behind = listed.slice(index + 1).map(({ path }) => path);
    this.log = this.#logOf(kept, behind);
    return true;
  }

  /** Judged in an earlier run, and what it was judged by is gone with its round: nothing is cut, nothing added (J-12). */
  async #leaveAlone(listed: readonly ListedSegment[], below: readonly ListedSegment[]): Promise<void> {
    const last = below.at(-1);
    const place = last === undefined ? undefined : await this.#placeOf(below, last, this.#replayed.recoveryPoint);
    const behind = listed.slice(below.length).map(({ path }) => path);
    this.log = this.#logOf(place?.segments ?? this.log.segments, behind);
  }

  /**
   * `journal`: the segment above the recovery point holds nothing that the journal lacks (J-2). It is cut there, and takes
   * what the journal holds; a damaged record is where the log ends.
   */
  async #takeFromJournal(listed: readonly ListedSegment[], below: readonly ListedSegment[]): Promise<void> {
    const { recoveryPoint } = this.#replayed;
    const { fs, journalDirectory, limits, nowMs } = this.#context;
    const last = below.at(-1);
    if (last === undefined) {
      this.log = this.#logOf(this.#segmentsKnown(listed, recoveryPoint));
      await this.log.startAt(recoveryPoint);
    } else {
      const place = await this.#placeOf(below, last, recoveryPoint);
      if (place === undefined) return;
      const behind = listed.slice(below.length).map(({ path }) => path);
      this.log = this.#logOf(place.segments, behind);
      this.cutBytes += Math.max(0, last.sizeBytes - place.positionBytes);
      const { segment, positionBytes } = place;
      await this.log.cutTo({ segment, positionBytes, offset: recoveryPoint });
    }
    for (const append of this.#replayed.appends) {
      const bytes = await readRecordBytes(fs, journalDirectory, append);
      await this.log.append([{ baseOffset: append.base, nextOffset: append.end, bytes }], limits, nowMs);
    }
  }

  /** `direct` and `os`: what is good above the recovery point, and whether that is enough. */
  async #scan(listed: readonly ListedSegment[], below: readonly ListedSegment[]): Promise<void> {
    const { recoveryPoint, logStartOffset } = this.#replayed;
    const last = below.at(-1);
    if (last === undefined && listed.length > 0) {
      // The segment of the recovery point is below the log start and gone: begin where files begin. Or it never became
      // durable: then what follows it is of no use.
      const first = listed[0]?.baseOffset ?? recoveryPoint;
      await this.#scanFrom(listed, [], first <= logStartOffset ? first : recoveryPoint, 0);
      return;
    }
    if (last === undefined) {
      await this.log.startAt(recoveryPoint);
      return;
    }
    const place = await this.#placeOf(below, last, recoveryPoint);
    if (place === undefined) return;
    await this.#scanFrom(
      [last, ...listed.slice(below.length)],
      place.segments.slice(0, -1),
      recoveryPoint,
      place.positionBytes,
    );
  }

  async #scanFrom(
    toScan: readonly ListedSegment[],
    before: readonly Segment[],
    from: number,
    positionBytes: number,
  ): Promise<void> {
    const { cutTo, epochs, promised, mode } = this.#replayed;
    const kept: Segment[] = [...before];
    let offset = from;
    let fault: { kind: "cut-off" | "bad"; why: string; file: string } | undefined;
    let position = positionBytes;
    const ranges: { segment: Segment; from: number; to: number }[] = [];
    let index = 0;
    for (; index < toScan.length; index += 1) {
      const listed = toScan[index];
      const isFirst = index === 0;
      // The first one holds the recovery point and stays, whatever is cut above it.
      if (listed === undefined || (!isFirst && offset >= cutTo)) break;
      if (isFirst ? listed.baseOffset > offset : listed.baseOffset !== offset) {
        fault = { kind: "bad", why: `offset ${listed.baseOffset} where ${offset} belongs`, file: listed.path };
        break;
      }
      const segment = this.#segmentOf(listed, offset);
      const start = isFirst ? position : 0;
      let end = start;
      const found = await scanSegment((into, at) => segment.read(into, at), {
        positionBytes: start,
        offset,
        sizeBytes: listed.sizeBytes,
        // J-11: batches of another epoch are of another life of this offset.
        epochAt: (at) => epochs.epochAt(at),
        onBatch: (header, at) => {
          const next = header.baseOffset + header.lastOffsetDelta + 1;
          if (next > cutTo) return;
          offset = next;
          end = at + header.sizeBytes;
        },
      });
      position = end;
      segment.sizeBytes = end;
      segment.endOffset = offset;
      segment.maxTimestampMs = Math.max(segment.maxTimestampMs, found.maxTimestampMs);
      kept.push(segment);
      // J-10 e: also when nothing is cut here: the cut that is seen may be in the cache only.
      segment.isDirty = true;
      ranges.push({ segment, from: start, to: end });
      if (found.fault !== undefined && offset < cutTo) {
        fault = { ...found.fault, file: listed.path };
        index += 1;
        break;
      }
    }
    const behind = toScan.slice(index).map(({ path }) => path);
    this.log = this.#logOf(kept, behind);
    for (const range of ranges) await rewrite(range.segment, range.from, range.to);
    this.#judge(offset, promised, mode, fault);
    if (this.damage !== undefined) return;
    const tail = this.log.segments.at(-1);
    if (tail === undefined) {
      await this.log.startAt(Math.max(from, this.#replayed.logStartOffset));
      return;
    }
    const size = toScan.find(({ baseOffset }) => baseOffset === tail.baseOffset)?.sizeBytes ?? tail.sizeBytes;
    this.cutBytes += Math.max(0, size - tail.sizeBytes);
    if (size > tail.sizeBytes || behind.length > 0) {
      await this.log.cutTo({ segment: tail, positionBytes: tail.sizeBytes, offset: tail.endOffset });
    }
  }

  /**
   * Outside of the journal only the files tell which offsets were given out behind damage, also above every promise: none of them
   * is given out again (J-12). All in a file are below the next one's, so the last one tells.
   */
  async #lookBehind(listed: readonly ListedSegment[]): Promise<void> {
    const last = listed.at(-1);
    if (last === undefined || this.#replayed.mode === "journal") return;
    const good = this.log.segments.find(({ baseOffset }) => baseOffset === last.baseOffset);
    const segment = this.#segmentOf(last, last.baseOffset);
    this.offsetsEnd = await offsetsBehind((into, position) => segment.read(into, position), {
      positionBytes: good?.sizeBytes ?? 0,
      offset: good?.endOffset ?? last.baseOffset,
      sizeBytes: last.sizeBytes,
    });
    await segment.close();
  }

  /** J-12, J-13: whether what the scan did not get over is a torn tail or damage. */
  #judge(
    endOffset: number,
    promised: number,
    mode: string,
    fault: { kind: "cut-off" | "bad"; why: string; file: string } | undefined,
  ): void {
    if (this.damage !== undefined) {
      // A round is lost, and what the segments hold is there nevertheless.
      this.damage = { ...this.damage, offset: Math.max(this.damage.offset, endOffset) };
      return;
    }
    const file = fault?.file ?? this.log.segments.at(-1)?.path ?? this.#directory;
    if (endOffset < promised) {
      // J-9: it was said to be synced up to there.
      const why = `${fault?.why ?? "the file ends here"}, and ${promised} was promised`;
      this.damage = { file, offset: endOffset, why };
      return;
    }
    // J-13: the page cache was never lost, so only a write that was cut off is torn.
    if (mode === "os" && this.#context.isSameBoot && fault?.kind === "bad") {
      this.damage = { file, offset: endOffset, why: fault.why };
    }
  }

  /** Where the recovery point lies; undefined, with the damage noted, when the files do not reach it. */
  async #placeOf(
    below: readonly ListedSegment[],
    last: ListedSegment,
    recoveryPoint: number,
  ): Promise<{ segments: Segment[]; segment: Segment; positionBytes: number } | undefined> {
    const segments = this.#segmentsKnown(below, recoveryPoint);
    const segment = segments.at(-1);
    if (segment === undefined) return undefined;
    // Where there is damage, or was, a size proves nothing: the segment is walked.
    const known = this.#replayed.quarantine === undefined ? this.#knownSize(last, recoveryPoint) : undefined;
    if (known !== undefined && known <= last.sizeBytes) {
      segment.sizeBytes = known;
      return { segments, segment, positionBytes: known };
    }
    // Truncated since the checkpoint, or shorter than it says: walk from the start of the segment.
    const end = await this.#walk(segment, last, recoveryPoint);
    if (end.offset === recoveryPoint) return { segments, segment, positionBytes: segment.sizeBytes };
    if (end.offset < (this.damage?.offset ?? Number.MAX_SAFE_INTEGER)) {
      this.damage = { file: segment.path, offset: end.offset, why: `${end.why}, and ${recoveryPoint} was synced` };
    }
    this.log = this.#logOf(segments);
    return undefined;
  }

  /** Sets end and size of a segment to what it holds below `limit`, from its start on. */
  async #walk(
    segment: Segment,
    listed: ListedSegment,
    limit: number,
    epochAt?: EpochLookup,
  ): Promise<{ offset: number; why: string }> {
    let positionBytes = 0;
    let offset = listed.baseOffset;
    const found = await scanSegment((into, at) => segment.read(into, at), {
      positionBytes: 0,
      offset,
      sizeBytes: listed.sizeBytes,
      epochAt,
      onBatch: (header, at) => {
        const next = header.baseOffset + header.lastOffsetDelta + 1;
        if (next > limit) return;
        offset = next;
        positionBytes = at + header.sizeBytes;
      },
    });
    segment.sizeBytes = positionBytes;
    segment.endOffset = offset;
    return { offset, why: found.fault?.why ?? "the file ends here" };
  }

  /** Bytes below the recovery point, when the checkpoint that is used says it. */
  #knownSize(last: ListedSegment, recoveryPoint: number): number | undefined {
    if (last.baseOffset === recoveryPoint) return 0;
    const size = this.#replayed.isPlaceKnown ? this.#known(last.baseOffset)?.sizeBytes : undefined;
    return size === undefined || size < 0 ? undefined : size;
  }

  /** Segments as they are below `endOffset`, which lies in the last one. */
  #segmentsKnown(listed: readonly ListedSegment[], endOffset: number): Segment[] {
    return listed.map((segment, index) => this.#segmentOf(segment, listed[index + 1]?.baseOffset ?? endOffset));
  }

  #segmentOf(listed: ListedSegment, endOffset: number): Segment {
    const known = this.#known(listed.baseOffset);
    // What was written since the checkpoint is as young as can be: retention would take it for what it lies behind.
    const isAsKnown = known?.sizeBytes === listed.sizeBytes;
    return new Segment(
      {
        directory: this.#directory,
        baseOffset: listed.baseOffset,
        endOffset,
        sizeBytes: listed.sizeBytes,
        lastWrittenMs: isAsKnown ? known.lastWrittenMs : this.#context.nowMs,
        maxTimestampMs: known?.maxTimestampMs ?? -1,
      },
      this.#context,
    );
  }

  #known(baseOffset: number): CheckpointSegment | undefined {
    return this.#segments.find((segment) => segment.baseOffset === baseOffset);
  }

  #logOf(segments: readonly Segment[], behind: readonly string[] = []): SegmentedLog {
    const emptyAt = this.#replayed.logStartOffset;
    return new SegmentedLog(this.#directory, [...segments], this.#context, { behind, emptyAt });
  }
}

const pieceBytes = 1024 * 1024;

/** J-10 e: what is kept is written again; a sync alone would skip pages that a failed one left clean. */
async function rewrite(segment: Segment, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += pieceBytes) {
    const bytes = new Uint8Array(Math.min(pieceBytes, to - at));
    const length = await segment.read(bytes, at);
    await segment.rewrite(bytes.subarray(0, length), at);
  }
}
