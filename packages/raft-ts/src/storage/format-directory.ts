// SPDX-License-Identifier: Apache-2.0
// From an empty directory to a blank storage: a database with an identity that nobody else has (M11), and a head. It is made
// under another name and renamed, so a crash leaves nothing of it, or all; the fence follows at open (D-14).

import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { emptyHead } from "./batch-plan.ts";
import { exists, moveDurably, namesIn } from "./files.ts";
import { LevelDatabase } from "./level-database.ts";
import { sealOf } from "./recovery.ts";
import { encodeHead, encodeIdentity, headKey, identityKey } from "./records.ts";
import { StorageError } from "./storage-error.ts";
import type { StoragePaths } from "./storage-paths.ts";

/**
 * Does nothing when there is a database, or a part of a storage that lost its own: that is damage, for `open` to find. Rejects
 * with `StorageError` "foreign" when files of somebody else are there.
 */
export async function formatIfEmpty(
  { directory, database, newDatabase, fence, snapshots, ballast }: StoragePaths,
  nodeId: string,
  step: (name: string) => Promise<void>,
): Promise<void> {
  if ((await exists(database)) || (await exists(fence)) || (await namesIn(snapshots)).length > 0) return;
  const strangers = (await namesIn(directory)).filter(
    (name) => ![newDatabase, snapshots, ballast].includes(join(directory, name)),
  );
  if (strangers.length > 0) {
    throw new StorageError(
      "foreign",
      `Cannot format "${directory}": it holds "${strangers.join('", "')}". Use an empty directory`,
    );
  }
  const dirId = randomBytes(16).toString("hex");
  const identity = encodeIdentity({ nodeId, dirId, clusterId: null, documentCrc: 0 });
  await LevelDatabase.create(newDatabase, [
    { type: "put", key: identityKey, value: identity },
    { type: "put", key: headKey, value: encodeHead({ ...emptyHead, identityCrc: sealOf(identity) }) },
  ]);
  await step("database-created");
  await moveDurably(newDatabase, database);
  await step("database-named");
}
