// SPDX-License-Identifier: Apache-2.0
// Configurations and addresses in protobuf. Reading refuses lists that are unsorted, have duplicates or are too long.

import type { Config, PeerAddress, PeerId } from "../core/types.ts";
import { fieldLimits } from "./transport-limits.ts";
import { refuse, type WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

export function writeConfig(w: WireWriter, config: Config): void {
  for (const id of config.voters) w.listedText(1, id);
  for (const id of config.votersOutgoing) w.listedText(2, id);
  for (const id of config.learners) w.listedText(3, id);
  for (const id of config.learnersNext) w.listedText(4, id);
  for (const address of config.addresses) w.message(5, () => writeAddress(w, address));
}

export function readConfig(reader: WireReader): Config {
  const lists: [PeerId[], PeerId[], PeerId[], PeerId[]] = [[], [], [], []];
  const addresses: PeerAddress[] = [];
  while (reader.next()) {
    const list = lists[reader.field - 1];
    if (list !== undefined) add(list, reader.text(fieldLimits.peerIdBytes));
    else if (reader.field === 5) addAddress(addresses, readAddress(reader.nested()));
    else reader.skip();
  }
  const [voters, votersOutgoing, learners, learnersNext] = lists;
  return { voters, votersOutgoing, learners, learnersNext, addresses };
}

export function writeAddress(w: WireWriter, { id, address }: PeerAddress): void {
  w.text(1, id);
  w.text(2, address);
}

export function readAddress(reader: WireReader): PeerAddress {
  let id = "";
  let address = "";
  while (reader.next()) {
    if (reader.field === 1) id = reader.text(fieldLimits.peerIdBytes);
    else if (reader.field === 2) address = reader.text(fieldLimits.addressBytes);
    else reader.skip();
  }
  return { id, address };
}

export function addAddress(addresses: PeerAddress[], address: PeerAddress): void {
  checkNext(addresses.length, addresses.at(-1)?.id, address.id);
  addresses.push(address);
}

function add(list: PeerId[], id: PeerId): void {
  checkNext(list.length, list.at(-1), id);
  list.push(id);
}

function checkNext(length: number, last: PeerId | undefined, id: PeerId): void {
  if (id === "") refuse("a member has no id");
  if (length === fieldLimits.members) refuse(`a list of members is longer than ${fieldLimits.members}`);
  if (last !== undefined && last >= id) refuse("a list of members is unsorted or has one twice");
}
