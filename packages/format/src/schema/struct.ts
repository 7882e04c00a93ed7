// SPDX-License-Identifier: Apache-2.0
// Structs: fields one after another, each present in its own range of versions; in flexible versions followed by a section
// of tagged fields (KIP-482). One object type serves all versions: a reader fills absent fields with their defaults, a
// writer leaves them out, and refuses a value that would be lost.
//
//   tag section: uvarint count | per field: uvarint tag (ascending) | uvarint size | payload

import { invariant } from "../invariant.ts";
import { ByteReader } from "../reader.ts";
import { ByteWriter } from "../writer.ts";
import {
  invalidValue,
  malformedField,
  type Codec,
  type CompileContext,
  type InOf,
  type OutOf,
  type Type,
} from "./codec.ts";
import { includesVersion, parseVersions, type VersionRange } from "./versions.ts";

export interface FieldOptions<Value> {
  /** Versions in which the field exists; all unless given. */
  readonly versions?: string;
  /** Versions in which it may be null. */
  readonly nullable?: string;
  /** What it is where it is absent; without it the type's empty value. Giving one makes the field optional for writers. */
  readonly default?: Value;
  /** Its tag, in the versions `tagged` (all of its own unless given); elsewhere it stands in its place. */
  readonly tag?: number;
  readonly tagged?: string;
  /** Writing a version without the field drops its value instead of refusing it. */
  readonly ignorable?: boolean;
  /** `false` keeps the old lengths in flexible versions: only for the client id of request headers. */
  readonly compact?: boolean;
  /** One sentence of documentation, with the unit. */
  readonly about?: string;
}

export interface Field<Out, In, Optional extends boolean> {
  readonly "~out"?: Out;
  readonly "~in"?: In;
  readonly "~optional"?: Optional;
  readonly type: Type<unknown>;
  readonly options: FieldOptions<unknown>;
}

export type Fields = Readonly<Record<string, Field<unknown, unknown, boolean>>>;

type NullIn<O> = O extends { readonly nullable: string } ? null : never;
type IsOptional<O> = O extends { readonly default: unknown } | { readonly versions: string } ? true : false;

/** A field of a table. Writers may leave it out if it has a default or a range of versions. */
export function field<
  T extends Type<unknown>,
  const O extends FieldOptions<InOf<T> | null> = FieldOptions<InOf<T> | null>,
>(type: T, options?: O): Field<OutOf<T> | NullIn<O>, InOf<T> | NullIn<O>, IsOptional<O>> {
  return { type, options: options ?? {} };
}

type OutOfField<F> = F extends { readonly "~out"?: infer Out } ? Exclude<Out, undefined> : never;
type InOfField<F> = F extends { readonly "~in"?: infer In } ? Exclude<In, undefined> : never;
type OptionalNames<F extends Fields> = {
  [K in keyof F]: F[K] extends { readonly "~optional"?: true } ? K : never;
}[keyof F];

/** What readers of a struct get. */
export type StructOut<F extends Fields> = { -readonly [K in keyof F]: OutOfField<F[K]> };
/** What writers of a struct give. */
export type StructIn<F extends Fields> = {
  readonly [K in Exclude<keyof F, OptionalNames<F>>]: InOfField<F[K]>;
} & { readonly [K in OptionalNames<F>]?: InOfField<F[K]> };

/** A struct, for arrays, for fields (nullable ones too) and for messages. */
export function struct<const F extends Fields>(fields: F): Type<StructOut<F>, StructIn<F>> {
  const plans = Object.entries(fields).map(([name, declared]) => planField(name, declared));
  const tags = plans.flatMap((plan) => plan.tag ?? []);
  invariant(new Set(tags).size === tags.length, "tags of a struct differ");
  return {
    compile: (context) => compileStruct(plans, context),
    empty: () => Object.fromEntries(plans.map((plan) => [plan.name, plan.absent()])),
    isEmpty: (value) => isStruct(value) && plans.every((plan) => plan.isAbsent(value[plan.name])),
  };
}

/** A field with its ranges parsed. */
interface FieldPlan {
  readonly name: string;
  readonly type: Type<unknown>;
  readonly versions: VersionRange;
  readonly nullable: VersionRange;
  readonly tag: number | undefined;
  readonly tagged: VersionRange;
  readonly ignorable: boolean;
  readonly compact: boolean;
  /** The value where the field is absent; undefined counts as it when writing. */
  readonly absent: () => unknown;
  readonly isAbsent: (value: unknown) => boolean;
}

interface CompiledField {
  readonly name: string;
  readonly codec: Codec;
  readonly plan: FieldPlan;
}

type Struct = Record<string, unknown>;

function planField(name: string, { type, options }: Field<unknown, unknown, boolean>): FieldPlan {
  const versions = parseVersions(options.versions ?? "0+");
  const { tag } = options;
  invariant(options.tagged === undefined || tag !== undefined, `${name} has a tag where it is tagged`);
  const hasDefault = Object.hasOwn(options, "default");
  const fallback = options.default;
  const simple = hasDefault && (fallback === null || typeof fallback !== "object");
  // A default that is an object could be changed through one of its readers: only the empty one is made afresh.
  invariant(!hasDefault || simple || type.isEmpty(fallback), `${name} has a plain or an empty default`);
  return {
    name,
    type,
    versions,
    nullable: parseVersions(options.nullable ?? "none"),
    tag,
    tagged:
      tag === undefined
        ? parseVersions("none")
        : options.tagged === undefined
          ? versions
          : parseVersions(options.tagged),
    ignorable: options.ignorable ?? false,
    compact: options.compact ?? true,
    absent: simple ? () => fallback : type.empty,
    isAbsent: (value) => value === undefined || (simple ? value === fallback : type.isEmpty(value)),
  };
}

function compileStruct(plans: readonly FieldPlan[], context: CompileContext): Codec {
  const { version, flexible, path, nullable } = context;
  const plain: CompiledField[] = [];
  const tagged: (CompiledField & { readonly tag: number })[] = [];
  const missing: FieldPlan[] = [];
  for (const plan of plans) {
    if (!includesVersion(plan.versions, version)) {
      missing.push(plan);
      continue;
    }
    const codec = plan.type.compile({
      version,
      flexible: flexible && plan.compact,
      nullable: includesVersion(plan.nullable, version),
      path: `${path}.${plan.name}`,
    });
    const compiled = { name: plan.name, codec, plan };
    if (plan.tag !== undefined && includesVersion(plan.tagged, version)) {
      invariant(flexible, `${path}.${plan.name} is tagged in flexible versions only`);
      tagged.push({ ...compiled, tag: plan.tag });
    } else plain.push(compiled);
  }
  tagged.sort((a, b) => a.tag - b.tag);
  const required = plain.reduce((sum, { codec }) => sum + codec.bytesMin, 0) + (flexible ? 1 : 0);
  // All names in one order: every value of this struct has the same shape, whatever its version.
  const template: Struct = Object.fromEntries(plans.map((plan) => [plan.name, undefined]));
  const absent = plans.filter((plan) => !plain.some((one) => one.plan === plan));

  const readBody = (reader: ByteReader): Struct => {
    const value = { ...template };
    for (const plan of absent) value[plan.name] = plan.absent();
    for (const { name, codec } of plain) value[name] = codec.read(reader);
    if (flexible) readTags(reader, value, tagged, path);
    return value;
  };
  const writeBody = (writer: ByteWriter, value: unknown): void => {
    if (!isStruct(value)) throw invalidValue(path, "it is no object");
    for (const { name, codec, plan } of plain)
      codec.write(writer, value[name] === undefined ? plan.absent() : value[name]);
    if (flexible) writeTags(writer, value, tagged);
    for (const { name, ignorable, isAbsent } of missing) {
      if (!ignorable && !isAbsent(value[name]))
        throw invalidValue(`${path}.${name}`, `version ${version} cannot carry it`);
    }
  };
  if (!nullable) return { bytesMin: required, read: readBody, write: writeBody };
  return {
    bytesMin: 1,
    read(reader) {
      const presence = reader.int8();
      if (presence !== 1 && presence !== -1) throw malformedField(path, `its presence is ${presence}, not 1 or -1`);
      return presence === 1 ? readBody(reader) : null;
    },
    write(writer, value) {
      writer.int8(value === null ? -1 : 1);
      if (value !== null) writeBody(writer, value);
    },
  };
}

function readTags(
  reader: ByteReader,
  value: Struct,
  known: readonly (CompiledField & { readonly tag: number })[],
  path: string,
): void {
  const count = reader.uvarint();
  let last = -1;
  for (let index = 0; index < count; index++) {
    const tag = reader.uvarint();
    if (tag <= last) throw malformedField(path, `tag ${tag} follows tag ${last}`);
    last = tag;
    const payload = reader.raw(reader.uvarint());
    const found = known.find((one) => one.tag === tag);
    // An unknown tag is a newer peer's: nothing is kept of it, and nothing fails.
    if (found === undefined) continue;
    const inner = new ByteReader(payload);
    value[found.name] = found.codec.read(inner);
    if (inner.remaining > 0)
      throw malformedField(`${path}.${found.name}`, `${inner.remaining} bytes follow it in its tag`);
  }
}

function writeTags(
  writer: ByteWriter,
  value: Struct,
  known: readonly (CompiledField & { readonly tag: number })[],
): void {
  const present = known.filter(({ name, plan }) => !plan.isAbsent(value[name]));
  writer.uvarint(present.length);
  for (const { name, codec, tag } of present) {
    const payload = new ByteWriter(64);
    codec.write(payload, value[name]);
    writer.uvarint(tag);
    writer.uvarint(payload.length);
    writer.raw(payload.view());
  }
}

function isStruct(value: unknown): value is Struct {
  return typeof value === "object" && value !== null;
}
