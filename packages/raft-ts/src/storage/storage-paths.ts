// SPDX-License-Identifier: Apache-2.0
// What lies where in a directory of `LevelStorage`.

import { join } from "node:path";

export interface StoragePaths {
  readonly directory: string;
  readonly database: string;
  /** Being formatted; nothing of it counts. */
  readonly newDatabase: string;
  readonly fence: string;
  readonly snapshots: string;
  readonly ballast: string;
}

export function storagePaths(directory: string): StoragePaths {
  return {
    directory,
    database: join(directory, "db"),
    newDatabase: join(directory, "db.new"),
    fence: join(directory, "fence"),
    snapshots: join(directory, "snapshots"),
    ballast: join(directory, "ballast"),
  };
}
