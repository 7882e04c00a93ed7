/**
 * What a world may take away without breaking the promise: of each partition, fewer than `minIsr` replicas lose something until all
 * are complete again, and somebody who may be elected stays complete.
 *
 *   lost since all were complete ∪ {this one} < lowest minIsr since then      and      another complete member of ISR ∪ ELR
 *
 * Invariant: whoever lacks something, and may not be elected, may lose whatever it has; nobody counts on it.
 */
import type { Partition } from "@varve/cluster";
import type { ClusterWorld } from "./cluster-world.ts";
import type { Machine } from "./machine.ts";
import { keyOf } from "./replica-shadow.ts";

export type Loss = "power" | "wipe";

/** Partitions in which the machine would lose something, or may. */
export function lossesOf(world: ClusterWorld, machine: Machine, loss: Loss): Partition[] {
  return partitionsOf(world, machine.id).filter(({ flush }) => loss === "wipe" || flush !== "sync");
}

/** Whether the promise covers it. A reckless world does not care. */
export function isCovered(world: ClusterWorld, machine: Machine, partitions: readonly Partition[]): boolean {
  return world.profile.isReckless || isWithinPromise(world, machine, partitions);
}

/** Damage that nobody has found may be taken along into the ISR: it always counts. */
export function isWithinPromise(
  world: ClusterWorld,
  machine: Machine,
  partitions: readonly Partition[],
  isHidden = false,
): boolean {
  return partitions.every(
    (partition) => (!isHidden && !countsAt(world, partition, machine.id)) || isOneCovered(world, machine, partition),
  );
}

/** It happens. */
export function takeFrom(
  world: ClusterWorld,
  machine: Machine,
  partitions: readonly Partition[],
  isHidden = false,
): void {
  for (const partition of partitions) {
    if (!isHidden && !countsAt(world, partition, machine.id)) continue;
    world.oracle(partition.topicId, partition.partition).lossySince.add(machine.id);
  }
}

function isOneCovered(world: ClusterWorld, machine: Machine, partition: Partition): boolean {
  const { topicId, partition: number, isr, elr } = partition;
  refresh(world, partition);
  const oracle = world.oracle(topicId, number);
  const lost = new Set(oracle.lossySince).add(machine.id).size;
  const others = [...isr, ...elr].filter((id) => id !== machine.id && isWhole(world, id, partition));
  return lost < oracle.minIsrLow && others.length > 0;
}

/** A lower minIsr promises less from now on, also against what was lost before and nobody knows yet. */
export function mayLower(world: ClusterWorld, partitions: readonly Partition[], minIsr: number): boolean {
  if (world.profile.isReckless) return true;
  for (const partition of partitions) {
    refresh(world, partition);
    const { lossySince } = world.oracle(partition.topicId, partition.partition);
    if (lossySince.size >= Math.min(minIsr, partition.replicas.length)) return false;
  }
  for (const { topicId, partition } of partitions) world.oracle(topicId, partition).asked(minIsr);
  return true;
}

/** When all are complete, what was lost before does not matter any more. */
function refresh(world: ClusterWorld, partition: Partition): void {
  const { topicId, partition: number, replicas, isr, minIsr } = partition;
  const isFull = isr.length === replicas.length && isr.every((id) => isWhole(world, id, partition));
  if (!isFull) return;
  const oracle = world.oracle(topicId, number);
  oracle.lossySince.clear();
  oracle.minIsrLow = Math.min(minIsr, ...oracle.askedMinIsr);
}

/** As far as anybody can say: who is down has what it had, unless its disk lost something. */
function isWhole(world: ClusterWorld, id: number, { topicId, partition }: Partition): boolean {
  const key = keyOf(topicId, partition);
  if (world.metadata.isKnownLost(id, key) || world.damaged.has(`${id} ${key}`)) return false;
  const { process } = world.machine(id);
  const shadow = process?.shadows.get(key);
  if (process?.isReady !== true || shadow === undefined) return true;
  return world.oracle(topicId, partition).isComplete(shadow);
}

/** Every complete replica: that it joins the ISR may be in a log of the metadata group already, and be committed later. */
function countsAt(world: ClusterWorld, partition: Partition, id: number): boolean {
  return partition.isr.includes(id) || partition.elr.includes(id) || isWhole(world, id, partition);
}

function partitionsOf({ image }: ClusterWorld, id: number): Partition[] {
  return [...image.topics.values()].flatMap(({ partitions }) =>
    partitions.filter(({ replicas }) => replicas.includes(id)),
  );
}
