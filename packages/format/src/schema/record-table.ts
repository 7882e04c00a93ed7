// SPDX-License-Identifier: Apache-2.0
// Stored records: each carries its type and version in front, so that a log of them can be read back by whoever knows the
// table. A type or version that is not known is refused: a state machine that skips what it does not understand diverges.
//
//   uvarint type | uvarint version | the message

import { FormatError } from "../format-error.ts";
import { invariant } from "../invariant.ts";
import { ByteReader } from "../reader.ts";
import { ByteWriter } from "../writer.ts";
import type { InputOf, TypeOf } from "./message.ts";
import type { VersionRange } from "./versions.ts";

/** Any message: what the table needs of it. */
interface StoredMessage {
  readonly versions: VersionRange;
  read(reader: ByteReader, version: number): unknown;
  write(writer: ByteWriter, version: number, value: never): void;
}

/** Messages by the name that records carry as `type` in memory. */
export type RecordMessages = Readonly<Record<string, { readonly id: number; readonly message: StoredMessage }>>;

/** One record in memory: its fields and its type. */
export type RecordOf<T extends RecordMessages> = {
  [K in keyof T]: { type: K } & TypeOf<T[K]["message"]>;
}[keyof T];
export type RecordInputOf<T extends RecordMessages> = {
  [K in keyof T]: { readonly type: K } & InputOf<T[K]["message"]>;
}[keyof T];

export interface RecordTable<T extends RecordMessages> {
  /** Owned bytes, in the message's highest version. FormatError INVALID_VALUE for a value that it cannot carry. */
  encode(record: RecordInputOf<T>): Uint8Array;
  /** FormatError: UNSUPPORTED for types and versions of a newer release, otherwise as `Message.decode`. */
  decode(bytes: Uint8Array): RecordOf<T>;
}

/** A table of stored records; `id` is the number on disk, for ever. */
export function recordTable<const T extends RecordMessages>(messages: T): RecordTable<T> {
  const byId = new Map(Object.entries(messages).map(([type, { id, message }]) => [id, { type, message }]));
  invariant(byId.size === Object.keys(messages).length, "record ids differ");
  return {
    encode(record) {
      const entry = messages[record.type];
      invariant(entry !== undefined, `"${String(record.type)}" is in the table`);
      const writer = new ByteWriter();
      writer.uvarint(entry.id);
      writer.uvarint(entry.message.versions.to);
      entry.message.write(writer, entry.message.versions.to, record as never);
      return writer.finish();
    },
    decode(bytes) {
      const reader = new ByteReader(bytes);
      const id = reader.uvarint();
      const version = reader.uvarint();
      const entry = byId.get(id);
      if (entry === undefined) {
        throw new FormatError("UNSUPPORTED", `Cannot read a record of type ${id}: a newer release wrote it.`);
      }
      const value = entry.message.read(reader, version);
      if (reader.remaining > 0) {
        throw new FormatError("MALFORMED", `Cannot read a record of type ${id}: ${reader.remaining} bytes follow it.`);
      }
      return { type: entry.type, ...(value as object) } as RecordOf<T>;
    },
  };
}
