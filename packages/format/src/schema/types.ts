// SPDX-License-Identifier: Apache-2.0
// The types that tables are made of, as on Kafka's wire. A "compact" length is an unsigned varint of length + 1, 0 for null;
// an old one is an int16 (strings) or int32 (bytes, arrays), -1 for null.

import { invariant } from "../invariant.ts";
import { int16Max, int32Max } from "../limits.ts";
import type { ByteReader } from "../reader.ts";
import { isUuid, zeroUuid } from "../uuid.ts";
import type { ByteWriter } from "../writer.ts";
import {
  invalidValue,
  malformedField,
  type Codec,
  type CompileContext,
  type InOf,
  type OutOf,
  type Type,
} from "./codec.ts";

export const int8 = integer("int8", 1, -128, 127);
export const int16 = integer("int16", 2, -0x8000, int16Max);
export const uint16 = integer("uint16", 2, 0, 0xffff);
export const int32 = integer("int32", 4, -0x8000_0000, int32Max);
export const uint32 = integer("uint32", 4, 0, 0xffff_ffff);
/** A safe integer (ADR 0001): more than 53 bits are an error on either side. */
export const int64 = integer("int64", 8, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
export const uvarint = integer("uvarint", 1, 0, 0xffff_ffff);
export const varint = integer("varint", 1, -0x8000_0000, int32Max);
export const varlong = integer("varlong", 1, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);

export const float64: Type<number> = fixed(
  8,
  0,
  (reader) => reader.float64(),
  (writer, value: number) => writer.float64(value),
  (value) => (typeof value === "number" ? undefined : "it is no number"),
);

export const boolean: Type<boolean> = fixed(
  1,
  false,
  (reader) => reader.boolean(),
  (writer, value: boolean) => writer.boolean(value),
  (value) => (typeof value === "boolean" ? undefined : "it is no boolean"),
);

/** 16 bytes; 32 lower-case hexadecimal digits in memory. */
export const uuid: Type<string> = fixed(
  16,
  zeroUuid,
  (reader) => reader.uuid(),
  (writer, value: string) => writer.uuid(value),
  (value) => (typeof value === "string" && isUuid(value) ? undefined : "it is no id of 32 hexadecimal digits"),
);

export const string: Type<string> = {
  compile(context) {
    const length = lengthCodec(context, 2);
    const utf8 = (value: unknown): string => {
      if (typeof value !== "string") throw invalidValue(context.path, "it is no string");
      return value;
    };
    return {
      bytesMin: length.bytesMin,
      read(reader) {
        const count = length.read(reader);
        return count < 0 ? null : reader.utf8(count);
      },
      write(writer, value) {
        if (value === null) length.write(writer, -1);
        else {
          const text = utf8(value);
          length.write(writer, Buffer.byteLength(text));
          writer.utf8(text);
        }
      },
    };
  },
  empty: () => "",
  isEmpty: (value) => value === "",
};

/** Bytes; borrowed views of what was read. */
export const bytes: Type<Uint8Array> = {
  compile(context) {
    const length = lengthCodec(context, 4);
    return {
      bytesMin: length.bytesMin,
      read(reader) {
        const count = length.read(reader);
        return count < 0 ? null : reader.raw(count);
      },
      write(writer, value) {
        if (value === null) length.write(writer, -1);
        else if (value instanceof Uint8Array) {
          length.write(writer, value.length);
          writer.raw(value);
        } else throw invalidValue(context.path, "it is no Uint8Array");
      },
    };
  },
  empty: () => new Uint8Array(0),
  isEmpty: (value) => value instanceof Uint8Array && value.length === 0,
};

/** An array of `element`. A count that the bytes left cannot hold is refused before anything is allocated. */
export function array<T extends Type<unknown>>(element: T): Type<OutOf<T>[], readonly InOf<T>[]> {
  return {
    compile(context) {
      const length = lengthCodec(context, 4);
      const codec = element.compile({ ...context, nullable: false, path: `${context.path}[]` });
      invariant(codec.bytesMin > 0, `${context.path} has elements of at least one byte`);
      return {
        bytesMin: length.bytesMin,
        read(reader) {
          const count = length.read(reader);
          if (count < 0) return null;
          if (count * codec.bytesMin > reader.remaining) {
            throw malformedField(context.path, `it claims ${count} elements, ${reader.remaining} bytes are left`);
          }
          const values: unknown[] = [];
          for (let index = 0; index < count; index++) values.push(codec.read(reader));
          return values;
        },
        write(writer, value) {
          if (value === null) length.write(writer, -1);
          else if (Array.isArray(value)) {
            length.write(writer, value.length);
            for (const one of value) codec.write(writer, one);
          } else throw invalidValue(context.path, "it is no array");
        },
      };
    },
    empty: () => [],
    isEmpty: (value) => Array.isArray(value) && value.length === 0,
  };
}

interface LengthCodec {
  readonly bytesMin: number;
  /** -1 for null. */
  read(reader: ByteReader): number;
  write(writer: ByteWriter, length: number): void;
}

/** How the lengths of this field look. `oldBytes`: 2 or 4, in versions that are not flexible. */
function lengthCodec({ flexible, nullable, path }: CompileContext, oldBytes: 2 | 4): LengthCodec {
  const longest = !flexible && oldBytes === 2 ? int16Max : int32Max;
  const checkRead = (length: number): number => {
    if (length < 0 && !(nullable && length === -1))
      throw malformedField(path, length === -1 ? "it may not be null" : `its length is ${length}`);
    return length;
  };
  const checkWrite = (length: number): number => {
    if (length > longest) throw invalidValue(path, `it has ${length} bytes or elements, at most ${longest} fit`);
    if (length < 0 && !nullable) throw invalidValue(path, "it may not be null in this version");
    return length;
  };
  if (flexible) {
    return {
      bytesMin: 1,
      read: (reader) => checkRead(reader.uvarint() - 1),
      write: (writer, length) => writer.uvarint(checkWrite(length) + 1),
    };
  }
  if (oldBytes === 2) {
    return {
      bytesMin: 2,
      read: (reader) => checkRead(reader.int16()),
      write: (writer, length) => writer.int16(checkWrite(length)),
    };
  }
  return {
    bytesMin: 4,
    read: (reader) => checkRead(reader.int32()),
    write: (writer, length) => writer.int32(checkWrite(length)),
  };
}

type IntegerName = "int8" | "int16" | "uint16" | "int32" | "uint32" | "int64" | "uvarint" | "varint" | "varlong";

function integer(name: IntegerName, bytesMin: number, least: number, most: number): Type<number> {
  return fixed(
    bytesMin,
    0,
    (reader) => reader[name](),
    (writer, value: number) => writer[name](value),
    (value) => {
      if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return undefined;
      return `${String(value)} is no ${name}`;
    },
  );
}

/** A type without a length. `faultOf` says why a value cannot be written. */
function fixed<T extends number | boolean | string>(
  bytesMin: number,
  empty: T,
  read: (reader: ByteReader) => T,
  write: (writer: ByteWriter, value: T) => void,
  faultOf: (value: unknown) => string | undefined,
): Type<T> {
  return {
    compile({ path, nullable }): Codec {
      invariant(!nullable, `${path} has a type that can be null`);
      return {
        bytesMin,
        read,
        write(writer, value) {
          const fault = faultOf(value);
          if (fault !== undefined) throw invalidValue(path, fault);
          write(writer, value as T);
        },
      };
    },
    empty: () => empty,
    isEmpty: (value) => value === empty,
  };
}
