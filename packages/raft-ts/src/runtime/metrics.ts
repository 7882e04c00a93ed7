// SPDX-License-Identifier: Apache-2.0
// A node in numbers, for whatever collects numbers. Names carry units; those ending in Total only grow while the node lives.

import type { Driver } from "./driver.ts";
import type { SpaceWatch } from "./space-watch.ts";

/** Plain numbers; booleans are 0 or 1. Owned by the caller. */
export interface NodeMetrics {
  /** This node leads its term; and an entry of that term is applied here, so that it may read and change members (C3). */
  readonly isLeader: number;
  readonly isActive: number;
  /** It knows who leads. */
  readonly hasLeader: number;
  readonly term: number;
  readonly lastIndex: number;
  /** Durable here, committed, applied here. */
  readonly stableIndex: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  readonly firstIndex: number;
  readonly snapshotIndex: number;
  readonly voters: number;
  readonly learners: number;
  /** Storage that may have lost something (D-4), that hangs (E15), that is nearly full (D-9). */
  readonly isSuspect: number;
  readonly isStalled: number;
  readonly isLowOnSpace: number;
  /** -1 when it is not known. */
  readonly freeBytes: number;
  readonly uncommittedBytes: number;
  readonly applyingBytes: number;
  readonly inboxMessages: number;
  readonly inboxBytes: number;
  readonly pendingProposals: number;
  readonly pendingProposalBytes: number;
  /** All of them; and those that are proved and wait for apply. */
  readonly pendingReads: number;
  readonly confirmedReads: number;
  readonly snapshotStreams: number;
  /** Of the followers, as the leader sees them: how many entries the slowest voter lacks. 0 elsewhere. */
  readonly slowestVoterLag: number;
  readonly inactiveVoters: number;
  readonly proposalsSuccessTotal: number;
  readonly proposalsLostTotal: number;
  readonly proposalsUnknownTotal: number;
  readonly proposalsRefusedTotal: number;
  readonly readsReadyTotal: number;
  readonly readsRefusedTotal: number;
  readonly turnsTotal: number;
  readonly eventsTotal: number;
  readonly ticksTotal: number;
  readonly messagesSentTotal: number;
  readonly messagesDroppedTotal: number;
  readonly batchesTotal: number;
  readonly entriesWrittenTotal: number;
  readonly entriesAppliedTotal: number;
  readonly fetchesTotal: number;
  readonly snapshotsSavedTotal: number;
  readonly snapshotsFailedTotal: number;
  readonly snapshotsSentTotal: number;
  readonly snapshotsNotSentTotal: number;
  readonly snapshotsReceivedTotal: number;
}

export function nodeMetrics<Result>(driver: Driver<Result>, space: SpaceWatch): NodeMetrics {
  const { soft, proposals, reads, snapshots, inbox, counts } = driver;
  const status = driver.status();
  const voters = status.peers.filter(({ voter }) => voter);
  const isLeader = soft.role === "leader";
  return {
    isLeader: Number(isLeader),
    isActive: Number(soft.active),
    hasLeader: Number(soft.leader !== null),
    term: soft.term,
    lastIndex: status.lastIndex,
    stableIndex: status.stable,
    commitIndex: status.commit,
    appliedIndex: status.applied,
    firstIndex: status.firstIndex,
    snapshotIndex: status.snapshotIndex,
    voters: status.config.voters.length,
    learners: status.config.learners.length,
    isSuspect: Number(status.suspect),
    isStalled: Number(status.stalled),
    isLowOnSpace: Number(space.isLow),
    freeBytes: space.freeBytes,
    uncommittedBytes: status.uncommittedBytes,
    applyingBytes: status.applyBytes,
    inboxMessages: inbox.size,
    inboxBytes: inbox.bytes,
    pendingProposals: proposals.count,
    pendingProposalBytes: proposals.bytes,
    pendingReads: reads.count,
    confirmedReads: reads.confirmedCount,
    snapshotStreams: snapshots.streams,
    slowestVoterLag: isLeader ? Math.max(0, ...voters.map(({ match }) => status.lastIndex - match)) : 0,
    inactiveVoters: isLeader ? voters.filter(({ recentActive }) => !recentActive).length : 0,
    proposalsSuccessTotal: proposals.counts.success,
    proposalsLostTotal: proposals.counts.lost,
    proposalsUnknownTotal: proposals.counts.unknown,
    proposalsRefusedTotal: proposals.counts.refused,
    readsReadyTotal: reads.counts.ready,
    readsRefusedTotal: reads.counts.refused,
    turnsTotal: counts.turns,
    eventsTotal: counts.events,
    ticksTotal: counts.ticks,
    messagesSentTotal: counts.sent,
    messagesDroppedTotal: inbox.dropped,
    batchesTotal: counts.batches,
    entriesWrittenTotal: counts.entriesWritten,
    entriesAppliedTotal: counts.entriesApplied,
    fetchesTotal: counts.fetches,
    snapshotsSavedTotal: snapshots.counts.saved,
    snapshotsFailedTotal: snapshots.counts.failed,
    snapshotsSentTotal: snapshots.counts.sent,
    snapshotsNotSentTotal: snapshots.counts.notSent,
    snapshotsReceivedTotal: snapshots.counts.received,
  };
}
