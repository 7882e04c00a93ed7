// SPDX-License-Identifier: Apache-2.0
import { describe, test } from "vitest";
import { MemoryDisk } from "./memory-disk.ts";
import { MemoryStorage } from "./memory-storage.ts";
import { storageCases } from "./storage-conformance.ts";

describe("MemoryStorage is a storage", () => {
  test.each(storageCases)("$name", ({ run }) => {
    const disk = new MemoryDisk({ nodeId: "n1", dirId: "5".repeat(32) });
    return run(async () => new MemoryStorage(disk));
  });
});
