/**
 * The commands of the model test that one process carries out: each does to the store what a node would, and to the model
 * what must follow.
 *
 * The node above obeys the contract: one truncation at a time, none below the high watermark, a new epoch after each, and
 * each epoch once. It is as impatient as a real one: most commands run beside others.
 */
import { buildBatch, readBatchHeader } from "@varve/format";
import { deleteRetentionMs } from "./model-compaction.ts";
import type { ModelRecord } from "./model-compaction.ts";
import { PartitionModel, demand } from "./partition-model.ts";
import type { ModelBatch } from "./partition-model.ts";
import { areEqual, readAndCompare } from "./store-checks.ts";
import type { StoreCommand } from "./store-commands.ts";
import { logConfig, slotCount } from "./store-world.ts";
import type { StoreWorld } from "./store-world.ts";

type Command<Kind> = Extract<StoreCommand, { kind: Kind }>;

export function append(world: StoreWorld, command: Command<"append">): void {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model)) return;
  const log = world.logOf(model);
  if (model.isFollower) world.startEpochOf(model);
  // Often the high watermark follows what counts at once, as with a single replica.
  if (world.random.chance(0.4)) followCounted(world, model);
  for (let batch = 0; batch < command.batches; batch++) {
    const now = world.clock.nowMs();
    const records = Array.from({ length: command.records }, () => ({
      ...keyed(world, command.valueBytes),
      timestampMs: now - world.random.below(1000),
    }));
    const producer = command.withProducer ? world.producerFor(model) : undefined;
    const bytes = buildBatch(records, producer === undefined ? {} : { ...producer, producerEpoch: 0 });
    if (world.store().admit(bytes.length) !== undefined) {
      world.count("not admitted");
      return;
    }
    const end = model.end;
    const outcome = log.appendAsLeader(bytes, { now });
    if (outcome.kind === "refused") {
      world.note(`  ${model.name}: refused ${JSON.stringify(outcome)}`);
      demand(
        world.isFaulty || world.isSick(log),
        () => `${model.name}: a healthy append was refused: ${JSON.stringify(outcome)}`,
      );
      return;
    }
    demand(outcome.kind === "appended", () => `${model.name}: a new batch is called a duplicate`);
    demand(
      outcome.baseOffset === end && outcome.lastOffset === end + records.length - 1,
      () => `${model.name}: appended at ${end}, but the store says ${JSON.stringify(outcome)}`,
    );
    const header = readBatchHeader(bytes);
    demand(header.leaderEpoch === model.epoch, () => `${model.name}: epoch ${header.leaderEpoch}, not ${model.epoch}`);
    const appended: ModelBatch = {
      base: end,
      end: end + records.length,
      epoch: model.epoch,
      bytes: bytes.slice(),
      records: records.map(modelRecord),
      producer: producer === undefined ? undefined : { id: producer.producerId, firstSequence: producer.baseSequence },
    };
    demandSameAsCopy(world, model, appended.base, appended.epoch, appended.bytes);
    model.append(appended);
    world.note(`  ${model.name}: appended [${appended.base}, ${appended.end}) in epoch ${appended.epoch}`);
  }
}

/** Batches that another leader made: offsets and epoch come with them (G-5). */
export function appendAsFollower(world: StoreWorld, command: Command<"append-as-follower">): void {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  for (let batch = 0; batch < command.batches; batch++) {
    if (command.newEpoch || !model.isFollower) model.epoch = ++world.epoch;
    model.isFollower = true;
    const now = world.clock.nowMs();
    const records = [{ ...keyed(world, command.valueBytes), timestampMs: now }];
    const bytes = buildBatch(records, { baseOffset: model.end, leaderEpoch: model.epoch });
    if (world.store().admit(bytes.length) !== undefined) return;
    const outcome = log.appendAsFollower(bytes);
    if (outcome.kind === "refused" && (world.isFaulty || world.isSick(log))) return;
    demand(
      outcome.kind === "appended" && outcome.baseOffset === model.end,
      () => `${model.name}: a follower's append at ${model.end} in epoch ${model.epoch}: ${JSON.stringify(outcome)}`,
    );
    const { end, epoch } = model;
    model.append({
      base: end,
      end: end + 1,
      epoch,
      bytes: bytes.slice(),
      records: records.map(modelRecord),
      producer: undefined,
    });
    world.note(`  ${model.name}: follows [${end}, ${end + 1}) in epoch ${epoch}`);
    world.count("append as follower");
  }
}

/** The latest batch of a producer once more: a duplicate, at the same offset (kafka-wire 4.7). */
export function resend(world: StoreWorld, slot: number): void {
  const model = world.models.get(slot % slotCount);
  const producerId = model === undefined ? undefined : world.producerOf.get(model);
  if (model === undefined || producerId === undefined || !world.isUsable(model)) return;
  const latest = model.latestOf(producerId);
  if (latest === undefined || latest.base < model.logStart) return;
  const outcome = world.logOf(model).appendAsLeader(latest.bytes.slice(), { now: world.clock.nowMs() });
  if (outcome.kind === "refused" && (world.isFaulty || world.isSick(world.logOf(model)))) return;
  world.count("duplicate");
  demand(
    outcome.kind === "duplicate" && outcome.baseOffset === latest.base,
    () => `${model.name}: batch ${latest.base} of producer ${producerId} sent again: ${JSON.stringify(outcome)}`,
  );
}

export async function truncate(world: StoreWorld, command: Command<"truncate">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const targets = model.boundaries().filter((offset) => offset >= Math.max(model.highWatermark, log.logStartOffset));
  const to = targets[Math.floor(command.at * targets.length)];
  if (to === undefined) return;
  model.allowCut(to);
  world.note(`  ${model.name}: truncate to ${to} of ${model.end}`);
  await world.command(
    "truncate",
    model,
    command.patience,
    () => log.truncate(to),
    () => {
      demand(log.logEndOffset === to, () => `${model.name}: truncated to ${to}, but ends at ${log.logEndOffset}`);
      model.cut(to);
      model.counted(Math.min(log.countedOffset, to));
      world.count("truncation");
      world.startEpochOf(model);
    },
  );
}

/** A follower whose leader's log begins above it starts anew there (G-8). */
export async function restart(world: StoreWorld, command: Command<"restart">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const offset = model.end + command.gap;
  model.restartAsked = offset;
  await world.command(
    "restart",
    model,
    command.patience,
    () => log.truncateFullyAndStartAt(offset),
    () => {
      model.restart(offset);
      world.count("restart");
      world.startEpochOf(model);
    },
  );
}

export function startEpoch(world: StoreWorld, slot: number): void {
  const model = world.models.get(slot % slotCount);
  if (model === undefined || model.presence !== "present" || world.isBusy(model)) return;
  world.startEpochOf(model);
}

export async function changeFlush(world: StoreWorld, command: Command<"change-flush">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const flush = model.flush === "sync" ? "os" : "sync";
  model.flushAsked = flush;
  await world.command(
    "change flush",
    model,
    command.patience,
    () => log.setConfig({ ...log.config, flush }),
    () => {
      model.flush = flush;
      model.flushAsked = undefined;
      world.count(`flush=${flush}`);
      model.counted(log.countedOffset);
    },
  );
}

export function advanceHighWatermark(world: StoreWorld, command: Command<"high-watermark">): void {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const choices = model.boundaries().filter((offset) => offset > log.highWatermark && offset <= log.countedOffset);
  raiseHighWatermark(world, model, choices[Math.floor(command.at * choices.length)]);
}

function raiseHighWatermark(world: StoreWorld, model: PartitionModel, to: number | undefined): void {
  const log = world.logOf(model);
  if (to === undefined || to <= log.highWatermark || world.isBusy(model)) return;
  model.highWatermark = Math.max(model.highWatermark, to);
  log.advanceHighWatermark(to);
  demand(log.highWatermark === to, () => `${model.name}: high watermark ${log.highWatermark}, not ${to}`);
}

function followCounted(world: StoreWorld, model: PartitionModel): void {
  const { countedOffset } = world.logOf(model);
  raiseHighWatermark(
    world,
    model,
    model.boundaries().findLast((end) => end <= countedOffset),
  );
}

export async function retain(world: StoreWorld, command: Command<"retention">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const wanted = { ...logConfig(model.flush), retentionBytes: command.bytes };
  model.logStartMost = Math.max(model.logStartMost, model.highWatermark);
  await world.command(
    "retention",
    model,
    command.patience,
    async () => {
      await log.setConfig(wanted);
      await world.store().runRetention();
      await log.setConfig(logConfig(model.flush));
    },
    () => {
      // It failed with the disk: its record may be durable or not.
      if (log.state.kind === "failed") return;
      const start = log.logStartOffset;
      demand(start <= log.highWatermark, () => `${model.name}: retention passed the high watermark (J-16)`);
      if (start > model.logStart) world.count("retention removed something");
      model.raiseLogStart(start);
      model.logStartMost = start;
    },
  );
}

/** Everything below the high watermark that is in closed segments (J-17), however little of it is new. */
export async function compact(world: StoreWorld, command: Command<"compact">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const compaction = { minDirtyRatio: 0, minLagMs: 0, maxLagMs: Number.MAX_SAFE_INTEGER, deleteRetentionMs };
  // Otherwise there is rarely anything that may be touched.
  if (world.random.chance(0.7)) followCounted(world, model);
  const isCheckpointed = world.random.chance(0.7);
  const store = world.store();
  const before = store.stats().compaction.bytesRemoved;
  const segmentsBefore = log.segments.length;
  model.compaction.begins(model.batches, log.highWatermark, world.clock.nowMs());
  await world.command(
    "compact",
    model,
    command.patience,
    async () => {
      if (isCheckpointed) await store.checkpoint();
      await log.setConfig({ ...logConfig(model.flush), compaction });
      await store.runCompaction();
      await log.setConfig(logConfig(model.flush));
    },
    () => {
      world.count("compaction");
      if (store.stats().compaction.bytesRemoved > before) world.count("compaction removed something");
      if (log.segments.length < segmentsBefore) world.count("compaction merged segments");
    },
  );
}

export async function deleteRecords(world: StoreWorld, command: Command<"delete-records">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const offset = model.logStart + Math.floor(command.at * (log.highWatermark - model.logStart + 1));
  model.logStartMost = Math.max(model.logStartMost, offset);
  await world.command(
    "delete records",
    model,
    command.patience,
    () => log.deleteRecordsBefore(offset),
    () => {
      demand(
        log.logStartOffset === Math.max(offset, model.logStart),
        () => `${model.name}: deleted before ${offset}, but starts at ${log.logStartOffset}`,
      );
      model.raiseLogStart(offset);
      world.count("delete records");
    },
  );
}

export async function create(world: StoreWorld, command: Command<"create">): Promise<void> {
  const slot = command.slot % slotCount;
  if (world.models.has(slot)) return;
  const topicId = (++world.topics).toString(16).padStart(32, "0");
  const model = new PartitionModel({ topicId, topic: `t${slot}`, partition: slot }, command.flush);
  world.models.set(slot, model);
  await world.command(
    "create",
    model,
    command.patience,
    () => world.store().create(model.id, logConfig(command.flush)),
    () => {
      model.presence = "present";
      world.startEpochOf(model);
    },
  );
}

export async function deletePartition(world: StoreWorld, command: Command<"delete">): Promise<void> {
  const slot = command.slot % slotCount;
  const model = world.models.get(slot);
  if (model === undefined || model.presence !== "present" || world.isBusy(model)) return;
  model.presence = "deleting";
  await world.command(
    "delete",
    model,
    command.patience,
    () => world.store().delete(model.id),
    () => {
      world.models.delete(slot);
      world.count("deletion");
    },
  );
}

export async function read(world: StoreWorld, command: Command<"read">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const offset = log.logStartOffset + Math.floor(command.at * (log.logEndOffset - log.logStartOffset + 1));
  const limit = world.random.chance(0.5) ? log.countedOffset : log.logEndOffset;
  await readAndCompare(model, log, { offset: Math.min(offset, limit), maxBytes: command.maxBytes, limit }, world.wait);
}

export async function findTime(world: StoreWorld, command: Command<"find-time">): Promise<void> {
  const model = world.models.get(command.slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model) || model.mayBeDamaged) return;
  const log = world.logOf(model);
  const times = model.batches.flatMap((batch) => batch.records.map((record) => record.timestampMs));
  const timeMs = (times[Math.floor(command.at * times.length)] ?? world.clock.nowMs()) + world.random.between(-1, 1);
  const limit = log.countedOffset;
  const found = await world.wait(log.offsetForTime(timeMs, limit), `a search by time in ${model.name}`);
  if (world.disk.isHalted || !world.isUsable(model)) return;
  const expected = model.firstAtOrAfter(timeMs, limit);
  const isOne = expected.some(({ offset, timestampMs, leaderEpoch }) => {
    return found?.offset === offset && found.timestampMs === timestampMs && found.leaderEpoch === leaderEpoch;
  });
  demand(
    found === undefined ? expected.at(-1)?.isNeeded !== true : isOne,
    () =>
      `${model.name}: first at or after ${timeMs} is one of ${JSON.stringify(expected)}, not ${JSON.stringify(found)}`,
  );
}

/** A follower copies what the leader has, counted or not. */
export async function follow(world: StoreWorld, slot: number): Promise<void> {
  const model = world.models.get(slot % slotCount);
  if (model === undefined || !world.isUsable(model) || world.isBusy(model)) return;
  const log = world.logOf(model);
  const { topicId } = model.id;
  const copied = Math.min(world.copiedTo.get(topicId) ?? 0, log.logEndOffset);
  const offset = Math.max(copied, log.logStartOffset);
  const next = await readAndCompare(model, log, { offset, maxBytes: 50_000, limit: log.logEndOffset }, world.wait);
  if (next === undefined) return;
  world.copiedTo.set(topicId, next);
  const copies = world.copies.get(topicId) ?? new Map<string, Uint8Array>();
  world.copies.set(topicId, copies);
  for (const batch of model.batchesFrom(offset, next)) copies.set(`${batch.base} in ${batch.epoch}`, batch.bytes);
}

/** A record with one of a few keys, or none; now and then a tombstone. */
function keyed(world: StoreWorld, valueBytes: number): { key: Uint8Array | null; value: Uint8Array | null } {
  const number = world.random.below(5);
  const name = number === 3 ? "a key that is longer than fifteen bytes" : `k${number}`;
  const key = number === 4 ? null : new TextEncoder().encode(name);
  return { key, value: key !== null && world.random.chance(0.15) ? null : world.value(valueBytes) };
}

function modelRecord(record: { key: Uint8Array | null; value: Uint8Array | null; timestampMs: number }): ModelRecord {
  const { key, value, timestampMs } = record;
  return {
    key: key === null ? undefined : new TextDecoder().decode(key),
    isTombstone: key !== null && value === null,
    timestampMs,
  };
}

function demandSameAsCopy(
  world: StoreWorld,
  model: PartitionModel,
  base: number,
  epoch: number,
  bytes: Uint8Array,
): void {
  const copy = world.copies.get(model.id.topicId)?.get(`${base} in ${epoch}`);
  demand(
    copy === undefined || areEqual(copy, bytes),
    () => `${model.name}: offset ${base} in epoch ${epoch} has other bytes than a follower copied (J-3)`,
  );
}
