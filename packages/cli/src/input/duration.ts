// SPDX-License-Identifier: Apache-2.0
// Durations and sizes as people type them ("90s", "1h30m", "64MiB") and as tables print them ("1.5 s", "64.0 MiB").
// Pure; what cannot be read is `undefined`, so that the caller can name the flag in its message.

const durationUnitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Milliseconds of "250", "250ms", "1.5s", "2h", "7d" or a sum such as "1h30m". A plain number is milliseconds. */
export function parseDurationMs(text: string): number | undefined {
  const trimmed = text.trim();
  if (/^\d+$/.test(trimmed)) return safe(Number(trimmed));
  if (!/^(\d+(\.\d+)?(ms|min|[smhdw]))+$/.test(trimmed)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)(ms|min|[smhdw])/g)) {
    totalMs += Number(amount) * (durationUnitMs[unit ?? ""] ?? Number.NaN);
  }
  return safe(Math.round(totalMs));
}

const sizeUnitBytes: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  kb: 1000,
  mb: 1000 ** 2,
  gb: 1000 ** 3,
  tb: 1000 ** 4,
};

/** Bytes of "1048576", "1MiB", "1.5 GiB" (powers of 1024) or "1MB" (powers of 1000). */
export function parseSizeBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim());
  const unit = sizeUnitBytes[(match?.[2] ?? "").toLowerCase()];
  if (match === null || unit === undefined) return undefined;
  return safe(Math.round(Number(match[1]) * unit));
}

/** "850 ms", "12.3 s", "4 min 05 s", "2 h 03 min", "3 d 04 h": two units at most. */
export function printDuration(durationMs: number): string {
  const ms = Math.max(0, durationMs);
  if (ms < 1000) return `${ms < 10 ? Number(ms.toFixed(2)) : Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  const [large, largeName, small, smallName] =
    seconds < 3600
      ? [Math.floor(seconds / 60), "min", seconds % 60, "s"]
      : seconds < 86_400
        ? [Math.floor(seconds / 3600), "h", Math.floor((seconds % 3600) / 60), "min"]
        : [Math.floor(seconds / 86_400), "d", Math.floor((seconds % 86_400) / 3600), "h"];
  return `${large} ${largeName}${small === 0 ? "" : ` ${String(small).padStart(2, "0")} ${smallName}`}`;
}

/** "512 B", "1.5 KiB", "64.0 MiB". */
export function printSize(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes / 1024;
  let at = 0;
  while (value >= 1023.95 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${value.toFixed(1)} ${units[at]}`;
}

/** "38,095": thousands apart, so that counts in summaries can be read. */
export function printCount(count: number): string {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, ",");
}

/** "1 record", "38,095 records". */
export function printNumberOf(count: number, singular: string, plural = `${singular}s`): string {
  return `${printCount(count)} ${count === 1 ? singular : plural}`;
}

function safe(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}
