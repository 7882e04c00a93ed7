/**
 * The two slot files: which one holds, and which one is written next (J-8).
 *
 * Paths of damaged files are below the store's directory in a slot, and begin with it everywhere else: a store may be moved.
 */
import { checkpointFileNames, decodeCheckpoint, encodeCheckpoint } from "./checkpoint-file.ts";
import type { Checkpoint, CheckpointPartition } from "./checkpoint-file.ts";
import { LogError } from "./errors.ts";
import type { FileSystem } from "./file-system.ts";
import { readSmallFile, replaceFile, syncNames } from "./small-files.ts";

/** Far above what a hundred thousand partitions need. */
const slotBytesMax = 1024 * 1024 * 1024;

interface Slot {
  readonly name: string;
  checkpoint: Checkpoint | undefined;
}

export class CheckpointSlots {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #slots: readonly Slot[];

  private constructor(fs: FileSystem, directory: string, slots: readonly Slot[]) {
    this.#fs = fs;
    this.#directory = directory;
    this.#slots = slots;
  }

  /** Errors: `UNKNOWN_VERSION`. A slot that cannot be read is as if it were not there. */
  static async open(fs: FileSystem, directory: string): Promise<CheckpointSlots> {
    const slots: Slot[] = [];
    for (const name of checkpointFileNames) {
      const path = `${directory}/${name}`;
      const bytes = await readSmallFile(fs, path, slotBytesMax);
      const decoded = bytes === undefined ? undefined : decodeCheckpoint(bytes);
      if (decoded?.kind === "unknown-version") {
        throw new LogError("UNKNOWN_VERSION", `Cannot read "${path}": ${decoded.why}. Use a newer Varve.`, { path });
      }
      const checkpoint =
        decoded?.kind === "ok"
          ? withDamagedFiles(decoded.checkpoint, (file) => (file.startsWith("topics/") ? `${directory}/${file}` : file))
          : undefined;
      slots.push({ name, checkpoint });
    }
    return new CheckpointSlots(fs, directory, slots);
  }

  /** The newest slot that is whole. */
  get newest(): Checkpoint | undefined {
    return this.#inOrder().at(-1)?.checkpoint;
  }

  /** The smallest R of both slots: rounds up to it are read by neither. -1 when a slot is missing. */
  get safeRound(): number {
    return Math.min(...this.#slots.map(({ checkpoint }) => checkpoint?.round.number ?? -1));
  }

  /**
   * Replaces the slot that is older, or broken; durable on return. By renaming: were it overwritten in place, a crash in the
   * middle and a flip in the other slot would leave none. Errors: what the file system says; the old slot still holds.
   */
  async write(checkpoint: Checkpoint): Promise<void> {
    const [slot] = this.#inOrder();
    if (slot === undefined) return;
    const above = `${this.#directory}/`;
    const stored = withDamagedFiles(checkpoint, (file) => (file.startsWith(above) ? file.slice(above.length) : file));
    await replaceFile(this.#fs, this.#directory, slot.name, encodeCheckpoint(stored));
    await syncNames(this.#fs, this.#directory);
    slot.checkpoint = checkpoint;
  }

  /** Older or broken first. */
  #inOrder(): Slot[] {
    return [...this.#slots].sort((a, b) => (a.checkpoint?.sequence ?? -1) - (b.checkpoint?.sequence ?? -1));
  }
}

function withDamagedFiles(checkpoint: Checkpoint, rename: (file: string) => string): Checkpoint {
  if (checkpoint.partitions.every(({ quarantine }) => quarantine === undefined)) return checkpoint;
  const partitions = checkpoint.partitions.map((partition): CheckpointPartition => {
    const { quarantine } = partition;
    if (quarantine === undefined) return partition;
    return { ...partition, quarantine: { ...quarantine, file: rename(quarantine.file) } };
  });
  return { ...checkpoint, partitions };
}
