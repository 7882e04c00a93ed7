// SPDX-License-Identifier: Apache-2.0
// Changing who is a member, one server at a time (M4): any majority of the old voters meets any majority of the new ones, so
// one log entry is enough. What keeps that argument true: one uncommitted change at most (M2), none before an entry of the
// leader's own term is committed (M3), and the newest configuration of the log in force at once (M1).

import { majority } from "./quorum.ts";
import type { Progress } from "./progress.ts";
import { appendConfig } from "./replication.ts";
import type { CoreState } from "./state.ts";
import { checkTransferTarget, transferLeader } from "./transfer.ts";
import type { Config, ConfigChange, PeerAddress, PeerId, ProposeOutcome, Refusal } from "./types.ts";

/** A learner this close to the end may be promoted, in entries (M7). */
const promotionLag = 1000;

export function proposeConfig(s: CoreState, change: ConfigChange): ProposeOutcome {
  const refused = mayChange(s) ?? mayApply(s, change);
  if (refused !== null) return refused;
  const config = changed(s.membership, change);
  if (typeof config === "string") return s.refusal("invalid", config);
  const unsafe = staysAvailable(s, change, config);
  if (unsafe !== null) return unsafe;
  appendConfig(s, config);
  checkTransferTarget(s);
  return { ok: true, term: s.term, firstIndex: s.log.lastIndex };
}

function mayChange(s: CoreState): Refusal | null {
  if (s.role !== "leader") return s.refusal("not-leader", "only the leader can change the members");
  if (s.transferTarget !== null) return s.refusal("transferring", "leadership is being handed over");
  if (s.lowSpace) return s.refusal("low-space", "the disk is short of space");
  // M3
  if (!s.active) return s.refusal("not-ready", "no entry of this term is applied yet");
  // M2
  if (s.configs.current.index > s.log.commit)
    return s.refusal("change-pending", "the last change is not committed yet");
  return null;
}

function mayApply(s: CoreState, change: ConfigChange): Refusal | null {
  if (change.type !== "promote") return null;
  const peer = s.peer(change.id);
  if (peer === undefined || peer.voter || caughtUp(s, peer)) return null;
  return s.refusal("not-caught-up", `"${change.id}" has ${peer.match} of ${s.log.lastIndex} entries`);
}

/** M7: the new voter set could not commit with a member that lags, and check-quorum would end the leadership. */
export function caughtUp(s: CoreState, peer: Progress): boolean {
  const { electionTicks } = s.config;
  if (peer.silence >= electionTicks) return false;
  return s.log.lastIndex - peer.match < promotionLag || peer.lastRoundTicks < electionTicks;
}

/** M12: enough of the voters that would be left answer. */
function staysAvailable(s: CoreState, change: ConfigChange, config: Config): Refusal | null {
  if ((change.type !== "remove" && change.type !== "demote") || change.force === true) return null;
  if (config.voters.length === s.membership.voters.length) return null;
  let active = 0;
  for (const id of config.voters) {
    const peer = s.peer(id);
    if (id === s.self || (peer !== undefined && peer.silence < s.config.electionTicks)) active += 1;
  }
  const needed = majority(config.voters.length);
  if (active >= needed) return null;
  return s.refusal("unsafe", `${active} of the voters left are active, ${needed} are needed`);
}

/** `config` after `change`, or why it makes no sense. */
export function changed(config: Config, change: ConfigChange): Config | string {
  const { voters, learners, addresses } = config;
  const { id } = change;
  const isVoter = voters.includes(id);
  const isLearner = learners.includes(id);
  switch (change.type) {
    case "addLearner":
      if (id === "") return 'a member cannot have the id ""';
      if (isVoter || isLearner) return `"${id}" is a member already`;
      return { ...config, learners: plus(learners, id), addresses: addressed(addresses, id, change.address) };
    case "promote":
      if (!isLearner) return `"${id}" is not a learner`;
      return { ...config, voters: plus(voters, id), learners: minus(learners, id) };
    case "demote":
      if (!isVoter) return `"${id}" is not a voter`;
      if (voters.length === 1) return `"${id}" is the last voter`;
      return { ...config, voters: minus(voters, id), learners: plus(learners, id) };
    case "remove":
      if (!isVoter && !isLearner) return `"${id}" is not a member`;
      if (isVoter && voters.length === 1) return `"${id}" is the last voter`;
      return {
        ...config,
        voters: minus(voters, id),
        learners: minus(learners, id),
        addresses: addresses.filter((each) => each.id !== id),
      };
    case "setAddress":
      if (!isVoter && !isLearner) return `"${id}" is not a member`;
      return { ...config, addresses: addressed(addresses, id, change.address) };
  }
}

/**
 * M8: a leader that the committed configuration leaves out hands leadership over. It stops leading when that worked, or when
 * the transfer is given up. Returns whether nobody is there to hand it to.
 */
export function leaveIfLeftOut(s: CoreState): boolean {
  if (s.role !== "leader" || s.isVoter || s.configs.current.index > s.log.commit) return false;
  if (s.transferTarget !== null) return false;
  s.traceRule("M8");
  return !transferLeader(s, null).ok;
}

function plus(ids: readonly PeerId[], id: PeerId): readonly PeerId[] {
  return [...ids, id].sort();
}

function minus(ids: readonly PeerId[], id: PeerId): readonly PeerId[] {
  return ids.filter((each) => each !== id);
}

function addressed(addresses: readonly PeerAddress[], id: PeerId, address: string): readonly PeerAddress[] {
  const others = addresses.filter((each) => each.id !== id);
  const at = others.findIndex((each) => each.id > id);
  others.splice(at < 0 ? others.length : at, 0, { id, address });
  return others;
}
