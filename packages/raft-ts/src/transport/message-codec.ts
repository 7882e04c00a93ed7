// SPDX-License-Identifier: Apache-2.0
// The core's messages in protobuf, field by field as in proto/raft/v1/raft.proto.
//
// Reading refuses what no core sends (core/message-check.ts): what comes out may be given to `step`.

import { isWellFormed } from "../core/message-check.ts";
import type { Entry, PeerId, PeerMessage } from "../core/types.ts";
import { readConfig, writeConfig } from "./config-codec.ts";
import { fieldLimits } from "./transport-limits.ts";
import { refuse, type WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** Fields of `Message.kind`. */
const kinds = {
  PreVote: 2,
  PreVoteResp: 3,
  Vote: 4,
  VoteResp: 5,
  Append: 6,
  AppendAccepted: 7,
  AppendRejected: 8,
  Heartbeat: 9,
  HeartbeatResp: 10,
  TimeoutNow: 11,
} as const;

const noBytes = new Uint8Array(0);

/** Writes the fields of a `Message`. */
export function writeMessage(w: WireWriter, m: PeerMessage): void {
  w.number(1, m.term);
  switch (m.type) {
    case "PreVote":
      w.message(kinds.PreVote, () => {
        w.number(1, m.lastIndex);
        w.number(2, m.lastTerm);
      });
      return;
    case "Vote":
      w.message(kinds.Vote, () => {
        w.number(1, m.lastIndex);
        w.number(2, m.lastTerm);
        w.flag(3, m.transfer);
      });
      return;
    case "PreVoteResp":
    case "VoteResp":
      w.message(kinds[m.type], () => w.flag(1, m.granted));
      return;
    case "Append":
      w.message(kinds.Append, () => {
        w.number(1, m.prevIndex);
        w.number(2, m.prevTerm);
        w.number(3, m.commit);
        for (const entry of m.entries) w.message(4, () => writeEntry(w, entry));
      });
      return;
    case "AppendResp":
      if (m.ok) w.message(kinds.AppendAccepted, () => w.number(1, m.index));
      else {
        w.message(kinds.AppendRejected, () => {
          w.number(1, m.rejectedPrev);
          w.number(2, m.hintIndex);
          w.number(3, m.hintTerm);
        });
      }
      return;
    case "Heartbeat":
      w.message(kinds.Heartbeat, () => {
        w.number(1, m.commit);
        w.number(2, m.readPos);
      });
      return;
    case "HeartbeatResp":
      w.message(kinds.HeartbeatResp, () => w.number(1, m.readPos));
      return;
    case "TimeoutNow":
      w.message(kinds.TimeoutNow, () => undefined);
      return;
  }
}

function writeEntry(w: WireWriter, entry: Entry): void {
  w.number(1, entry.term);
  switch (entry.type) {
    case "normal":
      w.bytes(2, entry.data);
      return;
    case "empty":
      w.message(3, () => undefined);
      return;
    case "config":
      w.message(4, () => writeConfig(w, entry.config));
      return;
  }
}

/** The message from `sender` to `target` that the fields say. */
export function readMessage(reader: WireReader, { sender, target }: { sender: PeerId; target: PeerId }): PeerMessage {
  let term = 0;
  let kind = 0;
  let body: WireReader | null = null;
  while (reader.next()) {
    if (reader.field === 1) term = reader.number();
    else if (reader.field >= kinds.PreVote && reader.field <= kinds.TimeoutNow) {
      if (body !== null) refuse("a message is of two kinds");
      kind = reader.field;
      body = reader.nested();
    } else reader.skip();
  }
  if (body === null) refuse("a message is of no kind that is known here");
  const message = readBody(body, kind, { from: sender, to: target, term });
  if (!isWellFormed(message)) refuse(`no node sends such a ${message.type}`);
  return message;
}

function readBody(body: WireReader, kind: number, head: { from: PeerId; to: PeerId; term: number }): PeerMessage {
  if (kind === kinds.Append) return readAppend(body, head);
  const [first, second, third] = readNumbers(body);
  switch (kind) {
    case kinds.PreVote:
      return { type: "PreVote", ...head, lastIndex: first, lastTerm: second };
    case kinds.PreVoteResp:
      return { type: "PreVoteResp", ...head, granted: first !== 0 };
    case kinds.Vote:
      return { type: "Vote", ...head, lastIndex: first, lastTerm: second, transfer: third !== 0 };
    case kinds.VoteResp:
      return { type: "VoteResp", ...head, granted: first !== 0 };
    case kinds.AppendAccepted:
      return { type: "AppendResp", ...head, ok: true, index: first };
    case kinds.AppendRejected:
      return { type: "AppendResp", ...head, ok: false, rejectedPrev: first, hintIndex: second, hintTerm: third };
    case kinds.Heartbeat:
      return { type: "Heartbeat", ...head, commit: first, readPos: second };
    case kinds.HeartbeatResp:
      return { type: "HeartbeatResp", ...head, readPos: first };
    default:
      return { type: "TimeoutNow", ...head };
  }
}

/** Every kind but Append has up to three numbers, in fields 1 to 3. */
function readNumbers(body: WireReader): [number, number, number] {
  const numbers: [number, number, number] = [0, 0, 0];
  while (body.next()) {
    if (body.field === 1) numbers[0] = body.number();
    else if (body.field === 2) numbers[1] = body.number();
    else if (body.field === 3) numbers[2] = body.number();
    else body.skip();
  }
  return numbers;
}

function readAppend(body: WireReader, head: { from: PeerId; to: PeerId; term: number }): PeerMessage {
  let prevIndex = 0;
  let prevTerm = 0;
  let commit = 0;
  const raw: WireReader[] = [];
  while (body.next()) {
    if (body.field === 1) prevIndex = body.number();
    else if (body.field === 2) prevTerm = body.number();
    else if (body.field === 3) commit = body.number();
    else if (body.field === 4) {
      if (raw.length === fieldLimits.entries) refuse(`an Append has more than ${fieldLimits.entries} entries`);
      raw.push(body.nested());
    } else body.skip();
  }
  if (prevIndex > Number.MAX_SAFE_INTEGER - raw.length) refuse("an entry's index is above 2^53 - 1");
  const entries = raw.map((entry, at) => readEntry(entry, prevIndex + 1 + at));
  return { type: "Append", ...head, prevIndex, prevTerm, entries, commit };
}

function readEntry(reader: WireReader, index: number): Entry {
  let term = 0;
  let kind = 0;
  let data: Uint8Array = noBytes;
  let nested: WireReader | null = null;
  while (reader.next()) {
    if (reader.field === 1) term = reader.number();
    else if (reader.field >= 2 && reader.field <= 4) {
      if (kind !== 0) refuse("an entry is of two kinds");
      kind = reader.field;
      if (kind === 2) data = reader.view(Number.MAX_SAFE_INTEGER);
      else nested = reader.nested();
    } else reader.skip();
  }
  if (kind === 2) return { type: "normal", index, term, data, config: null };
  if (kind === 3) return { type: "empty", index, term, data: noBytes, config: null };
  if (nested === null) return refuse("an entry is of no kind that is known here");
  return { type: "config", index, term, data: noBytes, config: readConfig(nested) };
}
