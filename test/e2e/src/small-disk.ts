// A disk that can be filled up: a tmpfs of its own, whose size is cut down to what is used. The kernel then refuses writes with ENOSPC and
// says that nothing is free, as it does on any full disk. Needs the right to mount.

import { execFile } from "node:child_process";
import { mkdir, rmdir, statfs } from "node:fs/promises";
import { promisify } from "node:util";

const run = promisify(execFile);
const mebibyte = 1024 * 1024;
/** Memory is used only as files are written. */
const roomyMebibytes = 4_096;

export class SmallDisk {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Undefined where mounting is not allowed. */
  static async mount(path: string): Promise<SmallDisk | undefined> {
    await mkdir(path, { recursive: true });
    try {
      await run("mount", ["-t", "tmpfs", "-o", `size=${roomyMebibytes}m`, "varve-small-disk", path]);
    } catch {
      // Not root, not Linux, or a container without the right to mount.
      return undefined;
    }
    return new SmallDisk(path);
  }

  /** Leaves this much room, and no more. */
  async fill(freeMebibytes: number): Promise<void> {
    const { blocks, bfree, bsize } = await statfs(this.path);
    const usedMebibytes = Math.ceil(((blocks - bfree) * bsize) / mebibyte);
    await this.#resize(usedMebibytes + freeMebibytes);
  }

  /** There is room again. */
  async empty(): Promise<void> {
    await this.#resize(roomyMebibytes);
  }

  /** When nothing uses it any more. */
  async unmount(): Promise<void> {
    await run("umount", [this.path]);
    await rmdir(this.path);
  }

  async #resize(mebibytes: number): Promise<void> {
    await run("mount", ["-o", `remount,size=${mebibytes}m`, this.path]);
  }
}
