/**
 * Takes the directory of a partition out of the store: a name that says what is to become of it, durably, then perhaps the files.
 * Recovery goes on from there after a crash.
 */
import type { Clock } from "./clock.ts";
import { isShortage } from "./file-system.ts";
import type { FileSystem } from "./file-system.ts";
import { syncNames } from "./small-files.ts";

/** A removal that found no descriptor is tried for about half a minute. */
const retryMs = 250;
const triesMax = 120;

export interface RemovedDirectory {
  /** Of all partitions. */
  readonly topics: string;
  readonly directory: string;
  readonly newName: string;
  /** With what is in it, or only its name. */
  readonly isDeleted: boolean;
}

/**
 * The name is durable on return. What was begun is not left halfway for want of a descriptor, until `isOver`; nor for ever, since
 * the next start goes on with it too. Errors: `DISK_FAILED`, and what the file system says.
 */
export async function removeDirectory(
  { topics, directory, newName, isDeleted }: RemovedDirectory,
  node: { readonly fs: FileSystem; readonly clock: Clock; isOver(): boolean },
): Promise<void> {
  const { fs, clock } = node;
  const patiently = async (work: () => Promise<void>): Promise<void> => {
    for (let tries = 1; ; tries += 1) {
      try {
        await work();
        return;
      } catch (error) {
        if (!isShortage(error) || tries === triesMax || node.isOver()) throw error;
      }
      await new Promise<void>((resolve) => {
        clock.setTimer(retryMs, resolve);
      });
    }
  };
  await fs.rename(directory, newName);
  await patiently(() => syncNames(fs, topics));
  if (isDeleted) await patiently(() => fs.removeTree(newName));
}
