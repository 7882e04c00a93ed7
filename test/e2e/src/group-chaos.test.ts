// A consumer group of processes on three nodes, while members, the coordinator and leaders are killed: every record is handled at least
// once, the order of every key is kept, and nothing comes twice without a fault that explains it.
//
//   VARVE_GROUP_RECORDS=200000 VARVE_GROUP_MEMBERS=8 VARVE_GROUP_PARTITIONS=24 VARVE_GROUP_ROUNDS=12 VARVE_GROUP_LINES=FILE …

import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RandomStream } from "raft-ts/testing";
import { expect, it } from "vitest";
import { GroupChaos, groupFaults } from "./group-chaos.ts";

const records = Number(process.env["VARVE_GROUP_RECORDS"] ?? 6_000);
const members = Number(process.env["VARVE_GROUP_MEMBERS"] ?? 3);
const partitions = Number(process.env["VARVE_GROUP_PARTITIONS"] ?? 6);
const rounds = Number(process.env["VARVE_GROUP_ROUNDS"] ?? groupFaults.length);
const seed = Number(process.env["VARVE_GROUP_SEED"] ?? 1);

/** Of a web server: real ones where there is a file, else some of their kind. */
function linesOf(path: string | undefined): string[] {
  if (path !== undefined) return readFileSync(path, "utf8").split("\n").filter(Boolean);
  const random = new RandomStream(seed, "lines");
  return Array.from({ length: 1_000 }, (_, index) => `10.0.0.${random.below(60)} - - "GET /${index} HTTP/1.1" 200`);
}

it("a group of processes loses nothing, keeps the order of keys, and repeats only what a fault explains", async () => {
  const directory = await mkdtemp(join(tmpdir(), "varve-groups-"));
  const lines = linesOf(process.env["VARVE_GROUP_LINES"]);
  const chaos = await GroupChaos.start({ directory, seed, members, partitions, lines });
  try {
    for (let round = 0; round < rounds; round += 1) {
      const fault = groupFaults[round % groupFaults.length] ?? "kill-member";
      await chaos.round(fault, Math.floor(records / rounds));
      console.log(`${fault}: ${chaos.handled.count()} handled, ${chaos.handled.repeated} of them again`);
    }
    expect(await chaos.finish()).toEqual([]);
  } finally {
    await chaos.close();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  }
}, 1_800_000);
