/**
 * How the descriptors that this process may have are shared out. A log that cannot open its files is a failed log, so the
 * connections of strangers get what is left over, never the other way round.
 *
 *     [ reserved: HTTP, metadata, journal, what is being opened ][ segments ][ connections ............ ]
 */
import { readFile } from "node:fs/promises";

export interface FileBudget {
  /** Of the process; undefined: nobody knows, and nothing is shared out. */
  readonly filesMax: number | undefined;
  /** Segment files that are kept open. */
  readonly openFilesMax: number;
  /** Connections to the gRPC listener. */
  readonly connections: number;
}

const reserved = 192;
const connectionsMin = 16;

/** Segment files that are kept open unless something else is asked for. */
export const openFilesMaxDefault = 512;

/** `openFilesMax` as asked for, at most a quarter of what there is. Pure. */
export function shareOutFiles(filesMax: number | undefined, openFilesMax: number): FileBudget {
  if (filesMax === undefined) return { filesMax, openFilesMax, connections: Number.MAX_SAFE_INTEGER };
  const segments = Math.min(openFilesMax, Math.floor(filesMax / 4));
  return {
    filesMax,
    openFilesMax: segments,
    connections: Math.max(connectionsMin, filesMax - segments - reserved),
  };
}

/** The soft limit (Node raises it to the hard one at its start); undefined where the platform does not say. */
export async function filesMaxOfProcess(): Promise<number | undefined> {
  try {
    return parseFilesMax(await readFile("/proc/self/limits", "utf8"));
  } catch {
    // Not Linux: nobody knows.
    return undefined;
  }
}

/** Reads /proc/self/limits; undefined when it has no number there ("unlimited"). */
export function parseFilesMax(limits: string): number | undefined {
  const found = /^Max open files\s+(\d+)/m.exec(limits)?.[1];
  return found === undefined ? undefined : Number(found);
}
