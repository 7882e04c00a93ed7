/** The two checkpoint slots of a store, read for inspection. */
import { checkpointFileNames, decodeCheckpoint } from "../checkpoint-file.ts";
import type { Checkpoint } from "../checkpoint-file.ts";
import type { FileSystem } from "../file-system.ts";
import { readSmallFile } from "../small-files.ts";
import type { Faults } from "./inspection.ts";

const checkpointBytesMax = 256 * 1024 * 1024;

/** One slot, as found. */
export interface CheckpointSlot {
  readonly file: string;
  readonly condition: "ok" | "missing" | "bad" | "unknown-version";
  readonly checkpoint: Checkpoint | undefined;
}

/** Both slots of the store in `directory`; a bad one is no more than torn, as a crash may leave it (J-8). */
export async function readSlots(fs: FileSystem, directory: string, faults: Faults): Promise<CheckpointSlot[]> {
  const slots: CheckpointSlot[] = [];
  for (const file of checkpointFileNames) {
    const bytes = await readSmallFile(fs, `${directory}/${file}`, checkpointBytesMax);
    if (bytes === undefined) {
      slots.push({ file, condition: "missing", checkpoint: undefined });
      continue;
    }
    const read = decodeCheckpoint(bytes);
    if (read.kind === "ok") {
      slots.push({ file, condition: "ok", checkpoint: read.checkpoint });
      continue;
    }
    slots.push({ file, condition: read.kind, checkpoint: undefined });
    // A crash while a slot was written leaves this; the other one and its rounds are there (J-8).
    const message = `This slot cannot be used: ${read.why}.`;
    faults.add({ kind: "torn", file: `${directory}/${file}`, positionBytes: 0, offset: undefined, message });
  }
  return slots;
}

/** The slot that recovery begins with: the higher sequence of the good ones. */
export function newestSlot(slots: readonly CheckpointSlot[]): CheckpointSlot | undefined {
  let best: CheckpointSlot | undefined;
  for (const slot of slots) {
    if (slot.checkpoint === undefined) continue;
    if (slot.checkpoint.sequence > (best?.checkpoint?.sequence ?? -1)) best = slot;
  }
  return best;
}
