// What a file should have become: its lines by partition, in input order, told without asking the broker.

import { partitionForKey } from "@varve/format";

export interface ExpectedLine {
  readonly line: string;
  readonly timestampMs: number;
}

/** Lines by partition. `read` gives key and time of a line. */
export function expectedPartitions(
  lines: readonly string[],
  partitionCount: number,
  read: (line: string) => { readonly key: string; readonly timestampMs: number },
): ExpectedLine[][] {
  const partitions: ExpectedLine[][] = Array.from({ length: partitionCount }, () => []);
  for (const line of lines) {
    const { key, timestampMs } = read(line);
    partitions[partitionForKey(Buffer.from(key), partitionCount)]?.push({ line, timestampMs });
  }
  return partitions;
}

/** The lines as `consume` prints them. */
export function printedLines(lines: readonly ExpectedLine[]): string {
  return lines.map(({ line }) => `${line}\n`).join("");
}

/** Time of a line of the earthquake catalogue: "2016/01/01 02:00:39.95", UTC, to the hundredth. */
export function earthquakeTimeMs(line: string): number {
  const match = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)\.(\d\d)/.exec(line);
  if (match === null) throw new Error(`No time in "${line}"`);
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, hundredth = 0] = match.slice(1).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second, hundredth * 10);
}

/** Time of a line of an Apache access log: "[17/May/2015:10:05:03 +0000]". */
export function accessTimeMs(line: string): number {
  const match = /\[(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d) \+0000\]/.exec(line);
  if (match === null) throw new Error(`No time in "${line}"`);
  const [, day = "", month = "", year = "", hour = "", minute = "", second = ""] = match;
  return Date.parse(`${day} ${month} ${year} ${hour}:${minute}:${second} UTC`);
}
