// Three real nodes under a load, and one round of everything that can be done to processes: nothing acknowledged is missing, changed
// or there twice, the order of each partition is kept, and a reader saw nothing that is gone later. `npm run chaos:cluster` is
// the same with more rounds, in random order.

import { rm, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ClusterChaos, roundKinds } from "./cluster-chaos.ts";

describe("three processes under a load", () => {
  let directory: string;
  let chaos: ClusterChaos;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "varve-e2e-"));
    chaos = await ClusterChaos.start({ directory, seed: 1 });
  });

  afterAll(async () => {
    await chaos.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });

  it.each(roundKinds)("%s: the cluster is whole again, and no promise is broken", async (kind) => {
    const { acks } = await chaos.round(kind);
    expect(chaos.ledger.violations).toEqual([]);
    expect(acks).toBeGreaterThan(0);
  });

  it("everything acknowledged is read again through every node, once, unchanged, in order", async () => {
    await chaos.finish();
    expect(chaos.ledger.violations).toEqual([]);
    expect(chaos.ledger.rejected).toEqual([]);
    expect(chaos.ledger.seen).toBeGreaterThanOrEqual(chaos.ledger.acknowledged);
  });
});
