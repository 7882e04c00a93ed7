// SPDX-License-Identifier: Apache-2.0
// Envelopes: who says something to whom, in which group, and what (X1). Both directions; decoding is total: whatever the bytes
// are, the result is messages that a core could have sent, or a fault (X3).

import type { PeerId, PeerMessage } from "../core/types.ts";
import { readMessage, writeMessage } from "./message-codec.ts";
import { fieldLimits, protocolVersion } from "./transport-limits.ts";
import { decoded, refuse, type WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

/** Who speaks to whom: the same in every envelope of a stream. */
export interface Introduction {
  readonly clusterId: string;
  readonly sender: PeerId;
  readonly target: PeerId;
}

/** Why an envelope or a stream is refused. Each is a counter. */
export type FaultReason =
  | "malformed"
  | "version"
  | "cluster"
  | "target"
  | "sender"
  | "secret"
  | "unauthorized"
  | "crowded"
  | "closed";

export interface Fault {
  readonly reason: FaultReason;
  /** For people: what was found, what was expected. */
  readonly why: string;
}

export type EnvelopeOutcome =
  | { readonly ok: true; readonly messages: readonly PeerMessage[] }
  | { readonly ok: false; readonly fault: Fault };

/** A stream's first words: an envelope without messages. `address` is where the sender listens; empty when nowhere. */
export function encodeIntroduction(introduction: Introduction, address: string): Buffer {
  const writer = new WireWriter(256);
  writeHeader(writer, introduction);
  writer.text(6, address);
  return writer.finish();
}

/** All messages are from the introduction's sender to its target. The result is the caller's. */
export function encodeEnvelope(
  introduction: Introduction,
  messages: readonly PeerMessage[],
  expectedBytes: number,
): Buffer {
  const writer = new WireWriter(512 + expectedBytes);
  writeHeader(writer, introduction);
  for (const message of messages) writer.message(5, () => writeMessage(writer, message));
  return writer.finish();
}

function writeHeader(writer: WireWriter, { clusterId, sender, target }: Introduction): void {
  writer.number(1, protocolVersion);
  writer.text(2, clusterId);
  writer.text(3, sender);
  writer.text(4, target);
}

/** What an introduction says, for a receiver who is `self` in `clusterId`; or why it is refused. */
export function decodeIntroduction(
  bytes: Uint8Array,
  self: { readonly clusterId: string; readonly peer: PeerId },
):
  | { readonly ok: true; readonly introduction: Introduction; readonly address: string }
  | { readonly ok: false; readonly fault: Fault } {
  const read = decoded(bytes, readEnvelope);
  if (!read.ok) return { ok: false, fault: { reason: "malformed", why: `the introduction: ${read.why}` } };
  const { version, clusterId, sender, target, address, messages } = read.value;
  const introduction = { clusterId, sender, target };
  const fault = headerFault(version, introduction, { clusterId: self.clusterId, target: self.peer, sender });
  if (fault !== null) return { ok: false, fault };
  if (sender === "" || sender === self.peer) {
    return { ok: false, fault: { reason: "sender", why: `the sender is "${sender}"` } };
  }
  if (messages.length > 0) return { ok: false, fault: { reason: "malformed", why: "the introduction holds messages" } };
  return { ok: true, introduction, address };
}

/**
 * The messages of an envelope that came on a stream with this introduction; or why the stream ends.
 * Entries are views of `bytes`, or of a copy where `bytes` is a small part of something larger: nobody else writes there (L13).
 */
export function decodeEnvelope(bytes: Uint8Array, expected: Introduction): EnvelopeOutcome {
  const own = bytes.buffer.byteLength > 2 * bytes.byteLength ? new Uint8Array(bytes) : bytes;
  const read = decoded<EnvelopeOutcome>(own, (reader) => {
    const { version, clusterId, sender, target, messages } = readEnvelope(reader);
    const fault = headerFault(version, { clusterId, sender, target }, expected);
    if (fault !== null) return { ok: false, fault };
    return { ok: true, messages: messages.map((message) => readMessage(message, expected)) };
  });
  return read.ok ? read.value : { ok: false, fault: { reason: "malformed", why: read.why } };
}

function headerFault(version: number, found: Introduction, expected: Introduction): Fault | null {
  if (version !== protocolVersion) {
    return { reason: "version", why: `protocol version ${version}, this node speaks ${protocolVersion}` };
  }
  if (found.clusterId !== expected.clusterId) {
    return { reason: "cluster", why: `cluster "${found.clusterId}", this node belongs to "${expected.clusterId}"` };
  }
  if (found.target !== expected.target) {
    return { reason: "target", why: `target "${found.target}", this node is "${expected.target}"` };
  }
  if (found.sender !== expected.sender) {
    return { reason: "sender", why: `sender "${found.sender}" on a stream of "${expected.sender}"` };
  }
  return null;
}

interface RawEnvelope extends Introduction {
  version: number;
  clusterId: string;
  sender: PeerId;
  target: PeerId;
  address: string;
  /** Not looked into before the header was checked. */
  readonly messages: WireReader[];
}

function readEnvelope(reader: WireReader): RawEnvelope {
  const raw: RawEnvelope = { version: 0, clusterId: "", sender: "", target: "", address: "", messages: [] };
  while (reader.next()) {
    if (reader.field === 1) raw.version = reader.number();
    else if (reader.field === 2) raw.clusterId = reader.text(fieldLimits.clusterIdBytes);
    else if (reader.field === 3) raw.sender = reader.text(fieldLimits.peerIdBytes);
    else if (reader.field === 4) raw.target = reader.text(fieldLimits.peerIdBytes);
    else if (reader.field === 5) {
      if (raw.messages.length === fieldLimits.messages) refuse(`more than ${fieldLimits.messages} messages`);
      raw.messages.push(reader.nested());
    } else if (reader.field === 6) raw.address = reader.text(fieldLimits.addressBytes);
    else reader.skip();
  }
  return raw;
}
