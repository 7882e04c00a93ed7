// SPDX-License-Identifier: Apache-2.0
// A message is a struct with a name and a range of versions. Declared once, it is documentation, TypeScript type and codec;
// each (message, version) is compiled on first use and kept.
//
//   export const Heartbeat = message("Heartbeat", { apiKey: 12, versions: "0-4", flexible: "4+" }, {
//     groupId: field(string),
//     groupInstanceId: field(string, { versions: "3+", nullable: "3+", default: null }),
//   });
//   export type Heartbeat = TypeOf<typeof Heartbeat>;

import { FormatError } from "../format-error.ts";
import { invariant } from "../invariant.ts";
import { ByteReader } from "../reader.ts";
import { ByteWriter } from "../writer.ts";
import type { Codec } from "./codec.ts";
import { struct, type Fields, type StructIn, type StructOut } from "./struct.ts";
import { includesVersion, parseVersions, type VersionRange } from "./versions.ts";

export interface MessageOptions {
  /** Kafka's number of the API, where it has one. */
  readonly apiKey?: number;
  readonly versions: string;
  /** Versions with compact lengths and tag sections; none unless given. */
  readonly flexible?: string;
}

/** A compiled table. Offsets of errors count from the first byte of the message. */
export class Message<Out, In> {
  declare readonly "~out"?: Out;
  declare readonly "~in"?: In;
  readonly name: string;
  readonly apiKey: number | undefined;
  readonly versions: VersionRange;
  readonly #flexible: VersionRange;
  readonly #compile: (version: number, flexible: boolean) => Codec;
  readonly #codecs = new Map<number, Codec>();

  constructor(name: string, options: MessageOptions, compile: (version: number, flexible: boolean) => Codec) {
    this.name = name;
    this.apiKey = options.apiKey;
    this.versions = parseVersions(options.versions);
    this.#flexible = parseVersions(options.flexible ?? "none");
    this.#compile = compile;
  }

  supports(version: number): boolean {
    return Number.isInteger(version) && includesVersion(this.versions, version);
  }

  isFlexible(version: number): boolean {
    return includesVersion(this.#flexible, version);
  }

  /** Reads a value and leaves what follows it. FormatError on bytes that are none, UNSUPPORTED for an unknown version. */
  read(reader: ByteReader, version: number): Out {
    const codec = this.#codec(version);
    try {
      return codec.read(reader) as Out;
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(error.code, `Cannot read ${this.name} version ${version}. ${error.message}`, {
        cause: error,
      });
    }
  }

  /** Reads a value from all of `bytes`: bytes that follow it are an error. Byte fields are borrowed views. */
  decode(bytes: Uint8Array, version: number): Out {
    const reader = new ByteReader(bytes);
    const value = this.read(reader, version);
    if (reader.remaining > 0) {
      const message = `Cannot read ${this.name} version ${version}: ${reader.remaining} bytes follow it.`;
      throw new FormatError("MALFORMED", message);
    }
    return value;
  }

  /** Appends a value. FormatError INVALID_VALUE when this version cannot carry it, UNSUPPORTED for an unknown version. */
  write(writer: ByteWriter, version: number, value: In): void {
    this.#codec(version).write(writer, value);
  }

  /** A value as owned bytes; errors as `write`. */
  encode(version: number, value: In): Uint8Array {
    const writer = new ByteWriter();
    this.write(writer, version, value);
    return writer.finish();
  }

  #codec(version: number): Codec {
    const known = this.#codecs.get(version);
    if (known !== undefined) return known;
    if (!this.supports(version)) {
      const { from, to } = this.versions;
      throw new FormatError("UNSUPPORTED", `Cannot use ${this.name} version ${version}: ${from} to ${to} are known.`);
    }
    const codec = this.#compile(version, this.isFlexible(version));
    this.#codecs.set(version, codec);
    return codec;
  }
}

/** What a message or type gives to its readers: every field, defaults filled in. */
export type TypeOf<M> = M extends { readonly "~out"?: infer Out } ? Exclude<Out, undefined> : never;
/** What a message or type takes from its writers: fields with a default or a range of versions may be left out. */
export type InputOf<M> = M extends { readonly "~in"?: infer In } ? Exclude<In, undefined> : never;

/** Declares a message. `versions` must end: what a newer version would look like is not known. */
export function message<const F extends Fields>(
  name: string,
  options: MessageOptions,
  fields: F,
): Message<StructOut<F>, StructIn<F>> {
  const type = struct(fields);
  const declared = new Message<StructOut<F>, StructIn<F>>(name, options, (version, flexible) =>
    type.compile({ version, flexible, nullable: false, path: name }),
  );
  invariant(Number.isFinite(declared.versions.to), `${name} has a highest version`);
  return declared;
}
