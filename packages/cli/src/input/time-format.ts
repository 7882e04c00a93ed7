// SPDX-License-Identifier: Apache-2.0
// Reads event times out of text, by a format in the letters of strptime(3) or by a name:
//
//   %Y/%m/%d %H:%M:%S.%f     2016/01/04 21:18:48.64
//   apache                   17/May/2015:10:05:03 +0000  (with or without its brackets)
//   iso                      2016-01-04T21:18:48.64Z, 2016-01-04 21:18:48+01:00, 2016-01-04
//   ms, s                    1451942328640, 1451942328.64  (since 1970-01-01, UTC)
//   auto                     ms when it is all digits, else iso
//
// Without a zone in the text a time is UTC: the same input gives the same records on every machine. A text that is
// not exactly a time (February 30, trailing letters) is `undefined`, never a guess. Digits beyond the millisecond are
// cut. Pure.

/** Milliseconds since 1970-01-01 UTC, or undefined when the text is not a time of this format. */
export type TimeReader = (text: string) => number | undefined;

export type TimeFormat = { kind: "reader"; read: TimeReader } | { kind: "bad-format"; message: string };

const named: Readonly<Record<string, TimeReader>> = {
  auto: (text) => (/^\d+$/.test(text.trim()) ? readMilliseconds(text) : readIso(text)),
  iso: readIso,
  ms: readMilliseconds,
  s: readSeconds,
  apache: (text) => readApache(text.trim().replace(/^\[(.*)\]$/, "$1")),
};

/** Compiles a format once; the reader is then called per line. */
export function compileTimeFormat(format: string): TimeFormat {
  const byName = named[format.toLowerCase()];
  if (byName !== undefined) return { kind: "reader", read: byName };
  if (!format.includes("%")) {
    return {
      kind: "bad-format",
      message: `Cannot use the time format "${format}": it is neither one of ${Object.keys(named).join(", ")} nor does it hold a directive such as %Y`,
    };
  }
  const steps = compileSteps(format);
  return typeof steps === "string"
    ? { kind: "bad-format", message: steps }
    : { kind: "reader", read: (text) => runSteps(steps, text.trim()) };
}

interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  millisecond: number;
  zoneMinutes: number;
  pm: boolean | undefined;
  epochMs: number | undefined;
}

/** Consumes some of the text at `at` and returns the new place, or -1 when the text does not match. */
type Step = (text: string, at: number, parts: Parts) => number;

const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] as const;
const monthsLong = [
  "january",
  "february",
  "march",
  "april",
  "may",
  "june",
  "july",
  "august",
  "september",
  "october",
  "november",
  "december",
] as const;

const directives: Readonly<Record<string, Step>> = {
  Y: digits(4, 4, (parts, value) => (parts.year = value)),
  y: digits(2, 2, (parts, value) => (parts.year = value + (value < 69 ? 2000 : 1900))),
  m: digits(1, 2, (parts, value) => (parts.month = value)),
  d: digits(1, 2, (parts, value) => (parts.day = value)),
  e: padded(digits(1, 2, (parts, value) => (parts.day = value))),
  H: digits(1, 2, (parts, value) => (parts.hour = value)),
  I: digits(1, 2, (parts, value) => (parts.hour = value)),
  M: digits(1, 2, (parts, value) => (parts.minute = value)),
  S: digits(1, 2, (parts, value) => (parts.second = value)),
  s: digits(1, 12, (parts, value) => (parts.epochMs = value * 1000)),
  f: fraction,
  L: fraction,
  b: monthName,
  B: monthName,
  z: zone,
  p: halfOfDay,
};

const shorthands: Readonly<Record<string, string>> = { T: "%H:%M:%S", F: "%Y-%m-%d", R: "%H:%M" };

function compileSteps(format: string): Step[] | string {
  const expanded = format.replace(/%([TFR])/g, (_, letter: string) => shorthands[letter] ?? "");
  const steps: Step[] = [];
  for (let at = 0; at < expanded.length; at += 1) {
    const character = expanded[at] ?? "";
    if (character !== "%") {
      steps.push(character === " " ? spaces : literal(character));
      continue;
    }
    at += 1;
    const letter = expanded[at] ?? "";
    const step = letter === "%" ? literal("%") : directives[letter];
    if (step === undefined) {
      const known = [...Object.keys(directives), ...Object.keys(shorthands), "%"].map((d) => `%${d}`).join(" ");
      return `Cannot use the time format "${format}": "%${letter}" is not a directive; known are ${known}`;
    }
    steps.push(step);
  }
  return steps;
}

function runSteps(steps: readonly Step[], text: string): number | undefined {
  const parts: Parts = {
    year: 1970,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    millisecond: 0,
    zoneMinutes: 0,
    pm: undefined,
    epochMs: undefined,
  };
  let at = 0;
  for (const step of steps) {
    at = step(text, at, parts);
    if (at < 0) return undefined;
  }
  return at === text.length ? toEpochMs(parts) : undefined;
}

function toEpochMs(parts: Parts): number | undefined {
  if (parts.epochMs !== undefined) return parts.epochMs + parts.millisecond;
  let hour = parts.hour;
  if (parts.pm !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (parts.pm ? 12 : 0);
  }
  const inRange = parts.month >= 1 && parts.month <= 12 && parts.day >= 1 && hour <= 23 && parts.minute <= 59;
  // A leap second counts as the first of the next minute, as Date does.
  if (!inRange || parts.second > 60) return undefined;
  if (parts.day > daysInMonth(parts.year, parts.month)) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(parts.year, parts.month - 1, parts.day);
  date.setUTCHours(hour, parts.minute, parts.second, parts.millisecond);
  return date.getTime() - parts.zoneMinutes * 60_000;
}

function daysInMonth(year: number, month: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month, 0);
  return date.getUTCDate();
}

const apacheSteps = compileSteps("%d/%b/%Y:%H:%M:%S %z");

function readApache(text: string): number | undefined {
  return typeof apacheSteps === "string" ? undefined : runSteps(apacheSteps, text);
}

function readIso(text: string): number | undefined {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      text.trim(),
    );
  if (match === null) return undefined;
  const [, year, month, day, hour = "0", minute = "0", second = "0", fractionText = "", zoneText = "Z"] = match;
  return toEpochMs({
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
    millisecond: Number(fractionText.slice(0, 3).padEnd(3, "0")),
    zoneMinutes: zoneMinutesOf(zoneText),
    pm: undefined,
    epochMs: undefined,
  });
}

function readMilliseconds(text: string): number | undefined {
  if (!/^-?\d{1,16}$/.test(text.trim())) return undefined;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : undefined;
}

function readSeconds(text: string): number | undefined {
  const match = /^(\d{1,12})(?:\.(\d{1,9}))?$/.exec(text.trim());
  if (match === null) return undefined;
  return Number(match[1]) * 1000 + Number((match[2] ?? "").slice(0, 3).padEnd(3, "0"));
}

function digits(least: number, most: number, set: (parts: Parts, value: number) => void): Step {
  return (text, at, parts) => {
    let end = at;
    while (end < at + most && isDigit(text, end)) end += 1;
    if (end - at < least) return -1;
    set(parts, Number(text.slice(at, end)));
    return end;
  };
}

function padded(step: Step): Step {
  return (text, at, parts) => step(text, spaces(text, at), parts);
}

function fraction(text: string, at: number, parts: Parts): number {
  let end = at;
  while (end < at + 9 && isDigit(text, end)) end += 1;
  if (end === at) return -1;
  parts.millisecond = Number(text.slice(at, Math.min(end, at + 3)).padEnd(3, "0"));
  return end;
}

function monthName(text: string, at: number, parts: Parts): number {
  const rest = text.slice(at, at + 9).toLowerCase();
  for (const names of [monthsLong, months]) {
    const index = names.findIndex((name) => rest.startsWith(name));
    if (index >= 0) {
      parts.month = index + 1;
      return at + (names[index]?.length ?? 0);
    }
  }
  return -1;
}

function zone(text: string, at: number, parts: Parts): number {
  const match = /^(?:Z|[+-]\d{2}:?\d{2})/i.exec(text.slice(at, at + 6));
  if (match === null) return -1;
  parts.zoneMinutes = zoneMinutesOf(match[0]);
  return at + match[0].length;
}

function zoneMinutesOf(text: string): number {
  if (text.toUpperCase() === "Z") return 0;
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(-2));
  return text.startsWith("-") ? -minutes : minutes;
}

function halfOfDay(text: string, at: number, parts: Parts): number {
  const half = text.slice(at, at + 2).toLowerCase();
  if (half !== "am" && half !== "pm") return -1;
  parts.pm = half === "pm";
  return at + 2;
}

function spaces(text: string, at: number): number {
  let end = at;
  while (text[end] === " " || text[end] === "\t") end += 1;
  return end;
}

function literal(character: string): Step {
  return (text, at) => (text[at] === character ? at + 1 : -1);
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}
