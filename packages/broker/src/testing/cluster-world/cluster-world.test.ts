/**
 * Clusters of real brokers and controllers in simulated worlds, one per seed, with every invariant of docs/rules/replication.md on.
 *
 * `VARVE_CLUSTER_SEEDS` worlds, from `VARVE_CLUSTER_FROM` on. A failure names its seed: `npm run sim:cluster -- --seed N`.
 */
import { expect, test } from "vitest";
import { runCluster } from "./cluster-case.ts";

const seeds = Number(process.env["VARVE_CLUSTER_SEEDS"] ?? 3);
const from = Number(process.env["VARVE_CLUSTER_FROM"] ?? 1);

test(
  `${seeds} worlds keep every invariant (ID1 to ID18, ID20 to ID23) and come to rest`,
  { timeout: 14_400_000 },
  async () => {
    let acknowledged = 0;
    for (let seed = from; seed < from + seeds; seed++) {
      const { failure, coverage, world } = await runCluster(seed);
      if (failure !== undefined)
        throw new Error(`seed ${seed} fails: ${failure.message} (${world})`, { cause: failure });
      acknowledged += coverage.get("client acks=all");
    }
    expect(acknowledged).toBeGreaterThan(20 * seeds);
  },
);

test("a world is a function of its seed", { timeout: 600_000 }, async () => {
  const first = await runCluster(from);
  const second = await runCluster(from);
  expect(second.hash).toBe(first.hash);
  expect(second.events).toBe(first.events);
});
