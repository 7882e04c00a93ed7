// SPDX-License-Identifier: Apache-2.0
// Version ranges as Kafka's tables write them: "3+", "0-2", "7", "none".

import { invariant } from "../invariant.ts";

export interface VersionRange {
  readonly from: number;
  /** Inclusive; Infinity for "3+". */
  readonly to: number;
}

const nothing: VersionRange = { from: Infinity, to: -Infinity };

/** Parses a range written by us: a wrong one is a bug. */
export function parseVersions(text: string): VersionRange {
  if (text === "none") return nothing;
  const parts = /^(\d+)(?:(\+)|-(\d+))?$/.exec(text);
  invariant(parts !== null, `"${text}" is a range of versions`);
  const from = Number(parts[1]);
  const to = parts[2] === "+" ? Infinity : Number(parts[3] ?? from);
  invariant(from <= to, `"${text}" ascends`);
  return { from, to };
}

export function includesVersion(range: VersionRange, version: number): boolean {
  return version >= range.from && version <= range.to;
}
