// After the faults: nothing is lost any more, every process runs, metadata arrive, syncs end. Within a bounded number of rounds
// everything has to be well again: a leader, all replicas in sync, nothing pending, everything committed and shown everywhere.

import { holds } from "raft-ts/testing";
import { noLeader } from "../controller/state.ts";
import { pendingProposal } from "../partition/isr.ts";
import type { World } from "./partition-world.ts";

const roundsMax = 400;

export function heal(world: World): void {
  for (let round = 0; round < roundsMax; round += 1) {
    if (isHopeless(world) && world.isReckless && world.recover("balanced").kind === "wait") world.elect("unclean");
    if (isHopeless(world) && !world.isReckless) {
      world.coverage.count("healing hopeless");
      return;
    }
    if (round > 2 && isWell(world)) {
      world.coverage.count("healing well");
      return;
    }
    playRound(world);
  }
  const { isr, elr, leader, minIsr } = world.partition;
  const state = `leader ${leader}, ISR [${isr.join()}], ELR [${elr.join()}], minIsr ${minIsr}`;
  const logs = world.brokers.map(({ id, log }) => `${id}: ${log.highWatermark}/${log.end}`).join(", ");
  holds(false, "liveness", () => `after ${roundsMax} rounds without faults: ${state}; ${logs}`);
}

/** Nobody may be elected: an operator, or the recovery of 6.11, has to choose. */
function isHopeless({ partition }: World): boolean {
  return partition.leader === noLeader && partition.isr.length === 0 && partition.elr.length === 0;
}

function isWell({ partition, brokers, image }: World): boolean {
  const leader = brokers.find(({ id }) => id === partition.leader);
  if (leader?.leadership === undefined || partition.isr.length < brokers.length || partition.flush === "syncing")
    return false;
  if (pendingProposal(leader.leadership.isr) !== undefined) return false;
  return brokers.every(({ log, process }) => {
    const isCurrent = process?.seen?.partitionEpoch === partition.partitionEpoch && image.offset > 0;
    const isSame = log.agreesBelow(log.end, leader.log);
    return isCurrent && isSame && log.highWatermark === leader.log.end && log.end === leader.log.end;
  });
}

function playRound(world: World): void {
  for (const broker of world.brokers) {
    if (broker.process === undefined) world.fence(broker);
    broker.start();
    broker.catchUp(Number.POSITIVE_INFINITY);
    broker.heartbeat();
    broker.catchUp(Number.POSITIVE_INFINITY);
    broker.fetch();
    broker.sync(1);
    broker.tick();
    broker.confirmFlush();
    deliverAll(world);
  }
  world.nowMs += 100;
  world.oracle.afterStep();
}

function deliverAll(world: World): void {
  for (let message = world.messages.shift(); message !== undefined; message = world.messages.shift()) {
    world.deliver(message);
  }
}
