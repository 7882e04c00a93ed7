/**
 * The gate of one simulated process: everything that reaches it goes through here, its timers, its turns, messages, and what
 * its disk says.
 *
 *   runs ──> at once      paused (SIGSTOP) ──> waits, and comes in a burst, in order      stopped ──> never
 *
 * Invariant: after `stop` nothing of the process happens any more; its monotonic clock goes on while it is paused.
 */
import type { Clock, FileHandle, FileStatus, FileSystem, OpenMode, Timer } from "@varve/log";
import type { SimulatedTime } from "@varve/log/testing";

const wallStartMs = 1_500_000_000_000;
/** A turn takes a moment. */
const turnMs = 0.01;

export class ProcessGate implements Clock {
  readonly #time: SimulatedTime;
  #state: "runs" | "paused" | "stopped" = "runs";
  #waiting: (() => void)[] = [];
  /** What a disk that hangs owes; undefined when it does not. */
  #owed: (() => void)[] | undefined;
  #lastTurnMs = 0;
  /** As raft-ts wants it. */
  readonly raft = {
    nowMs: (): number => this.#time.nowMs,
    after: (ms: number, run: () => void): Timer => this.setTimer(ms, run),
    nextTurn: (run: () => void): void => this.nextTurn(run),
  };

  constructor(time: SimulatedTime) {
    this.#time = time;
  }

  get isPaused(): boolean {
    return this.#state === "paused";
  }

  nowMs(): number {
    return wallStartMs + Math.floor(this.#time.nowMs);
  }

  monotonicMs(): number {
    return this.#time.nowMs;
  }

  setTimer(delayMs: number, run: () => void): Timer {
    if (this.#state === "stopped") return { cancel: () => {} };
    let isCancelled = false;
    const timer = this.#time.after(Math.max(1, delayMs), () =>
      this.enter(() => {
        if (!isCancelled) run();
      }),
    );
    return {
      cancel: () => {
        isCancelled = true;
        timer.cancel();
      },
    };
  }

  nextTurn(run: () => void): void {
    if (this.#state === "stopped") return;
    this.#lastTurnMs = Math.max(this.#lastTurnMs, this.#time.nowMs + turnMs);
    this.#time.after(this.#lastTurnMs - this.#time.nowMs, () => this.enter(run));
  }

  /** Now, after the pause, or never. */
  enter(run: () => void): void {
    if (this.#state === "runs") run();
    else if (this.#state === "paused") this.#waiting.push(run);
  }

  /** What the kernel answers; once the disk does, when it hangs. */
  through<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      answer.then(
        (value) => this.#answered(() => resolve(value)),
        (error: unknown) => this.#answered(() => reject(error)),
      );
    });
  }

  /** A disk that does not answer, and fails nothing: whatever was asked of it is told when it answers again. */
  hangDisk(): void {
    this.#owed ??= [];
  }

  answerDisk(): void {
    const owed = this.#owed ?? [];
    this.#owed = undefined;
    for (const run of owed) this.enter(run);
  }

  #answered(run: () => void): void {
    if (this.#owed === undefined) this.enter(run);
    else this.#owed.push(run);
  }

  pause(): void {
    if (this.#state === "runs") this.#state = "paused";
  }

  resume(): void {
    if (this.#state !== "paused") return;
    this.#state = "runs";
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) this.enter(run);
  }

  stop(): void {
    this.#state = "stopped";
    this.#waiting = [];
    this.#owed = undefined;
  }
}

/** The disk as a process hears of it: what it asked for is done while it is paused, and told afterwards. */
export class GatedFileSystem implements FileSystem {
  readonly #fs: FileSystem;
  readonly #gate: ProcessGate;

  constructor(fs: FileSystem, gate: ProcessGate) {
    this.#fs = fs;
    this.#gate = gate;
  }

  async open(path: string, mode: OpenMode): Promise<FileHandle> {
    return new GatedFileHandle(await this.#gate.through(this.#fs.open(path, mode)), this.#gate);
  }

  mkdir(path: string): Promise<void> {
    return this.#gate.through(this.#fs.mkdir(path));
  }

  readdir(path: string): Promise<string[]> {
    return this.#gate.through(this.#fs.readdir(path));
  }

  rename(from: string, to: string): Promise<void> {
    return this.#gate.through(this.#fs.rename(from, to));
  }

  unlink(path: string): Promise<void> {
    return this.#gate.through(this.#fs.unlink(path));
  }

  removeTree(path: string): Promise<void> {
    return this.#gate.through(this.#fs.removeTree(path));
  }

  syncDirectory(path: string): Promise<void> {
    return this.#gate.through(this.#fs.syncDirectory(path));
  }

  stat(path: string): Promise<FileStatus | undefined> {
    return this.#gate.through(this.#fs.stat(path));
  }

  freeBytes(path: string): Promise<number> {
    return this.#gate.through(this.#fs.freeBytes(path));
  }
}

class GatedFileHandle implements FileHandle {
  readonly path: string;
  readonly #handle: FileHandle;
  readonly #gate: ProcessGate;

  constructor(handle: FileHandle, gate: ProcessGate) {
    this.path = handle.path;
    this.#handle = handle;
    this.#gate = gate;
  }

  read(into: Uint8Array, at: number): Promise<number> {
    return this.#gate.through(this.#handle.read(into, at));
  }

  write(chunks: readonly Uint8Array[], at: number): Promise<void> {
    return this.#gate.through(this.#handle.write(chunks, at));
  }

  sync(): Promise<void> {
    return this.#gate.through(this.#handle.sync());
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#gate.through(this.#handle.truncate(sizeBytes));
  }

  size(): Promise<number> {
    return this.#gate.through(this.#handle.size());
  }

  close(): Promise<void> {
    return this.#gate.through(this.#handle.close());
  }
}
