// Parsing of config values: numbers with bounds, durations and sizes with units, words out of a short list. Values are kept
// as text in one canonical form (Kafka's: plain numbers of milliseconds and bytes), so that tools written for Kafka read
// them back.

/** Either the value and its canonical text, or why the text is refused, as the second half of a sentence. */
export type ParsedValue<T> = { readonly value: T; readonly text: string } | { readonly fault: string };

export type ValueParser<T> = (text: string) => ParsedValue<T>;

interface NumberRange {
  readonly min: number;
  readonly max: number;
  /** What -1 means, where it is allowed below `min`. */
  readonly minusOne?: string;
  readonly unit: "ms" | "bytes" | "count";
}

/** The largest 64-bit number, which Kafka's tools write for "no limit"; held as the largest safe integer. */
const int64MaxText = "9223372036854775807";
export const unlimited = Number.MAX_SAFE_INTEGER;

const unitFactors: Readonly<Record<NumberRange["unit"], Readonly<Record<string, number>>>> = {
  ms: { ms: 1, s: 1_000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000 },
  bytes: { b: 1, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3, tib: 1024 ** 4, kb: 1e3, mb: 1e6, gb: 1e9, tb: 1e12 },
  count: {},
};

/** A whole number, optionally with a unit of its kind ("7d", "512MiB"). */
export function wholeNumber(range: NumberRange): ValueParser<number> {
  return (text) => {
    const trimmed = text.trim();
    if (trimmed === int64MaxText && range.max === unlimited) return { value: unlimited, text: int64MaxText };
    if (trimmed === "-1" && range.minusOne !== undefined) return { value: -1, text: "-1" };
    const match = /^(-?\d{1,16})\s*([a-zA-Z]*)$/.exec(trimmed);
    const factor = match === null ? undefined : factorOf(range.unit, match[2] ?? "");
    if (match === null || factor === undefined) return { fault: `expected ${describeRange(range)}` };
    const value = Number(match[1]) * factor;
    if (!Number.isSafeInteger(value) || value < range.min || value > range.max) {
      return { fault: `expected ${describeRange(range)}` };
    }
    return { value, text: printNumber(value) };
  };
}

/** A number from 0 to 1, written as such. */
export function share(): ValueParser<number> {
  return (text) => {
    const trimmed = text.trim();
    const value = Number(trimmed);
    const isShare = /^\d(\.\d{0,6})?$/.test(trimmed) && value <= 1;
    return isShare ? { value, text: String(value) } : { fault: "expected a number from 0 to 1, such as 0.5" };
  };
}

export function printNumber(value: number): string {
  return value === unlimited ? int64MaxText : String(value);
}

/** One of these words, upper and lower case alike; the canonical text is the word as listed. */
export function oneOf<const T extends string>(words: readonly T[]): ValueParser<T> {
  return (text) => {
    const wanted = text.trim().toLowerCase();
    const word = words.find((candidate) => candidate.toLowerCase() === wanted);
    return word === undefined
      ? { fault: `expected ${words.map((w) => `"${w}"`).join(" or ")}` }
      : { value: word, text: word };
  };
}

function factorOf(unit: NumberRange["unit"], suffix: string): number | undefined {
  if (suffix === "") return 1;
  const factors = unitFactors[unit];
  return Object.hasOwn(factors, suffix.toLowerCase()) ? factors[suffix.toLowerCase()] : undefined;
}

function describeRange(range: NumberRange): string {
  const units = {
    ms: "a number of milliseconds, or a duration such as 7d",
    bytes: "a number of bytes, or a size such as 512MiB",
    count: "a whole number",
  };
  const upper = range.max === unlimited ? "" : ` and at most ${range.max}`;
  const minusOne = range.minusOne === undefined ? "" : `, or -1 for ${range.minusOne}`;
  return `${units[range.unit]}, at least ${range.min}${upper}${minusOne}`;
}
