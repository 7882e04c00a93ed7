// Checksums of LevelDB's table files, kept outside of it. LevelDB does not verify a table when it reads it: a flipped bit gives
// wrong bytes, or ends the process inside native code without a message. Tables never change once written and their names
// are not reused, so their checksums are noted when the database has been closed and compared before it is opened again.
//
// The note is a help, no promise: tables written by a process that was killed are not listed, and a lost note is only a missed
// check. What was written is judged by chain, head and fence in any case.

import { readFile, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "@varve/format";

const line = /^(\S+) ([0-9a-f]{8})$/;

/** The first noted table in `directory` whose bytes have changed; undefined when there is none. */
export async function findChangedTable(notePath: string, directory: string): Promise<string | undefined> {
  const noted = await readNote(notePath);
  for (const name of await tablesIn(directory)) {
    const wanted = noted.get(name);
    if (wanted !== undefined && crc32c(await readFile(join(directory, name))) !== wanted) return name;
  }
  return undefined;
}

/** Notes the checksums of all tables in `directory`. Nobody may have it open: a table in the making has no checksum yet. */
export async function noteTables(notePath: string, directory: string): Promise<void> {
  const lines: string[] = [];
  for (const name of await tablesIn(directory)) {
    lines.push(
      `${name} ${crc32c(await readFile(join(directory, name)))
        .toString(16)
        .padStart(8, "0")}\n`,
    );
  }
  await writeFile(`${notePath}.new`, lines.join(""));
  await rename(`${notePath}.new`, notePath);
}

async function readNote(path: string): Promise<ReadonlyMap<string, number>> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return new Map();
    throw error;
  }
  const checksums = new Map<string, number>();
  for (const [, name = "", checksum = ""] of text.split("\n").flatMap((entry) => [line.exec(entry) ?? []])) {
    if (name !== "") checksums.set(name, Number.parseInt(checksum, 16));
  }
  return checksums;
}

async function tablesIn(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => name.endsWith(".ldb") || name.endsWith(".sst"));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
