/**
 * One run of the model test: a store on a simulated disk in virtual time, the model beside it, and the commands.
 *
 *   commands ──▶ StoreRun ──▶ LogStore ──▶ SimulatedDisk
 *                   │            │
 *                   └──▶ PartitionModel ◀── what counted, what was read, what was there after a crash
 *
 * This file begins and ends processes, and checks what each of them finds; `store-actions.ts` has the other commands.
 */
import { LogStore } from "../index.ts";
import type { PartitionLog } from "../index.ts";
import { gapBatches } from "../gap-batch.ts";
import { ViolationError, demand } from "./partition-model.ts";
import type { Ending, PartitionModel } from "./partition-model.ts";
import { SimulatedClock } from "./simulated-clock.ts";
import {
  advanceHighWatermark,
  append,
  appendAsFollower,
  changeFlush,
  compact,
  create,
  deletePartition,
  deleteRecords,
  findTime,
  follow,
  read,
  resend,
  restart,
  retain,
  startEpoch,
  truncate,
} from "./store-actions.ts";
import { demandEpochs, demandRefused, demandRetained, readAll, reviveGhosts } from "./store-checks.ts";
import type { StoreCase, StoreCommand } from "./store-commands.ts";
import { HaltedError, StoreWorld, describe, logConfig, storeDirectory } from "./store-world.ts";

type Crash = Extract<StoreCommand, { kind: "crash" }>;
type Flip = NonNullable<Crash["flip"]>;

/** A crash at a known place: after so many effects, and again inside the recoveries that follow. */
export interface Halt {
  readonly effects: number;
  readonly power: boolean;
  readonly seed: number;
  readonly again: Crash["again"];
}

export class StoreRun {
  readonly world: StoreWorld;
  /** How often a recovery was cut off by a crash of its own. */
  recoveryCrashes = 0;
  #halt: Halt | undefined;
  #flipped: string | undefined;
  #boot = 1;
  /** The last process closed its store before it ended. */
  #wasClosed = false;
  /** How the processes ended since a store was last opened to the end. */
  #endings: Ending[] = [];

  constructor(seed: number, coverage?: Map<string, number>) {
    this.world = new StoreWorld(seed, coverage);
  }

  /** Runs a whole case: the commands, then a last power cut, and everything is checked again. */
  async run(commands: readonly StoreCommand[]): Promise<void> {
    await this.#begin();
    await this.#createFirst();
    for (const command of commands) await this.perform(command);
    await this.finish();
  }

  /**
   * Runs commands until the process stops after effect `halt.effects`, recovers, crashing again as `halt.again` says, and
   * checks everything. False when the commands ended before.
   */
  async runUntil(halt: Halt, commands: readonly StoreCommand[]): Promise<boolean> {
    await this.#begin();
    this.#halt = halt;
    this.world.disk.haltAfter(halt.effects);
    await this.#createFirst();
    for (const command of commands) {
      if (this.#halt === undefined) break;
      await this.perform(command);
    }
    const hasHalted = this.#halt === undefined;
    this.#halt = undefined;
    this.world.disk.haltAfter(Infinity);
    await this.finish();
    return hasHalted;
  }

  /** The directory of the store exists before it; whoever makes it makes its name durable. */
  async #begin(): Promise<void> {
    const { disk, time } = this.world;
    await time.result(disk.fileSystem().mkdir(storeDirectory), "the directory");
    await time.result(disk.fileSystem().syncDirectory("/"), "the directory to be durable");
    await this.start([]);
  }

  async #createFirst(): Promise<void> {
    for (const [slot, flush] of (["sync", "sync", "os"] as const).entries()) {
      await this.perform({ kind: "create", slot, flush, patience: 100_000 });
    }
  }

  async perform(command: StoreCommand): Promise<void> {
    this.world.note(`${this.world.time.nowMs.toFixed(2)} ${JSON.stringify(command)}`);
    if (this.world.fatal !== undefined && command.kind !== "crash" && command.kind !== "events") return;
    try {
      await this.#do(command);
    } catch (error) {
      if (!(error instanceof HaltedError)) throw error;
    }
    this.world.observe();
    if (!this.world.disk.isHalted) return;
    const halt = this.#halt ?? { power: this.world.random.chance(0.5), seed: this.world.random.seed(), again: [] };
    this.#halt = undefined;
    await this.#recoverFrom(halt, halt.again);
  }

  async #do(command: StoreCommand): Promise<void> {
    switch (command.kind) {
      case "append":
        append(this.world, command);
        break;
      case "append-as-follower":
        appendAsFollower(this.world, command);
        break;
      case "resend":
        resend(this.world, command.slot);
        break;
      case "events":
        for (let count = 0; count < command.count && !this.world.disk.isHalted; count++) {
          if (!(await this.world.time.step())) break;
          this.world.observe();
        }
        break;
      case "idle":
        await this.world.idle(command.durationMs);
        break;
      case "truncate":
        await truncate(this.world, command);
        break;
      case "restart":
        await restart(this.world, command);
        break;
      case "start-epoch":
        startEpoch(this.world, command.slot);
        break;
      case "change-flush":
        await changeFlush(this.world, command);
        break;
      case "high-watermark":
        advanceHighWatermark(this.world, command);
        break;
      case "retention":
        await retain(this.world, command);
        break;
      case "compact":
        await compact(this.world, command);
        break;
      case "delete-records":
        await deleteRecords(this.world, command);
        break;
      case "checkpoint":
        await this.world.command("checkpoint", undefined, command.patience, () => this.world.store().checkpoint());
        break;
      case "create":
        await create(this.world, command);
        break;
      case "delete":
        await deletePartition(this.world, command);
        break;
      case "read":
        await read(this.world, command);
        break;
      case "find-time":
        await findTime(this.world, command);
        break;
      case "follow":
        await follow(this.world, command.slot);
        break;
      case "fault":
        this.world.isFaulty = true;
        this.world.disk.inject({
          operation: command.operation,
          path: command.path,
          effect: command.effect,
          code: command.noSpace && command.operation !== "sync" ? "NO_SPACE" : "IO",
          skip: command.skip,
        });
        break;
      case "quota":
        if (command.freeBytes < Infinity) this.world.isFaulty = true;
        this.world.disk.limitFreeBytes(command.freeBytes);
        break;
      case "crash":
        await this.#crash(command);
        break;
      case "reopen":
        await this.#reopen();
        break;
    }
  }

  /** The disk is healthy again; everything that counted is there after one more power cut, and every partition works. */
  async finish(): Promise<void> {
    const crash = (power: boolean): StoreCommand => {
      return { kind: "crash", power, effects: 0, seed: this.world.random.seed(), again: [], flip: undefined };
    };
    await this.perform(crash(this.world.random.chance(0.5)));
    for (const [slot, model] of this.world.models) {
      if (model.presence !== "present") continue;
      await this.perform({ kind: "append", slot, batches: 1, records: 1, valueBytes: 10, withProducer: true });
      const log = this.world.logOf(model);
      await this.world.until(() => log.countedOffset === model.end, `the last batch of ${model.name} to count`);
    }
    await this.world.idle(60_000);
    demand(this.world.time.pendingCount === 0, () => "An idle node has timers (J-4)");
    await this.perform(crash(true));
    for (const slot of this.world.models.keys()) await this.perform({ kind: "delete", slot, patience: 100_000 });
    await this.perform(crash(true));
    demand(this.world.models.size === 0, () => "A deleted partition came back");
    const left = await this.world.wait(this.world.disk.fileSystem().readdir(`${storeDirectory}/topics`), "the topics");
    // What a flip has made unknown is kept for people to look at.
    demand(left.length === 0 || this.#flipped !== undefined, () => `Directories are left behind: ${left.join(", ")}`);
  }

  // --- starting and ending -----------------------------------------------------------------------------------------

  /** Opens the store, crashing in its recovery as often as `again` says, and checks what it found. */
  async start(again: Crash["again"]): Promise<void> {
    const crashes = [...again];
    for (;;) {
      const crash = crashes.shift();
      if (crash !== undefined) this.world.disk.haltAfter(this.world.disk.effects + 1 + crash.effects);
      this.world.clock = new SimulatedClock(this.world.time);
      this.world.fatal = undefined;
      let failure: unknown;
      let opened: LogStore | undefined;
      this.#open().then(
        (store) => (opened = store),
        (error: unknown) => (failure = error),
      );
      await this.world.until(() => opened !== undefined || failure !== undefined, "the store to open");
      if (this.world.disk.isHalted) {
        this.world.count("crash in recovery");
        this.recoveryCrashes++;
        this.#endProcess({ power: crash?.power === true, seed: this.world.random.seed() });
        continue;
      }
      if (opened === undefined)
        throw new ViolationError(`The store does not open: ${describe(failure)}`, { cause: failure });
      this.world.disk.haltAfter(Infinity);
      this.world.openStore = opened;
      this.world.isChecking = true;
      await this.#verify();
      return;
    }
  }

  #open(): Promise<LogStore> {
    const options = {
      directory: storeDirectory,
      tailCacheBytes: 256 * 1024,
      queuedBytesMax: 128 * 1024,
      journalFileBytes: 64 * 1024,
      journalBytesMax: 512 * 1024,
      checkpointIntervalMs: 500,
      directModeBytes: 3000,
      syncBehindBytes: 4000,
      freeBytesMin: 4096,
      bootId: `boot-${this.#boot}`,
      defaults: logConfig("sync"),
      scrubBytesPerSecond: 0,
      compactionBytesPerSecond: 256 * 1024,
      compactionKeyBytes: 24 * 16,
    };
    return LogStore.open(options, {
      fs: this.world.disk.fileSystem(),
      clock: this.world.clock,
      onFatal: (error) => {
        this.world.note(`fatal: ${describe(error)}`);
        this.world.fatal = error;
        if (!this.world.isFaulty) {
          this.world.violation ??= new ViolationError(`The store gave up on a healthy disk: ${describe(error)}`);
        }
        this.world.count("fatal");
      },
    });
  }

  async #crash(command: Crash): Promise<void> {
    // One fault at a time: a flip beside a sync that failed or hangs may hit the only good copy.
    const isPossible = command.flip !== undefined && this.#flipped === undefined && !this.world.isFaulty;
    if (isPossible && command.flip.among === "checkpoint") {
      // A slot that is being written has only the other one to stand in for it.
      await this.#stepUntil(() => this.world.disk.isDurable("checkpoint"));
    } else if (isPossible) {
      // Damage to the very last round looks like a torn end until it is sealed (J-6), and promises take a while (J-9).
      await this.world.idle(250);
    } else if (command.effects > 0) {
      this.world.disk.haltAfter(this.world.disk.effects + command.effects);
      await this.#stepUntil(() => false);
    }
    const flip = isPossible ? command.flip : undefined;
    await this.#recoverFrom(command, command.again, flip);
  }

  async #stepUntil(condition: () => boolean): Promise<void> {
    for (let count = 0; count < 2000 && !this.world.disk.isHalted && !condition(); count++) {
      if (!(await this.world.time.step())) break;
      this.world.observe();
    }
  }

  async #recoverFrom(ending: { power: boolean; seed: number }, again: Crash["again"] = [], flip?: Flip): Promise<void> {
    this.#endProcess(ending);
    if (flip !== undefined && this.#flipped === undefined) this.#flip(flip);
    await this.start(again);
  }

  #endProcess({ power, seed }: { power: boolean; seed: number }): void {
    this.world.note(`${power ? "power cut" : "kill"} ${seed}`);
    this.world.count(power ? "power cut" : "kill");
    for (const model of this.world.models.values()) {
      const log = this.world.openStore?.get(model.id.topicId, model.id.partition);
      if (log !== undefined) this.world.count(`${log.mode} at a crash`);
      // Also while it was closed, when the partition can no longer say so.
      if ([...this.world.disk.failedSyncs].some((path) => path.includes(`/${model.name}/`))) model.hasFailed = true;
    }
    this.world.disk.failedSyncs.clear();
    this.world.clock.stop();
    this.world.openStore = undefined;
    this.world.underWay = [];
    if (power) this.world.disk.powerCut(seed);
    else this.world.disk.kill(seed);
    if (power) this.#boot++;
    this.#endings.push(power ? "power-cut" : "kill");
    this.world.disk.limitFreeBytes(Infinity);
    this.world.isFaulty = false;
  }

  async #reopen(): Promise<void> {
    const store = this.world.store();
    await this.world.finishCommands();
    if (this.world.fatal !== undefined || this.world.disk.isHalted) return;
    this.world.observe();
    this.#wasClosed = true;
    const settled = await this.world.command("close", undefined, 100_000, () => store.close());
    if (!settled || this.world.isFaulty) {
      await this.#recoverFrom({ power: this.world.random.chance(0.5), seed: this.world.random.seed() });
      return;
    }
    this.world.observe();
    this.world.clock.stop();
    const power = this.world.random.chance(0.5);
    for (const model of this.world.models.values()) {
      model.counted(model.end);
      if (power && model.flush === "os") model.survivesPowerCut = model.end;
    }
    this.world.count("clean close");
    this.#endProcess({ power, seed: this.world.random.seed() });
    await this.start([]);
  }

  #flip(flip: Flip): void {
    const files = this.world.disk.files().filter((file) => file.sizeBytes > 0 && file.path.includes(flip.among));
    if (files.length === 0) return;
    const file = files[Math.floor(flip.file * files.length)] as (typeof files)[number];
    if (file.path.includes("checkpoint") && flip.among !== "checkpoint") return;
    const at = Math.floor(flip.at * file.sizeBytes);
    // J-13: under `os` what the end of a file cuts off is torn.
    const owner = [...this.world.models.values()].find((model) => file.path.includes(`/${model.name}/`));
    const isInOs = owner !== undefined && !owner.promisesSync;
    const isNoticed = file.path.endsWith(".wal") || (file.path.endsWith(".log") && !isInOs);
    const lose = isNoticed ? flip.lose : "nothing";
    if (isInOs && file.path.endsWith(".log")) owner.flipped(Number.parseInt(file.path.slice(-24, -4), 10), at);
    if (lose === "file") this.world.disk.loseFile(file.path);
    else if (lose === "end") this.world.disk.loseEnd(file.path, at);
    else this.world.disk.flipBit(file.path, at, flip.bit);
    this.#flipped = file.path;
    this.world.note(`flip bit ${flip.bit} of byte ${at} of ${file.path}, lose ${lose}`);
    this.world.count(lose === "nothing" ? "flip" : `lost ${lose}`);
    for (const model of this.world.models.values()) {
      const isShared = !file.path.includes("/topics/");
      if (isShared || model === owner) model.mayBeDamaged = true;
      if (file.path.endsWith(".wal")) model.mayBeOlder = true;
    }
  }

  // --- what must be there ------------------------------------------------------------------------------------------

  async #verify(): Promise<void> {
    const store = this.world.store();
    const ending = this.#endings.includes("power-cut") ? "power-cut" : (this.#endings.at(-1) ?? "clean");
    const found = new Set(store.partitions());
    for (const [slot, model] of this.world.models) {
      const log = store.get(model.id.topicId, model.id.partition);
      if (log === undefined) {
        demand(model.presence !== "present", () => `${model.name}: is gone`);
        this.world.models.delete(slot);
        continue;
      }
      found.delete(log);
      if (model.presence === "creating") {
        demand(log.logEndOffset === 0, () => `${model.name}: was never created, but has ${log.logEndOffset} offsets`);
      }
      this.world.note(
        `  ${model.name}: ${log.state.kind} [${log.logStartOffset}, ${log.logEndOffset}), floor ${model.floor(ending)}, was ${model.end}`,
      );
      await this.#verifyPartition(model, log, ending);
      if (model.presence === "creating") model.presence = "present";
      // A deletion that was interrupted has not happened, or it has: half of it would be found by reading.
      if (model.presence === "deleting") model.presence = "present";
    }
    for (const log of found) {
      // The record of a deletion was damaged: the directory is gone, and so the partition is called damaged (J-12).
      if (this.#flipped === undefined || log.state.kind !== "quarantined") continue;
      found.delete(log);
      await this.world.wait(store.delete(log.id), "the deletion of a partition that came back");
    }
    demand(
      found.size === 0,
      () => `Partitions came back: ${[...found].map((log) => JSON.stringify(log.id)).join(", ")}`,
    );
    this.#endings = [];
    this.#wasClosed = false;
    this.world.isChecking = false;
    const isConfirmed = this.world.random.chance(0.5);
    for (const model of this.world.models.values()) {
      const report = store.recovery.partitions.find(({ id }) => id.topicId === model.id.topicId);
      if (report?.isRetained === false) model.lossReported = isConfirmed ? "confirmed" : "unconfirmed";
      else model.lossReported = "no";
      if (model.lossReported === "unconfirmed") this.world.count("loss not confirmed");
    }
    if (isConfirmed) store.confirmRecovery();
    for (const [slot, model] of this.world.models) {
      const log = this.world.logOf(model);
      model.flush = log.config.flush;
      model.flushAsked = undefined;
      model.mayBeOlder = false;
      model.hasFailed = false;
      await this.world.command("set configuration", model, 100_000, () => log.setConfig(logConfig(model.flush)));
      const isNew = log.state.kind !== "open";
      if (isNew && this.world.random.chance(0.3)) demandRefused(model, log, this.world.clock.nowMs());
      startEpoch(this.world, slot);
    }
  }

  /** J-6: below the damage the log is as it is, or, where records of the journal are lost, as it was before them. */
  async #findFormer(model: PartitionModel, log: PartitionLog, limit: number): Promise<void> {
    const { logStart } = model;
    let failure: ViolationError | undefined;
    for (const former of model.formerWith(log.logStartOffset)) {
      model.becomeAgain(former);
      try {
        await readAll(model, log, limit, this.world.wait);
      } catch (error) {
        if (!(error instanceof ViolationError)) throw error;
        failure ??= error;
        continue;
      }
      if (failure !== undefined) this.world.count("truncation lost");
      if (log.logStartOffset < logStart) this.world.count("log start lost");
      return;
    }
    throw failure ?? new ViolationError(`${model.name}: never began at ${log.logStartOffset}`);
  }

  async #verifyPartition(model: PartitionModel, log: PartitionLog, ending: Ending): Promise<void> {
    const flushes = [...new Set([model.flush, model.flushAsked ?? model.flush])];
    const counted = model.survivesKill;
    demand(
      // The record of a change may be what is damaged; the topic's configuration says what it is.
      flushes.includes(log.config.flush) || model.mayBeDamaged,
      () => `${model.name}: flush is '${log.config.flush}', but it was '${model.flush}'`,
    );
    await reviveGhosts(model, log, this.world.wait);
    if (ending !== "clean" && log.config.flush === "os" && ending === "power-cut")
      this.world.count("os after a power cut");
    const isQuarantined = log.state.kind === "quarantined";
    if (log.state.kind === "quarantined") {
      const { state } = log;
      // A failed sync may lose what only the kernel had. What was synced is not given up for it, here or in the journal (J-8).
      demand(
        model.mayBeDamaged || (model.hasFailed && !model.promisesSync),
        () => `${model.name}: quarantined without damage: ${JSON.stringify(state)}`,
      );
      this.world.count("quarantine");
      if (log.logStartOffset === model.restartAsked) model.restart(model.restartAsked);
      model.restartAsked = undefined;
      const floor = model.promisesSync ? model.floor(ending) : 0;
      await this.#findFormer(model, log, state.offset);
      const epoch = ++this.world.epoch;
      const lost = await this.world.wait(log.acceptLoss(epoch), `accepting the loss of ${model.name}`);
      this.world.note(`  ${model.name}: lost [${lost.from}, ${lost.to})`);
      demand(
        lost.to >= floor && log.logEndOffset === lost.to,
        () => `${model.name}: gave up [${lost.from}, ${lost.to}), ends at ${log.logEndOffset}, but ${floor} counted`,
      );
      model.adoptCut({ logStart: log.logStartOffset, end: lost.from });
      for (const batch of gapBatches(lost.from, lost.to, epoch)) model.appendGap(batch, epoch);
    } else {
      demand(
        log.state.kind === "needs-epoch" || log.state.kind === "open",
        () => `${model.name}: is ${JSON.stringify(log.state)} after a start`,
      );
      model.adopt({ logStart: log.logStartOffset, end: log.logEndOffset }, ending);
    }
    demand(
      log.countedOffset === log.logEndOffset,
      () => `${model.name}: after recovery ${log.countedOffset} count of ${log.logEndOffset}`,
    );
    demand(
      log.highWatermark >= log.logStartOffset && log.highWatermark <= Math.max(model.highWatermark, log.logStartOffset),
      () =>
        `${model.name}: high watermark ${log.highWatermark}, not in [${log.logStartOffset}, ${model.highWatermark}]`,
    );
    await readAll(model, log, log.logEndOffset, this.world.wait);
    demandEpochs(model, log);
    if (isQuarantined) return;
    const wasClosed = this.#wasClosed;
    demandRetained(model, log, this.world.store().recovery, { ending, wasClosed, counted, flushes });
  }
}

/** Runs one case; throws what went wrong, with the history of the run. */
export async function runStoreCase(one: StoreCase, coverage?: Map<string, number>): Promise<void> {
  const run = new StoreRun(one.seed, coverage);
  // A promise that nobody owns failed: a bug of the store that no caller would hear of.
  const onUnowned = (error: unknown): void => {
    run.world.violation ??= new ViolationError(`Nobody owns this failure: ${describe(error)}`, { cause: error });
  };
  process.on("unhandledRejection", onUnowned);
  try {
    await run.run(one.commands);
  } catch (error) {
    const tail = run.world.history.slice(-400).join("\n");
    throw new Error(`${describe(error)}\nseed ${one.seed}, last events:\n${tail}`, { cause: error });
  } finally {
    process.off("unhandledRejection", onUnowned);
  }
}
