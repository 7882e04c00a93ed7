// SPDX-License-Identifier: Apache-2.0
// What a table compiles to: one reader and one writer per (type, version), chosen when the table is compiled and never per
// value. Types carry their TypeScript types as phantoms, so that tables can hold types of any kind.

import { FormatError } from "../format-error.ts";
import type { ByteReader } from "../reader.ts";
import type { ByteWriter } from "../writer.ts";

/** The encoding of one type in one version. `value` has the type's TypeScript type; the table has checked that. */
export interface Codec {
  readonly read: (reader: ByteReader) => unknown;
  readonly write: (writer: ByteWriter, value: unknown) => void;
  /** Least bytes that a value takes: what a claimed count is checked against before anything is allocated. */
  readonly bytesMin: number;
}

export interface CompileContext {
  readonly version: number;
  /** Compact lengths and tag sections (KIP-482). */
  readonly flexible: boolean;
  readonly nullable: boolean;
  /** For messages: `Fetch.topics.partition`. */
  readonly path: string;
}

/** A type of a table. `Out` is what readers get, `In` what writers may give. */
export interface Type<Out, In = Out> {
  readonly "~out"?: Out;
  readonly "~in"?: In;
  readonly compile: (context: CompileContext) => Codec;
  /** A fresh value for where a field is absent and has no default of its own. */
  readonly empty: () => unknown;
  /** Whether `value` is `empty()`, or as a struct is made of defaults only. */
  readonly isEmpty: (value: unknown) => boolean;
}

export type OutOf<T> = T extends { readonly "~out"?: infer Out } ? Exclude<Out, undefined> : never;
export type InOf<T> = T extends { readonly "~in"?: infer In } ? Exclude<In, undefined> : never;

/** A value that its field cannot carry: the writer's error. */
export function invalidValue(path: string, why: string): FormatError {
  return new FormatError("INVALID_VALUE", `Cannot write ${path}: ${why}.`);
}

/** Bytes that mean nothing in this field: the reader's error. */
export function malformedField(path: string, why: string): FormatError {
  return new FormatError("MALFORMED", `Cannot read ${path}: ${why}.`);
}
