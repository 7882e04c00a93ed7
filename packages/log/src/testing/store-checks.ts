/**
 * What the model test asks of an open store: every answer is compared with the model, none is taken on trust.
 */
import { buildBatch } from "@varve/format";
import type { PartitionLog, RecoveryReport } from "../index.ts";
import { ViolationError, demand } from "./partition-model.ts";
import type { Ending, PartitionModel } from "./partition-model.ts";

/** Waits for a promise of the store while virtual time passes. */
export type Wait = <T>(promise: Promise<T>, what: string) => Promise<T>;

/** Reads everything, from the log start to `limit`. */
export async function readAll(model: PartitionModel, log: PartitionLog, limit: number, wait: Wait): Promise<void> {
  let offset = log.logStartOffset;
  while (offset < limit) {
    const next = await readAndCompare(model, log, { offset, maxBytes: 20_000, limit }, wait);
    if (next === undefined) return;
    demand(next > offset, () => `${model.name}: a read at ${offset} of [.., ${limit}) gave nothing`);
    offset = next;
  }
}

/** After a crash: takes back what the store had cut off by itself, if that is what is on the disk. */
export async function reviveGhosts(model: PartitionModel, log: PartitionLog, wait: Wait): Promise<void> {
  for (const ghost of model.ghosts.toReversed()) {
    const first = ghost.batches[0];
    if (first === undefined || log.logEndOffset < first.end || first.base < log.logStartOffset) continue;
    const o = { offset: first.base, maxBytes: 1, limit: first.end };
    const result = await wait(log.read(o), `a read of ${model.name} at ${o.offset}`);
    if (result.kind !== "batches" || !areEqual(result.bytes, first.bytes)) continue;
    model.revive(ghost);
    return;
  }
}

/** Undefined when damage was met that a flip explains. */
export async function readAndCompare(
  model: PartitionModel,
  log: PartitionLog,
  o: { offset: number; maxBytes: number; limit: number },
  wait: Wait,
): Promise<number | undefined> {
  const result = log.readCached(o) ?? (await wait(log.read(o), `a read of ${model.name} at ${o.offset}`));
  const where = (): string => `${model.name}: a read at ${o.offset} below ${o.limit}`;
  switch (result.kind) {
    case "damaged":
      demand(model.mayBeDamaged, () => `${where()} met damage: ${JSON.stringify(result)}`);
      return undefined;
    case "out-of-range":
      demand(
        o.offset < log.logStartOffset || o.offset > log.logEndOffset,
        () => `${where()} is out of range: ${JSON.stringify(result)}`,
      );
      return undefined;
    case "empty": {
      const expected = model.batchesFrom(o.offset, o.limit);
      demand(expected.length === 0, () => `${where()} gave nothing, but ${expected.length} batches are there`);
      return o.offset;
    }
    case "batches": {
      const compared = model.compaction.compare(model.batchesAround(o.offset, o.limit), result.bytes, o.offset);
      if ("why" in compared) {
        demand(model.mayBeDamaged && !compared.isBatch, () => `${where()}: ${compared.why}`);
        return undefined;
      }
      const { next } = compared;
      demand(next === result.nextOffset, () => `${where()}: next is ${result.nextOffset}, not ${next}`);
      return next;
    }
  }
}

/** How the processes before this one ended, as far as it matters to what is retained. */
export interface Past {
  readonly ending: Ending;
  /** The last process closed its store first; whether everything was synced then is for the store to know. */
  readonly wasClosed: boolean;
}

/**
 * J-13: what was synced is retained; what only the kernel had is when the kernel is the same. `counted`: what counted when
 * the last process ended. Called when what was found is known to be allowed.
 */
export function demandRetained(
  model: PartitionModel,
  log: PartitionLog,
  recovery: RecoveryReport,
  past: Past & { readonly counted: number; readonly flushes: readonly string[] },
): void {
  const report = recovery.partitions.find(
    ({ id }) => id.topicId === model.id.topicId && id.partition === model.id.partition,
  );
  if (report === undefined) throw new ViolationError(`${model.name}: is not in the recovery report`);
  if (model.mayBeDamaged || past.flushes.length > 1) return;
  const isPowerCut = past.ending === "power-cut";
  const isLossy = log.config.flush === "os" && isPowerCut && (!past.wasClosed || log.logEndOffset < past.counted);
  // Closed in time, the store may know that nothing was lost, or not; a confirmation is durable some time later.
  const isEither = past.wasClosed && isPowerCut && log.config.flush === "os";
  const mustBeLossy = isLossy || model.lossReported === "unconfirmed";
  if ((isEither || model.lossReported === "confirmed") && !mustBeLossy) return;
  demand(
    report.isRetained === !mustBeLossy,
    () => `${model.name}: retained is ${report.isRetained} for flush=${log.config.flush} after a ${past.ending} (J-13)`,
  );
}

/** Nothing is appended in the epoch of another process (J-3). */
export function demandRefused(model: PartitionModel, log: PartitionLog, now: number): void {
  const batch = buildBatch([{ value: new Uint8Array(3), timestampMs: now }]);
  const outcome = log.appendAsLeader(batch, { now });
  demand(outcome.kind === "refused", () => `${model.name}: appended before the first epoch of this process (J-3)`);
}

/** The epoch runs say where each epoch that has batches ends. */
export function demandEpochs(model: PartitionModel, log: PartitionLog): void {
  for (const [index, batch] of model.batches.entries()) {
    const next = model.batches[index + 1];
    if (next?.epoch === batch.epoch || batch.base < log.logStartOffset) continue;
    const answer = log.epochEnd(batch.epoch);
    demand(
      answer.epoch === batch.epoch && answer.end === batch.end,
      () => `${model.name}: epoch ${batch.epoch} ends at ${batch.end}, but epochEnd says ${JSON.stringify(answer)}`,
    );
  }
}

export function areEqual(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
