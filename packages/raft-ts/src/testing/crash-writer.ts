// SPDX-License-Identifier: Apache-2.0
/**
 * The process that the crash test kills: `crash-writer DIRECTORY SEED` opens the storage there and does random steps to it for
 * ever. It says what it does, one line each, so that its parent knows what was promised:
 *
 *   blank             the directory was empty, and belongs to no cluster yet
 *   open DIGEST       all that the storage holds, as it came back
 *   begin DIGEST      what it will hold after the step that starts now
 *   ack               that step is promised
 *   suspect REASON    the storage does not trust itself; ends with exit code 3
 */

import { LevelStorage } from "../storage/index.ts";
import { crc32c } from "../storage/crc32c.ts";
import type { OpenedStorage, Storage } from "../runtime/ports.ts";
import { RandomStream } from "./random-stream.ts";
import { StorageModel, type ModelContents } from "./storage-model.ts";
import { readBytes, readEntries, sessionDocument } from "./storage-session.ts";
import { planStep, type StorageStep } from "./storage-steps.ts";

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function digestOf(contents: ModelContents): string {
  return crc32c(Buffer.from(JSON.stringify(contents))).toString(16);
}

type DrawnStep = Exclude<StorageStep, { kind: "restart" }>;

function drawStep(random: RandomStream): DrawnStep {
  const bytes = random.chance(0.05) ? random.below(200_000) : random.below(2000);
  switch (random.pick(["append", "append", "append", "append", "vote", "save", "compact", "install"] as const)) {
    case "append": {
      const back = random.chance(0.15) ? random.between(1, 4) : 0;
      return { kind: "append", count: random.between(1, 20), bytes, rise: random.chance(0.1) ? 1 : 0, back };
    }
    case "vote":
      return { kind: "vote", rise: random.below(2) };
    case "save":
      return { kind: "save", back: random.below(3), bytes };
    case "compact":
      return { kind: "compact", back: random.below(3) };
    case "install":
      return { kind: "install", ahead: random.between(-2, 5), bytes };
  }
}

async function recover(storage: Storage, opened: OpenedStorage): Promise<StorageModel> {
  const bytes = await readBytes(storage);
  return StorageModel.recovered(opened.boot, await readEntries(storage, opened), bytes ?? "");
}

async function main(directory: string, seed: number): Promise<void> {
  const random = new RandomStream(seed, "crash-writer");
  const storage = new LevelStorage({ directory, nodeId: "n1", ballastBytes: 0 });
  let opened = await storage.open();
  if (opened.health.state === "suspect") {
    say(`suspect ${opened.health.reason}`);
    process.exitCode = 3;
    return;
  }
  if (opened.health.state === "blank") {
    say("blank");
    opened = await storage.form(sessionDocument);
  }
  const model = await recover(storage, opened);
  say(`open ${digestOf(await model.contents())}`);
  for (;;) {
    const perform = planStep(model, drawStep(random));
    if (perform === undefined) continue;
    say(`begin ${digestOf(await model.contents())}`);
    await perform(storage);
    say("ack");
  }
}

await main(process.argv[2]!, Number(process.argv[3]));
