import { describe, expect, it } from "vitest";
import { runStorm } from "../../testing/replica-storm.ts";

const seeds = Number(process.env["VARVE_STORM_SEEDS"] ?? 6);
const firstSeed = Number(process.env["VARVE_STORM_SEED"] ?? 1);

describe("a storm over three replicas", () => {
  const seen = new Map<string, number>();

  it.each(Array.from({ length: seeds }, (_, index) => firstSeed + index))(
    "loses nothing that was acknowledged with flush=sync, and comes together again (seed %i)",
    async (seed) => {
      const { acknowledged, leaderEpochs, coverage } = await runStorm({ seed, steps: 120 });
      expect(acknowledged).toBeGreaterThan(0);
      seen.set("epoch", (seen.get("epoch") ?? 0) + leaderEpochs);
      for (const [what, count] of coverage) seen.set(what, (seen.get(what) ?? 0) + count);
    },
    60_000,
  );

  it.each([101, 102, 103])(
    "loses nothing that was acknowledged with flush=os when processes die, all of them at once included (seed %i)",
    async (seed) => {
      const { acknowledged } = await runStorm({ seed, steps: 60, flush: "os" });
      expect(acknowledged).toBeGreaterThan(0);
    },
    60_000,
  );

  it("was one: crashes, cuts and elections happened, and producers were refused", () => {
    for (const what of ["kill", "power", "blackout", "cut", "deaf", "fence", "epoch", "acknowledged"]) {
      expect(seen.get(what) ?? 0, what).toBeGreaterThan(0);
    }
  });
});
