// SPDX-License-Identifier: Apache-2.0
// The bootstrap's answer in protobuf; the question has nothing in it. Reading refuses what breaks a limit; what the fields mean together is for
// the bootstrap to judge.

import type { PeerAddress, PeerId } from "../core/types.ts";
import type { BootstrapAnswer, ClusterDocument } from "../runtime/ports.ts";
import { addAddress, readAddress, writeAddress } from "./config-codec.ts";
import { fieldLimits, protocolVersion } from "./transport-limits.ts";
import { type Decoded, decoded, refuse, type WireReader } from "./wire-reader.ts";
import { WireWriter } from "./wire-writer.ts";

const states = ["blank", "member", "suspect"] as const;

export function encodeAnswer(answer: BootstrapAnswer): Buffer {
  const w = new WireWriter(1024);
  w.number(1, protocolVersion);
  w.text(2, answer.nodeId);
  w.text(3, answer.dirId);
  w.number(4, states.indexOf(answer.state) + 1);
  w.text(5, answer.clusterId ?? "");
  for (const id of answer.peers) w.listedText(6, id);
  const { document } = answer;
  if (document !== null) {
    w.message(7, () => {
      w.text(1, document.clusterId);
      for (const voter of document.voters) w.message(2, () => writeAddress(w, voter));
    });
  }
  w.flag(8, answer.begun);
  for (const id of answer.members) w.listedText(9, id);
  return w.finish();
}

export function decodeAnswer(bytes: Uint8Array): Decoded<BootstrapAnswer> {
  return decoded(bytes, readAnswer);
}

function readAnswer(reader: WireReader): BootstrapAnswer {
  let version = 0;
  let nodeId = "";
  let dirId = "";
  let state = 0;
  let clusterId = "";
  const peers: string[] = [];
  let document: ClusterDocument | null = null;
  let begun = false;
  const members: PeerId[] = [];
  while (reader.next()) {
    if (reader.field === 1) version = reader.number();
    else if (reader.field === 2) nodeId = reader.text(fieldLimits.nodeIdBytes);
    else if (reader.field === 3) dirId = reader.text(fieldLimits.dirIdBytes);
    else if (reader.field === 4) state = reader.number();
    else if (reader.field === 5) clusterId = reader.text(fieldLimits.clusterIdBytes);
    else if (reader.field === 6) add(peers, reader.text(fieldLimits.nodeIdBytes), fieldLimits.initialPeers);
    else if (reader.field === 7) document = readDocument(reader.nested());
    else if (reader.field === 8) begun = reader.flag();
    else if (reader.field === 9) add(members, reader.text(fieldLimits.peerIdBytes), 2 * fieldLimits.members);
    else reader.skip();
  }
  if (version !== protocolVersion) refuse(`protocol version ${version}, this node speaks ${protocolVersion}`);
  const named = states[state - 1];
  if (named === undefined) return refuse(`there is no state ${state}`);
  if (nodeId === "" || dirId === "") refuse("the node has no id");
  return {
    nodeId,
    dirId,
    state: named,
    clusterId: clusterId === "" ? null : clusterId,
    peers,
    document,
    begun,
    members,
  };
}

function readDocument(reader: WireReader): ClusterDocument {
  let clusterId = "";
  const voters: PeerAddress[] = [];
  while (reader.next()) {
    if (reader.field === 1) clusterId = reader.text(fieldLimits.clusterIdBytes);
    else if (reader.field === 2) {
      if (voters.length === fieldLimits.initialPeers) refuse(`more than ${fieldLimits.initialPeers} voters`);
      addAddress(voters, readAddress(reader.nested()));
    } else reader.skip();
  }
  return { clusterId, voters };
}

function add(list: string[], id: string, max: number): void {
  if (list.length === max) refuse(`a list of nodes is longer than ${max}`);
  list.push(id);
}
