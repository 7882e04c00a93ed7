// SPDX-License-Identifier: Apache-2.0
// A snapshot's offer, its chunks and the receiver's answers in protobuf.

import type { SnapshotDescription } from "../runtime/ports.ts";
import { readConfig, writeConfig } from "./config-codec.ts";
import { fieldLimits } from "./transport-limits.ts";
import { type Decoded, decoded, refuse, type WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

export type SnapshotPart =
  | { readonly kind: "offer"; readonly term: number; readonly description: SnapshotDescription }
  | {
      readonly kind: "chunk";
      readonly offset: number;
      readonly data: Uint8Array;
      readonly crc: number;
      readonly last: boolean;
    };

export type SnapshotAnswer = { readonly kind: "offset"; readonly offset: number } | { readonly kind: "verified" };

export function encodeOffer(term: number, description: SnapshotDescription): Buffer {
  const w = new WireWriter(1024);
  const { meta } = description;
  w.message(1, () => {
    w.number(1, term);
    w.number(2, meta.index);
    w.number(3, meta.term);
    w.message(4, () => writeConfig(w, meta.config));
    w.text(5, description.id);
    w.fixed32(6, description.chain);
    w.number(7, description.sizeBytes);
    w.fixed32(8, description.crc);
  });
  return w.finish();
}

export function encodeChunk(chunk: { offset: number; data: Uint8Array; crc: number; last: boolean }): Buffer {
  const w = new WireWriter(chunk.data.byteLength + 64);
  w.message(2, () => {
    w.number(1, chunk.offset);
    w.bytes(2, chunk.data);
    w.fixed32(3, chunk.crc);
    w.flag(4, chunk.last);
  });
  return w.finish();
}

/** A chunk's data is a view of `bytes`. */
export function decodePart(bytes: Uint8Array): Decoded<SnapshotPart> {
  return decoded(bytes, (reader) => {
    let part: SnapshotPart | null = null;
    while (reader.next()) {
      if (reader.field === 1 || reader.field === 2) {
        if (part !== null) refuse("a part is of two kinds");
        part = reader.field === 1 ? readOffer(reader.nested()) : readChunk(reader.nested());
      } else reader.skip();
    }
    return part ?? refuse("a part is of no kind that is known here");
  });
}

function readOffer(reader: WireReader): SnapshotPart {
  const numbers = new Map<number, number>();
  let config = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] } as ReturnType<
    typeof readConfig
  >;
  let id = "";
  while (reader.next()) {
    const { field } = reader;
    if (field === 1 || field === 2 || field === 3 || field === 7) numbers.set(field, reader.number());
    else if (field === 6 || field === 8) numbers.set(field, reader.fixed32());
    else if (field === 4) config = readConfig(reader.nested());
    else if (field === 5) id = reader.text(fieldLimits.snapshotIdBytes);
    else reader.skip();
  }
  const number = (field: number): number => numbers.get(field) ?? 0;
  const [term, index, indexTerm] = [number(1), number(2), number(3)];
  if (id === "") refuse("the snapshot has no id");
  if (index === 0 || indexTerm === 0 || term < indexTerm) refuse("no leader sends a snapshot of that index and term");
  if (config.voters.length === 0) refuse("the snapshot's configuration has no voters");
  const meta = { index, term: indexTerm, config };
  return { kind: "offer", term, description: { meta, id, chain: number(6), sizeBytes: number(7), crc: number(8) } };
}

function readChunk(reader: WireReader): SnapshotPart {
  let offset = 0;
  let data: Uint8Array = new Uint8Array(0);
  let crc = 0;
  let last = false;
  while (reader.next()) {
    if (reader.field === 1) offset = reader.number();
    else if (reader.field === 2) data = reader.view(fieldLimits.chunkBytes);
    else if (reader.field === 3) crc = reader.fixed32();
    else if (reader.field === 4) last = reader.flag();
    else reader.skip();
  }
  return { kind: "chunk", offset, data, crc, last };
}

export function encodeSnapshotAnswer(answer: SnapshotAnswer): Buffer {
  const w = new WireWriter(16);
  // A oneof's field is written even when it is zero: that it is there says which answer this is.
  if (answer.kind === "offset") w.presentNumber(1, answer.offset);
  else w.presentNumber(2, 1);
  return w.finish();
}

export function decodeSnapshotAnswer(bytes: Uint8Array): Decoded<SnapshotAnswer> {
  return decoded<SnapshotAnswer>(bytes, (reader) => {
    let answer: SnapshotAnswer | null = null;
    while (reader.next()) {
      if (reader.field === 1) answer = { kind: "offset", offset: reader.number() };
      else if (reader.field === 2 && reader.flag()) answer = { kind: "verified" };
      else if (reader.field !== 2) reader.skip();
    }
    return answer ?? refuse("an answer is of no kind that is known here");
  });
}
