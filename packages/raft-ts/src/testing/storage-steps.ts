// SPDX-License-Identifier: Apache-2.0
// What may be done to a storage, as data: drawn by a property or by a process that is to be killed, and done to a storage and
// to a model of it alike.

import type { Storage } from "../runtime/ports.ts";
import { crc32c } from "../storage/crc32c.ts";
import type { StorageModel } from "./storage-model.ts";
import { batchOf, entriesFrom, sessionConfig, stateOf } from "./storage-session.ts";

export type StorageStep =
  | {
      readonly kind: "append";
      readonly count: number;
      readonly bytes: number;
      readonly rise: number;
      readonly back: number;
    }
  | { readonly kind: "vote"; readonly rise: number }
  | { readonly kind: "save"; readonly back: number; readonly bytes: number }
  | { readonly kind: "compact"; readonly back: number }
  | { readonly kind: "install"; readonly ahead: number; readonly bytes: number }
  | { readonly kind: "restart" };

/** Changes the model; what does the same to a storage. Undefined when the step makes no sense here. */
export function planStep(
  model: StorageModel,
  step: Exclude<StorageStep, { kind: "restart" }>,
): ((storage: Storage) => Promise<void>) | undefined {
  const { hard } = model;
  switch (step.kind) {
    case "append": {
      const from = Math.max(model.lastIndex + 1 - step.back, hard.commit + 1, model.firstIndex);
      const truncateFrom = from <= model.lastIndex ? from : null;
      const term = hard.term + step.rise;
      const entries = entriesFrom(from, step.count, term, step.bytes);
      const commit = step.back === 0 ? Math.max(hard.commit, from - 1) : hard.commit;
      const batch = batchOf({ term, vote: step.rise > 0 ? null : hard.vote, commit }, { truncateFrom, entries });
      model.write(batch);
      return (storage) => storage.write(batch);
    }
    case "vote": {
      const vote = step.rise > 0 || hard.vote === null ? "n2@y" : hard.vote;
      const batch = batchOf({ term: hard.term + step.rise, vote, commit: hard.commit });
      model.write(batch);
      return (storage) => storage.write(batch);
    }
    case "save": {
      const index = Math.max(hard.commit - step.back, model.firstIndex - 1);
      const term = model.termAt(index);
      if (index <= model.snapshotIndex || term === undefined) return undefined;
      const meta = { index, term, config: sessionConfig };
      model.saveSnapshot(meta, step.bytes);
      return async (storage) => {
        await storage.snapshots.save(meta, stateOf(index, step.bytes));
      };
    }
    case "compact": {
      const upTo = model.snapshotIndex - step.back;
      if (upTo < model.firstIndex) return undefined;
      model.compact(upTo);
      return (storage) => storage.compact(upTo);
    }
    case "install": {
      const index = Math.max(hard.commit + 1, model.lastIndex + step.ahead);
      const meta = { index, term: hard.term + 1, config: sessionConfig };
      const batchWith = (stagedId: string) =>
        batchOf({ term: hard.term + 1, vote: null, commit: index }, { install: { meta, stagedId } });
      model.install(batchWith(""), step.bytes);
      return async (storage) => {
        const chunks: Uint8Array[] = [];
        for await (const chunk of stateOf(index, step.bytes)) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        const description = { meta, id: `leader-${index}`, chain: index, sizeBytes: bytes.length, crc: crc32c(bytes) };
        const staging = await storage.snapshots.stage(description);
        for (const chunk of chunks) await staging.write(chunk);
        await storage.write(batchWith(await staging.finish()));
      };
    }
  }
}
