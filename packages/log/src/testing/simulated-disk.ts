/**
 * A disk in memory that does everything a real one may do to us, as a function of a seed.
 *
 *   process 1 ── FileSystem ──┐                            ┌── power cut: the cache is gone, unsynced pages by lot
 *                             ├──▶ cache ──▶ durable image ┤
 *   process 2 ── FileSystem ──┘                            └── kill: the cache stays, operations under way stop midway
 *
 * Operations take seeded time and end in seeded order, whatever the order they were begun in. What changes the disk is
 * an *effect*; effects are numbered from 1, and `haltAfter(n)` stops the process at once after effect n, before anybody
 * hears that it happened. Then `powerCut` or `kill` decides what the next process finds. A `FileSystem` belongs to one
 * process: once that is gone, its operations never end.
 *
 * Faults: `inject` makes operations fail or hang, `quotaBytes` fills the disk; `flipBit`, `loseEnd` and `loseFile` damage
 * what is at rest.
 */
import type { FileHandle, FileStatus, FileSystem, FileSystemErrorCode, OpenMode } from "../file-system.ts";
import { FileSystemError } from "../file-system.ts";
import { Random } from "./random.ts";
import type { SimulatedTime } from "./simulated-clock.ts";
import { SimulatedFile } from "./simulated-file.ts";
import { SimulatedDirectory, SimulatedTree, namesIn } from "./simulated-tree.ts";

export type DiskOperation =
  | "open"
  | "create"
  | "read"
  | "write"
  | "sync"
  | "truncate"
  | "mkdir"
  | "readdir"
  | "rename"
  | "unlink"
  | "removeTree"
  | "syncDirectory";

/** What `inject` asks for: the next matching operations fail, or never end. */
export interface DiskFault {
  readonly operation: DiskOperation;
  /** A part of the path; all paths match when it is left out. */
  readonly path?: string | RegExp;
  readonly effect: "fail" | "hang";
  /** @default "IO" */
  readonly code?: FileSystemErrorCode;
  /** How many matching operations pass before it strikes. @default 0 */
  readonly skip?: number;
  /** How many it strikes. @default 1 */
  readonly times?: number;
}

export interface DiskOptions {
  readonly time: SimulatedTime;
  readonly seed: number;
  /** Unit of writing back. @default 4096 */
  readonly pageBytes?: number;
  /** @default no limit */
  readonly quotaBytes?: number;
  /** Called for each effect, with its number. */
  readonly onEffect?: (effect: number, operation: DiskOperation, path: string) => void;
}

interface ArmedFault extends DiskFault {
  skipLeft: number;
  timesLeft: number;
}

/** An operation under way: its steps run one by one, each an event of its own. */
interface Operation {
  readonly operation: DiskOperation;
  readonly path: string;
  /** Called once more after each step that returned "more". */
  readonly step: () => "more" | "done";
  /** Called when the process dies under it before it is done. */
  readonly abandon: () => void;
}

export class SimulatedDisk {
  /** How many effects there were. */
  effects = 0;
  /** Bytes that all files together may have; raise or lower it at any time. */
  quotaBytes: number;
  /** Whether `haltAfter` has struck: the process is stopped, and `powerCut` or `kill` is due. */
  isHalted = false;
  readonly pageBytes: number;
  readonly time: SimulatedTime;
  onEffect: DiskOptions["onEffect"];
  /** Files whose sync failed; the owner of the disk clears it. */
  readonly failedSyncs = new Set<string>();

  #tree = new SimulatedTree();
  #random: Random;
  #process = 0;
  #haltAfter = Infinity;
  #faults: ArmedFault[] = [];
  #underWay = new Set<Operation>();

  constructor(options: DiskOptions) {
    this.time = options.time;
    this.#random = new Random(options.seed);
    this.pageBytes = options.pageBytes ?? 4096;
    this.quotaBytes = options.quotaBytes ?? Infinity;
    this.onEffect = options.onEffect;
  }

  /** The disk as the process that runs now sees it; a crash ends it. */
  fileSystem(): FileSystem {
    return new ProcessFileSystem(this, this.#process);
  }

  inject(fault: DiskFault): void {
    this.#faults.push({ ...fault, skipLeft: fault.skip ?? 0, timesLeft: fault.times ?? 1 });
  }

  clearFaults(): void {
    this.#faults = [];
  }

  /** Stops the process right after effect number `effect`; `Infinity` never. */
  haltAfter(effect: number): void {
    this.#haltAfter = effect;
  }

  /** Stops the process now. */
  halt(): void {
    this.isHalted = true;
  }

  /** The power is gone: what was synced is there, of the rest whatever the seed says. The next process starts from it. */
  powerCut(seed: number): void {
    const random = new Random(seed);
    this.#endProcess(random);
    this.#tree.powerCut(random);
  }

  /** The process is gone, the kernel is not: the cache survives, and operations under way were done, in part or not at all. */
  kill(seed: number): void {
    const random = new Random(seed);
    this.#endProcess(random);
    this.#tree.remember();
    for (const node of this.#tree.nodes()) {
      if (!(node instanceof SimulatedFile)) continue;
      node.forgetSyncs();
      if (random.chance(0.2)) node.dropCleanPages(random);
    }
  }

  /** Damages one bit of a file, on the disk and in the cache. */
  flipBit(path: string, at: number, bit: number): void {
    this.#file(path).flipBit(at, bit);
  }

  /** Damages a file so that only its first bytes are left, on the disk and in the cache. */
  loseEnd(path: string, sizeBytes: number): void {
    this.#file(path).loseEnd(sizeBytes);
  }

  /** The file is gone, on the disk and in the cache. */
  loseFile(path: string): void {
    const parent = this.#tree.parentOf(path);
    parent?.directory.cache.delete(parent.name);
    parent?.directory.durable.delete(parent.name);
  }

  /** A view of what a reader would see now; for tests. */
  peek(path: string): Uint8Array {
    return this.#file(path).bytes();
  }

  /** Paths and sizes of all files, sorted by path. */
  files(): { path: string; sizeBytes: number }[] {
    return this.#tree.files().map(({ path, file }) => ({ path, sizeBytes: file.sizeBytes }));
  }

  /** Whether a power cut now could change the bytes of files with `part` in their path. */
  isDurable(part: string): boolean {
    for (const { path } of this.#underWay) if (path.includes(part)) return false;
    return this.#tree.files().every(({ path, file }) => !path.includes(part) || file.isSynced);
  }

  /** Whether a power cut now could change anything. */
  get isSynced(): boolean {
    return !this.#tree.hasPendingChanges && this.#tree.files().every(({ file }) => file.isSynced);
  }

  /** Bytes that may still be written. */
  get freeBytes(): number {
    if (this.quotaBytes === Infinity) return Number.MAX_SAFE_INTEGER;
    let usedBytes = 0;
    for (const { file } of this.#tree.files()) usedBytes += file.sizeBytes;
    return Math.max(0, this.quotaBytes - usedBytes);
  }

  /** Leaves so much room from now on; `Infinity` for a disk without limit. */
  limitFreeBytes(freeBytes: number): void {
    this.quotaBytes = 0;
    for (const { sizeBytes } of this.files()) this.quotaBytes += sizeBytes;
    this.quotaBytes += freeBytes;
  }

  /** A disk of its own with the same content, cache and durable image; only while no operation is under way. */
  clone(options: DiskOptions): SimulatedDisk {
    const copy = new SimulatedDisk({ pageBytes: this.pageBytes, quotaBytes: this.quotaBytes, ...options });
    copy.#tree = this.#tree.clone();
    return copy;
  }

  /** @internal Begins an operation for a process; never settles once that process is gone. */
  submit<T>(process: number, operation: DiskOperation, path: string, begin: () => Steps<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!this.#isAlive(process)) return;
      const fault = this.#strike(operation, path);
      if (fault?.effect === "hang") return;
      let steps: Steps<T> | undefined;
      const running: Operation = {
        operation,
        path,
        step: () => {
          steps ??= begin();
          if (fault !== undefined) {
            steps.fail?.(this.#random);
            if (operation === "sync") this.failedSyncs.add(path);
            throw new FileSystemError(fault.code ?? "IO", path, `Cannot ${operation} '${path}': injected fault`);
          }
          const result = steps.step();
          if (result === "more") return "more";
          resolve(result.value);
          return "done";
        },
        abandon: () => (steps ?? begin()).abandon?.(),
      };
      this.#underWay.add(running);
      const run = (): void => {
        if (!this.#isAlive(process)) return;
        try {
          if (running.step() === "more") this.time.after(this.#delayMs(operation), run);
          else this.#underWay.delete(running);
        } catch (error) {
          this.#underWay.delete(running);
          // A stopped process hears of nothing, its errors included.
          if (!this.isHalted) reject(error);
        }
      };
      this.time.after(this.#delayMs(operation), run);
    });
  }

  /** @internal Counts an effect; throws `Halted` when the process is to stop here. */
  effect(operation: DiskOperation, path: string): void {
    this.effects++;
    this.onEffect?.(this.effects, operation, path);
    if (this.effects < this.#haltAfter) return;
    this.isHalted = true;
    throw new Halted();
  }

  /** @internal */
  get tree(): SimulatedTree {
    return this.#tree;
  }

  /** @internal */
  get random(): Random {
    return this.#random;
  }

  #isAlive(process: number): boolean {
    return process === this.#process && !this.isHalted;
  }

  #endProcess(random: Random): void {
    this.#haltAfter = Infinity;
    for (const operation of this.#underWay) {
      if (!random.chance(0.5)) continue;
      try {
        operation.abandon();
      } catch (error) {
        // What could not be done any more was not done.
        if (!(error instanceof FileSystemError) && !(error instanceof Halted)) throw error;
      }
    }
    this.#underWay.clear();
    this.#faults = [];
    this.#process++;
    this.isHalted = false;
  }

  #strike(operation: DiskOperation, path: string): ArmedFault | undefined {
    for (const fault of this.#faults) {
      if (fault.operation !== operation || fault.timesLeft === 0) continue;
      if (typeof fault.path === "string" && !path.includes(fault.path)) continue;
      if (fault.path instanceof RegExp && !fault.path.test(path)) continue;
      if (fault.skipLeft-- > 0) continue;
      fault.timesLeft--;
      return fault;
    }
    return undefined;
  }

  #delayMs(operation: DiskOperation): number {
    const slow = operation === "sync" || operation === "syncDirectory" ? 2 : 0.2;
    const rarely = this.#random.chance(0.05) ? 10 : 1;
    return this.#random.next() * slow * rarely + 0.01;
  }

  #file(path: string): SimulatedFile {
    const node = this.#tree.find(path);
    if (!(node instanceof SimulatedFile)) throw new RangeError(`There is no file '${path}' on the simulated disk`);
    return node;
  }
}

/** The process was stopped inside an effect; caught by the disk. */
class Halted extends Error {}

interface Steps<T> {
  step: () => "more" | { value: T };
  /** Leaves what a failing operation may leave. */
  fail?: (random: Random) => void;
  /** Leaves what an operation may leave that was under way when its process died. */
  abandon?: () => void;
}

/** An operation of one step. */
function once<T>(run: () => T): Steps<T> {
  return { step: () => ({ value: run() }), abandon: () => void run() };
}

class ProcessFileSystem implements FileSystem {
  readonly #disk: SimulatedDisk;
  readonly #process: number;

  constructor(disk: SimulatedDisk, process: number) {
    this.#disk = disk;
    this.#process = process;
  }

  open(path: string, mode: OpenMode): Promise<FileHandle> {
    const disk = this.#disk;
    return disk.submit(this.#process, mode === "create" ? "create" : "open", path, () =>
      once(() => {
        const parent = disk.tree.parentOf(path);
        if (parent === undefined) throw failure("NOT_FOUND", "open", path);
        let node = parent.directory.cache.get(parent.name);
        if (node instanceof SimulatedDirectory) throw failure("IO", "open", path);
        if (mode === "create") {
          if (node !== undefined) throw failure("EXISTS", "create", path);
          node = new SimulatedFile(disk.pageBytes);
          node.modifiedMs = disk.time.nowMs;
          disk.tree.change([{ ...parent, node }]);
          disk.effect("create", path);
        } else if (node === undefined) {
          throw failure("NOT_FOUND", "open", path);
        }
        return new ProcessFileHandle({ disk, process: this.#process, path, file: node, isReadOnly: mode === "read" });
      }),
    );
  }

  mkdir(path: string): Promise<void> {
    const disk = this.#disk;
    return disk.submit(this.#process, "mkdir", path, () => ({
      step: () => {
        let directory = disk.tree.root;
        for (const name of namesIn(path)) {
          const node = directory.cache.get(name);
          if (node instanceof SimulatedFile) throw failure("EXISTS", "make directory", path);
          if (node === undefined) {
            disk.tree.change([{ directory, name, node: new SimulatedDirectory() }]);
            disk.effect("mkdir", path);
            return "more";
          }
          directory = node;
        }
        return { value: undefined };
      },
    }));
  }

  readdir(path: string): Promise<string[]> {
    return this.#disk.submit(this.#process, "readdir", path, () =>
      once(() => [...this.#directory(path, "list").cache.keys()].sort()),
    );
  }

  rename(from: string, to: string): Promise<void> {
    const disk = this.#disk;
    return disk.submit(this.#process, "rename", from, () =>
      once(() => {
        const source = disk.tree.parentOf(from);
        const target = disk.tree.parentOf(to);
        const node = source?.directory.cache.get(source.name);
        if (source === undefined || target === undefined || node === undefined)
          throw failure("NOT_FOUND", "rename", from);
        if (target.directory.cache.get(target.name) instanceof SimulatedDirectory)
          throw failure("EXISTS", "rename", to);
        disk.tree.change([
          { ...source, node: undefined },
          { ...target, node },
        ]);
        disk.effect("rename", from);
      }),
    );
  }

  unlink(path: string): Promise<void> {
    const disk = this.#disk;
    return disk.submit(this.#process, "unlink", path, () =>
      once(() => {
        const parent = disk.tree.parentOf(path);
        const node = parent?.directory.cache.get(parent.name);
        if (parent === undefined || node === undefined) throw failure("NOT_FOUND", "unlink", path);
        if (node instanceof SimulatedDirectory) throw failure("IO", "unlink", path);
        disk.tree.change([{ ...parent, node: undefined }]);
        disk.effect("unlink", path);
      }),
    );
  }

  removeTree(path: string): Promise<void> {
    const disk = this.#disk;
    return disk.submit(this.#process, "removeTree", path, () => ({
      // One name per step, leaves first, as a recursive removal does.
      step: () => {
        let at = disk.tree.parentOf(path);
        let node = at?.directory.cache.get(at.name);
        if (at === undefined || node === undefined) return { value: undefined };
        while (node instanceof SimulatedDirectory && node.cache.size > 0) {
          const names: string[] = [...node.cache.keys()];
          const name = disk.random.pick(names);
          at = { directory: node, name };
          node = node.cache.get(name);
        }
        disk.tree.change([{ ...at, node: undefined }]);
        disk.effect("removeTree", path);
        return "more";
      },
    }));
  }

  syncDirectory(path: string): Promise<void> {
    const disk = this.#disk;
    return disk.submit(this.#process, "syncDirectory", path, () => {
      const pending = disk.tree.pendingOf(this.#directory(path, "sync"));
      return {
        step: secondTime(() => {
          disk.tree.makeDurable(pending);
          disk.effect("syncDirectory", path);
        }),
        fail: (random) => {
          if (random.chance(0.3)) disk.tree.makeDurable(pending);
          else if (random.chance(0.5)) disk.tree.forget(pending);
        },
      };
    });
  }

  stat(path: string): Promise<FileStatus | undefined> {
    return this.#disk.submit(this.#process, "readdir", path, () =>
      once(() => {
        const node = this.#disk.tree.find(path);
        if (node === undefined) return undefined;
        if (node instanceof SimulatedDirectory) return { sizeBytes: 0, modifiedMs: 0, isDirectory: true };
        return { sizeBytes: node.sizeBytes, modifiedMs: node.modifiedMs, isDirectory: false };
      }),
    );
  }

  freeBytes(path: string): Promise<number> {
    const disk = this.#disk;
    return disk.submit(this.#process, "readdir", path, () => once(() => disk.freeBytes));
  }

  #directory(path: string, verb: string): SimulatedDirectory {
    const node = this.#disk.tree.find(path);
    if (node === undefined) throw failure("NOT_FOUND", verb, path);
    if (node instanceof SimulatedFile) throw failure("NOT_A_DIRECTORY", verb, path);
    return node;
  }
}

class ProcessFileHandle implements FileHandle {
  readonly path: string;
  readonly #disk: SimulatedDisk;
  readonly #process: number;
  readonly #file: SimulatedFile;
  readonly #isReadOnly: boolean;
  #closing: Promise<void> | undefined;

  constructor(o: { disk: SimulatedDisk; process: number; path: string; file: SimulatedFile; isReadOnly: boolean }) {
    this.#disk = o.disk;
    this.#process = o.process;
    this.path = o.path;
    this.#file = o.file;
    this.#isReadOnly = o.isReadOnly;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    this.#check("read");
    return this.#disk.submit(this.#process, "read", this.path, () => once(() => this.#file.read(into, at)));
  }

  async write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    this.#check("write");
    const disk = this.#disk;
    return disk.submit(this.#process, "write", this.path, () => {
      const bytes = joined(chunks);
      let written = 0;
      const put = (wantedBytes: number): void => {
        const end = Math.min(written + wantedBytes, bytes.length);
        const largestEnd = Math.max(this.#file.sizeBytes - at, 0) + disk.freeBytes;
        const fits = Math.min(end, Math.max(written, largestEnd));
        this.#file.write(bytes.subarray(written, fits), at + written, disk.random);
        this.#file.modifiedMs = disk.time.nowMs;
        written = fits;
        disk.effect("write", this.path);
        if (fits < end) throw failure("NO_SPACE", "write", this.path);
      };
      return {
        step: () => {
          // A crash may come between two parts of one write.
          put(written === 0 && disk.random.chance(0.1) ? disk.random.below(bytes.length) : bytes.length);
          return written === bytes.length ? { value: undefined } : "more";
        },
        fail: (random) => put(random.below(bytes.length)),
        abandon: () => put(disk.random.below(bytes.length - written + 1)),
      };
    });
  }

  async sync(): Promise<void> {
    this.#check("sync");
    const disk = this.#disk;
    return disk.submit(this.#process, "sync", this.path, () => {
      const snapshot = this.#file.startSync();
      return {
        step: secondTime(() => {
          this.#file.finishSync(snapshot);
          disk.effect("sync", this.path);
        }),
        fail: (random) => this.#file.failSync(snapshot, random),
      };
    });
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#check("truncate");
    const disk = this.#disk;
    return disk.submit(this.#process, "truncate", this.path, () =>
      once(() => {
        const growth = sizeBytes - this.#file.sizeBytes;
        if (growth > disk.freeBytes) throw failure("NO_SPACE", "truncate", this.path);
        this.#file.truncate(sizeBytes);
        disk.effect("truncate", this.path);
      }),
    );
  }

  async size(): Promise<number> {
    this.#check("size");
    return this.#disk.submit(this.#process, "readdir", this.path, () => once(() => this.#file.sizeBytes));
  }

  close(): Promise<void> {
    this.#closing ??= this.#disk.submit(this.#process, "readdir", this.path, () => once(() => {}));
    return this.#closing;
  }

  #check(verb: DiskOperation | "size"): void {
    if (this.#closing !== undefined) throw failure("CLOSED", verb, this.path);
    const writes = verb === "write" || verb === "truncate";
    if (writes && this.#isReadOnly) throw failure("PERMISSION", verb, this.path);
  }
}

/** An operation whose effect comes some time after it has begun. */
function secondTime(run: () => void): () => "more" | { value: undefined } {
  let hasBegun = false;
  return () => {
    if (!hasBegun) {
      hasBegun = true;
      return "more";
    }
    run();
    return { value: undefined };
  };
}

function failure(code: FileSystemErrorCode, verb: string, path: string): FileSystemError {
  return new FileSystemError(code, path, `Cannot ${verb} '${path}' on the simulated disk: ${code}`);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
