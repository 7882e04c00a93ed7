// SPDX-License-Identifier: Apache-2.0
// Places in a partition, as people write them and as messages carry them.
//
//   position  earliest │ latest │ 42 │ offset:42 │ time:2016-02-01T00:00:00Z │ time:1454284800000 │ last:100 │ ago:2h
//   end       none │ 42 │ offset:42 │ time:… │ count:100 │ latest-at-start
//
// A time without zone is UTC, so that a command means the same on every machine. Printing and parsing are inverse.

import type { End__Output as EndOutput, End as EndMessage } from "./gen/varve/v1/End.ts";
import type { Position__Output as PositionOutput, Position as PositionMessage } from "./gen/varve/v1/Position.ts";

/** A place in a partition, resolved to an offset once, when a request arrives. */
export type Position =
  | { readonly kind: "earliest" }
  | { readonly kind: "latest" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "time"; readonly timeMs: number }
  | { readonly kind: "last"; readonly count: number }
  | { readonly kind: "ago"; readonly durationMs: number };

/** Where a read of one partition ends by itself. */
export type End =
  | { readonly kind: "none" }
  | { readonly kind: "offset"; readonly offset: number }
  | { readonly kind: "time"; readonly timeMs: number }
  | { readonly kind: "count"; readonly count: number }
  | { readonly kind: "latest-at-start" };

/** Text or a message that names no position or end. */
export class PositionError extends Error {
  override readonly name = "PositionError";
  readonly code = "INVALID_POSITION";
  readonly retriable = false;
}

/** Reads a position. Throws PositionError. */
export function parsePosition(text: string): Position {
  if (text === "earliest" || text === "latest") return { kind: text };
  const [kind, rest] = split(text);
  switch (kind) {
    case "offset":
      return { kind, offset: parseNatural(text, rest) };
    case "time":
      return { kind, timeMs: parseTime(text, rest) };
    case "last":
      return { kind, count: parseNatural(text, rest) };
    case "ago":
      return { kind, durationMs: parseDuration(rest) };
    default:
      throw new PositionError(
        `Cannot read position "${text}": write earliest, latest, an offset, offset:N, time:2016-02-01T00:00:00Z, last:N or ago:2h`,
      );
  }
}

/** Reads an end. Throws PositionError. */
export function parseEnd(text: string): End {
  if (text === "none" || text === "latest-at-start") return { kind: text };
  const [kind, rest] = split(text);
  switch (kind) {
    case "offset":
      return { kind, offset: parseNatural(text, rest) };
    case "time":
      return { kind, timeMs: parseTime(text, rest) };
    case "count":
      return { kind, count: parseNatural(text, rest) };
    default:
      throw new PositionError(
        `Cannot read end "${text}": write none, latest-at-start, an offset, offset:N, time:2016-02-01T00:00:00Z or count:N`,
      );
  }
}

/** What parsePosition() reads back. */
export function printPosition(position: Position): string {
  switch (position.kind) {
    case "earliest":
    case "latest":
      return position.kind;
    case "offset":
      return `offset:${position.offset}`;
    case "time":
      return `time:${printTime(position.timeMs)}`;
    case "last":
      return `last:${position.count}`;
    case "ago":
      return `ago:${printDuration(position.durationMs)}`;
  }
}

/** What parseEnd() reads back. */
export function printEnd(end: End): string {
  switch (end.kind) {
    case "none":
    case "latest-at-start":
      return end.kind;
    case "offset":
      return `offset:${end.offset}`;
    case "time":
      return `time:${printTime(end.timeMs)}`;
    case "count":
      return `count:${end.count}`;
  }
}

const unitsMs = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 } as const;

/** Reads a duration such as 500ms, 90s, 1h30m, 7d. Milliseconds. Throws PositionError. */
export function parseDuration(text: string): number {
  const wrong = (): PositionError =>
    new PositionError(`Cannot read duration "${text}": write a number with ms, s, m, h or d, such as 90s or 1h30m`);
  if (!/^(?:\d{1,15}(?:ms|[dhms]))+$/.test(text)) throw wrong();
  let sum = 0;
  for (const [, digits, unit] of text.matchAll(/(\d+)(ms|[dhms])/g)) sum += Number(digits) * unitsMs[unit as "ms"];
  if (!Number.isSafeInteger(sum)) throw wrong();
  return sum;
}

/** What parseDuration() reads back. */
export function printDuration(durationMs: number): string {
  let rest = durationMs;
  let text = "";
  for (const [unit, unitMs] of Object.entries(unitsMs)) {
    const count = Math.floor(rest / unitMs);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * unitMs;
  }
  return text === "" ? "0s" : text;
}

/** Reads a moment: ISO 8601 (UTC unless it names a zone) or milliseconds since 1970. Throws PositionError. */
export function parseTime(source: string, text: string = source): number {
  const milliseconds = /^\d{5,16}$/.test(text) ? Number(text) : parseIsoTime(text);
  if (!Number.isSafeInteger(milliseconds) || milliseconds < 0) {
    throw new PositionError(
      `Cannot read the time in "${source}": write 2016-02-01T00:00:00Z, 2016-02-01 or milliseconds since 1970`,
    );
  }
  return milliseconds;
}

function parseIsoTime(text: string): number {
  const parts = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(Z|[+-]\d\d:\d\d)?)?$/.exec(text);
  if (parts === null) return Number.NaN;
  const [, date = "", time, zone] = parts;
  // Date.parse takes February 30 for March 1.
  const dayMs = Date.parse(`${date}T00:00Z`);
  if (Number.isNaN(dayMs) || new Date(dayMs).toISOString().slice(0, 10) !== date) return Number.NaN;
  return Date.parse(time === undefined ? `${date}T00:00Z` : `${date}T${time}${zone ?? "Z"}`);
}

/** Times outside the years that ISO 8601 writes with four digits are printed as milliseconds. */
function printTime(timeMs: number): string {
  return timeMs < 253_402_300_800_000 ? new Date(timeMs).toISOString() : String(timeMs);
}

function split(text: string): [string, string] {
  if (/^\d+$/.test(text)) return ["offset", text];
  const colon = text.indexOf(":");
  return colon < 0 ? ["", text] : [text.slice(0, colon), text.slice(colon + 1)];
}

function parseNatural(source: string, text: string): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) {
    throw new PositionError(`Cannot read the number in "${source}": write 0 to ${Number.MAX_SAFE_INTEGER}`);
  }
  return value;
}

/** The message for a position. */
export function positionToMessage(position: Position): PositionMessage {
  switch (position.kind) {
    case "earliest":
      return { earliest: true };
    case "latest":
      return { latest: true };
    case "offset":
      return { offset: position.offset };
    case "time":
      return { timeMs: position.timeMs };
    case "last":
      return { last: position.count };
    case "ago":
      return { agoMs: position.durationMs };
  }
}

/** The position in a message; `otherwise` when there is none. Throws PositionError when its number is no safe natural. */
export function positionFromMessage(message: PositionOutput | null | undefined, otherwise: Position): Position {
  switch (message?.position) {
    case undefined:
      return otherwise;
    case "earliest":
    case "latest":
      return { kind: message.position };
    case "offset":
      return { kind: "offset", offset: natural("offset", message.offset) };
    case "timeMs":
      return { kind: "time", timeMs: natural("time_ms", message.timeMs) };
    case "last":
      return { kind: "last", count: natural("last", message.last) };
    case "agoMs":
      return { kind: "ago", durationMs: natural("ago_ms", message.agoMs) };
  }
}

/** The message for an end. */
export function endToMessage(end: End): EndMessage {
  switch (end.kind) {
    case "none":
      return { none: true };
    case "offset":
      return { offset: end.offset };
    case "time":
      return { timeMs: end.timeMs };
    case "count":
      return { count: end.count };
    case "latest-at-start":
      return { latestAtStart: true };
  }
}

/** The end in a message; `otherwise` when there is none. Throws PositionError when its number is no safe natural. */
export function endFromMessage(message: EndOutput | null | undefined, otherwise: End): End {
  switch (message?.end) {
    case undefined:
      return otherwise;
    case "none":
      return { kind: "none" };
    case "offset":
      return { kind: "offset", offset: natural("offset", message.offset) };
    case "timeMs":
      return { kind: "time", timeMs: natural("time_ms", message.timeMs) };
    case "count":
      return { kind: "count", count: natural("count", message.count) };
    case "latestAtStart":
      return { kind: "latest-at-start" };
  }
}

function natural(name: string, value: number | undefined): number {
  if (value !== undefined && Number.isSafeInteger(value) && value >= 0) return value;
  throw new PositionError(`Cannot use a position: ${name} is ${value}, not 0 to ${Number.MAX_SAFE_INTEGER}`);
}
