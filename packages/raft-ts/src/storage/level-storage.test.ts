// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "vitest";
import { storageCases } from "../testing/storage-conformance.ts";
import { LevelStorage } from "./level-storage.ts";

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "raft-level-"));
});

afterEach(() => rm(root, { recursive: true, force: true }));

describe("LevelStorage is a storage", () => {
  test.each(storageCases)("$name", ({ run }) =>
    run(async () => new LevelStorage({ directory: join(root, "raft"), nodeId: "n1" })),
  );
});
