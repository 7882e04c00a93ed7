/**
 * Where a run of the model test takes place: virtual time, the simulated disk, the store that is open, the model of each
 * partition, and the commands under way.
 *
 * Between any two events `observe` takes in what the store says counts; nothing that is said later can be taken back.
 */
import { FileSystemError, LogError } from "../index.ts";
import type { LogConfig, LogStore, PartitionLog } from "../index.ts";
import { ViolationError, demand } from "./partition-model.ts";
import type { PartitionModel } from "./partition-model.ts";
import { Random } from "./random.ts";
import { SimulatedClock, SimulatedTime } from "./simulated-clock.ts";
import { SimulatedDisk } from "./simulated-disk.ts";

export const slotCount = 5;
export const storeDirectory = "/data";

/** One command that has not ended. */
interface UnderWay {
  readonly what: string;
  readonly model: PartitionModel | undefined;
  isSettled: boolean;
}

export class StoreWorld {
  readonly time = new SimulatedTime();
  readonly disk: SimulatedDisk;
  readonly models = new Map<number, PartitionModel>();
  /** What happened, one line each; printed when a run fails. */
  readonly history: string[] = [];
  /** How often something interesting happened; a run that never sees a thing proves nothing about it. */
  readonly coverage: Map<string, number>;

  readonly random: Random;
  clock: SimulatedClock;
  openStore: LogStore | undefined;
  fatal: LogError | undefined;
  epoch = 0;
  topics = 0;
  producers = 0;
  values = 0;
  /** A fault was injected into the disk of this process: refusals and errors are to be expected. */
  isFaulty = false;
  /** A store was opened and is being compared with the model, which is not what it holds yet. */
  isChecking = false;
  /** The first thing that went against the rules outside of a check. */
  violation: Error | undefined;
  underWay: UnderWay[] = [];
  /** Per topic id: what the follower copied, by offset and epoch; never forgotten (J-3). */
  readonly copies = new Map<string, Map<string, Uint8Array>>();
  readonly copiedTo = new Map<string, number>();
  readonly producerOf = new Map<PartitionModel, number>();

  constructor(seed: number, coverage: Map<string, number> = new Map()) {
    this.random = new Random(seed);
    this.disk = new SimulatedDisk({
      time: this.time,
      seed: this.random.seed(),
      pageBytes: this.random.pick([512, 4096]),
    });
    this.disk.onEffect = (effect, operation, path) => {
      this.note(`    effect ${effect}: ${operation} ${path}`);
    };
    this.clock = new SimulatedClock(this.time);
    this.coverage = coverage;
  }

  // --- waiting -----------------------------------------------------------------------------------------------------

  /**
   * Begins a command, waits for at most `patience` events, and leaves it running if it has not ended. True when it ended
   * well.
   */
  async command<T>(
    what: string,
    model: PartitionModel | undefined,
    patience: number,
    run: () => Promise<T>,
    then: () => void = () => {},
  ): Promise<boolean> {
    const command: UnderWay = { what, model, isSettled: false };
    this.underWay.push(command);
    let isWell = false;
    const store = this.openStore;
    run().then(
      () => {
        command.isSettled = true;
        isWell = true;
        try {
          then();
        } catch (error) {
          this.violation ??= error as Error;
        }
      },
      (error: unknown) => {
        command.isSettled = true;
        this.note(`  ${model?.name ?? "store"}: ${what} failed: ${describe(error)}`);
        const isAllowed = this.isFaulty || store !== this.openStore || model?.mayBeDamaged === true;
        const isOperational = error instanceof LogError || error instanceof FileSystemError;
        if (!isOperational || !isAllowed) {
          const message = `${model?.name ?? "store"}: ${what} failed: ${describe(error)}`;
          this.violation ??= new ViolationError(message, { cause: error });
        }
      },
    );
    for (let count = 0; count < patience && !command.isSettled && !this.disk.isHalted; count++) {
      if (this.fatal !== undefined) break;
      if (!(await this.time.step())) {
        demand(command.isSettled || this.isFaulty, () => `${model?.name ?? "store"}: ${what} never ends`);
        break;
      }
      this.observe();
    }
    this.observe();
    return isWell;
  }

  async finishCommands(): Promise<void> {
    const isOver = (): boolean => this.disk.isHalted || this.fatal !== undefined;
    for (let count = 0; count < 100_000 && !isOver(); count++) {
      this.underWay = this.underWay.filter((command) => !command.isSettled);
      if (this.underWay.length === 0 || !(await this.time.step())) break;
      this.observe();
    }
  }

  async idle(durationMs: number): Promise<void> {
    const endMs = this.time.nowMs + durationMs;
    while (!this.disk.isHalted && (await this.time.stepBefore(endMs))) this.observe();
  }

  async until(condition: () => boolean, what: string): Promise<void> {
    await this.time.until(() => {
      this.observe();
      return condition() || this.disk.isHalted;
    }, what);
  }

  readonly wait = async <T>(promise: Promise<T>, what: string): Promise<T> => {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until(() => isSettled, what);
    if (this.disk.isHalted) throw new HaltedError();
    return promise;
  };

  // --- what the store tells ----------------------------------------------------------------------------------------

  /** Takes in what counts by now. Called between any two events. */
  observe(): void {
    if (this.violation !== undefined) throw this.violation;
    if (this.openStore === undefined || this.isChecking || this.disk.isHalted) return;
    for (const model of this.models.values()) {
      if (model.presence !== "present" || this.isCutting(model)) continue;
      const log = this.openStore.get(model.id.topicId, model.id.partition);
      if (log === undefined) throw new ViolationError(`${model.name}: is gone`);
      // J-14: an I/O error closes the partition; what was behind it may be given up at the next start.
      if (log.state.kind === "failed" && this.isFaulty) model.hasFailed = true;
      this.cutBack(model, log);
      if (log.state.kind === "open" || log.state.kind === "needs-epoch") {
        demand(
          log.logEndOffset === model.end,
          () => `${model.name}: ends at ${log.logEndOffset}, but ${model.end} were appended`,
        );
        model.counted(log.countedOffset);
      }
    }
  }

  /** A leader that could not write cuts back to what counts, and says so (J-3). */
  cutBack(model: PartitionModel, log: PartitionLog): void {
    if (log.state.kind !== "needs-epoch" || log.logEndOffset >= model.end) return;
    const { logEndOffset } = log;
    demand(this.isFaulty, () => `${model.name}: cut back to ${logEndOffset} on a healthy disk`);
    demand(
      logEndOffset >= model.survivesKill && logEndOffset === log.countedOffset,
      () => `${model.name}: cut back to ${logEndOffset}, but ${model.survivesKill} counted (J-3)`,
    );
    this.count("cut back");
    model.cutBack(logEndOffset);
  }

  isCutting(model: PartitionModel): boolean {
    return this.underWay.some(({ model: other, isSettled, what }) => {
      return other === model && !isSettled && (what === "truncate" || what === "restart");
    });
  }

  isBusy(model: PartitionModel): boolean {
    this.underWay = this.underWay.filter((command) => !command.isSettled);
    return this.underWay.some((command) => command.model === model);
  }

  /** Appends go on beside every command but a truncation. */
  isUsable(model: PartitionModel): boolean {
    if (model.presence !== "present" || this.isCutting(model)) return false;
    const log = this.logOf(model);
    if (log.state.kind === "needs-epoch" && !this.isBusy(model)) this.startEpochOf(model);
    return !this.isSick(log);
  }

  isSick(log: PartitionLog): boolean {
    return log.state.kind !== "open";
  }

  /** The node leads in an epoch of its own; each number is handed out once. */
  startEpochOf(model: PartitionModel): void {
    const log = this.logOf(model);
    if (log.state.kind !== "open" && log.state.kind !== "needs-epoch") return;
    this.cutBack(model, log);
    const epoch = ++this.epoch;
    log.startEpoch(epoch);
    // While the store is still cutting back it does not take a new epoch yet.
    if (log.state.kind !== "open") return;
    model.epoch = epoch;
    model.isFollower = false;
  }

  logOf(model: PartitionModel): PartitionLog {
    const log = this.store().get(model.id.topicId, model.id.partition);
    if (log === undefined) throw new ViolationError(`${model.name}: is gone`);
    return log;
  }

  store(): LogStore {
    if (this.openStore === undefined) throw new Error("The store is not open");
    return this.openStore;
  }

  // --- making things -----------------------------------------------------------------------------------------------

  value(sizeBytes: number): Uint8Array {
    const value = new Uint8Array(sizeBytes);
    const number = ++this.values;
    for (let at = 0; at < sizeBytes; at++) value[at] = (number >>> (8 * (at % 4))) ^ at;
    return value;
  }

  /** A producer of this partition; a new one when what it wrote is gone, so that its next sequence is never in doubt. */
  producerFor(model: PartitionModel): { producerId: number; baseSequence: number } {
    const producerId = this.producerOf.get(model);
    const next = producerId === undefined ? undefined : model.nextSequence(producerId);
    if (producerId !== undefined && next !== undefined) return { producerId, baseSequence: next };
    this.producerOf.set(model, ++this.producers);
    return { producerId: this.producers, baseSequence: 0 };
  }

  count(what: string): void {
    this.coverage.set(what, (this.coverage.get(what) ?? 0) + 1);
  }

  note(line: string): void {
    this.history.push(line);
    if (this.history.length > 5000) this.history.splice(0, 1000);
  }
}

/** The configuration of every partition: segments small enough to roll often. */
export function logConfig(flush: "sync" | "os"): LogConfig {
  return {
    flush,
    segmentBytes: 5_000,
    segmentMs: 3_600_000,
    indexIntervalBytes: 1000,
    retentionMs: -1,
    retentionBytes: -1,
    retentionClock: "append",
    maxBatchBytes: 1_000_000,
    producerExpiryMs: 86_400_000,
  };
}

/** The process stopped while a command was waited for; the command loop recovers. */
export class HaltedError extends Error {}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = "code" in error ? ` ${String(error.code)}` : "";
  const cause = error.cause === undefined ? "" : ` (${describe(error.cause)})`;
  return `${error.name}${code}: ${error.message}${cause}`;
}
