// SPDX-License-Identifier: Apache-2.0
// varve replay against a real node, as processes: what comes out is what went in, also after a kill.

import { connect, type Client } from "@varve/client";
import { existsSync } from "node:fs";
import { appendFile, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { samplePath } from "./first-run/sample.ts";
import { run } from "./program.ts";
import { silentTerminal } from "./testing/silent-terminal.ts";
import { RunningVarve, TestNode } from "./testing/spawn-varve.ts";

let node: TestNode;
let client: Client;
const records = 6000;

beforeAll(async () => {
  node = await TestNode.start();
  client = await connect({ address: node.address });
  await client.admin.createTopic({ topic: "source", partitions: 3 });
  const producer = client.producer();
  for (let n = 0; n < records; n += 1) {
    void producer.send({
      topic: "source",
      key: n % 7 === 0 ? null : `k${n % 50}`,
      // Some are alike, some are no text, some are null.
      value: n % 11 === 0 ? null : n % 5 === 0 ? Uint8Array.of(0xff, 0, n % 3) : `value ${n % 400}`,
      headers: n % 3 === 0 ? [{ key: "h", value: n % 2 === 0 ? null : "x" }] : [],
      timestampMs: 1_450_000_000_000 + (n % 97) * 1000,
    });
  }
  await producer.close();
  expect((await readBack("source")).length).toBe(records);
});

afterAll(async () => {
  await client?.close();
  await node?.[Symbol.asyncDispose]();
});

async function ok(...args: string[]): Promise<{ out: string; notes: string }> {
  const { exitCode, stdout, stderr } = await node.varve(args);
  expect([args.join(" "), exitCode, stderr]).toEqual([args.join(" "), 0, expect.not.stringContaining("varve: ")]);
  return { out: stdout.toString("latin1"), notes: stderr };
}

/** All that a topic holds, in the order of its partitions, without what a copy need not have. */
async function readBack(topic: string, what: { order?: "partition" | "none" } = {}): Promise<string[]> {
  const rows: { partition: number; text: string }[] = [];
  for await (const record of client.reader({ topic, to: { kind: "latest-at-start" } })) {
    const { partition, key, value, headers, timestampMs } = record;
    const hex = (bytes: Uint8Array | null): string | null =>
      bytes === null ? null : Buffer.from(bytes).toString("hex");
    const fields = [hex(key), hex(value), headers.map((header) => [header.key, hex(header.value)]), timestampMs];
    rows.push({ partition, text: JSON.stringify(fields) });
  }
  const byPartition = [...rows].sort((a, b) => a.partition - b.partition).map((row) => `${row.partition} ${row.text}`);
  return what.order === "none" ? rows.map((row) => row.text).sort() : byPartition;
}

async function endOf(topic: string): Promise<number> {
  const rows = await client.admin.listOffsets({ topic });
  return rows.reduce((sum, row) => sum + row.highWatermark, 0);
}

/** Waits until it is so, and fails when that takes longer than anything here does, or the process ends before. */
async function until(isSo: () => Promise<boolean>, what: string, running?: RunningVarve): Promise<void> {
  const endMs = Date.now() + 25_000;
  while (!(await isSo())) {
    if (running !== undefined && running.child.exitCode !== null) {
      throw new Error(`The process ended before ${what}: ${(await running.finished).stderr}`);
    }
    if (Date.now() > endMs) throw new Error(`After 25 s still not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A replay that is killed when it has written a state file and more. Resolves with the command's arguments. */
async function killHalfWay(args: readonly string[], state: string, isFurther: (saved: number) => Promise<boolean>) {
  const running = new RunningVarve(["replay", "source", "--rate", "2500", ...args, "--resume", state, "-q"], {
    cwd: node.directory,
    env: { VARVE_ADDRESS: node.address },
  });
  const isHalfWay = async (): Promise<boolean> => {
    const saved = existsSync(state) ? (JSON.parse(await readFile(state, "utf8")) as { records: number }).records : 0;
    return saved > 0 && (await isFurther(saved));
  };
  await until(isHalfWay, "it has written a state file and more", running);
  running.kill("SIGKILL");
  await running.finished;
}

describe("varve replay --into", () => {
  it("copies every record to the partition it came from: keys, values, headers, times, order", async () => {
    await ok("topic", "create", "copy", "--partitions", "3");
    const { out, notes } = await ok("replay", "source", "--into", "copy");
    expect(out).toMatch(/^PARTITION +FROM +NEXT +RECORDS\n/);
    expect(notes).toContain("Replayed 6,000 records");
    expect(await readBack("copy")).toEqual(await readBack("source"));
  });

  it("goes by key into a topic of another number of partitions", async () => {
    await ok("topic", "create", "wider", "--partitions", "5");
    const { out } = await ok("replay", "source", "--into", "wider", "--codec", "zstd", "-o", "json");
    expect(JSON.parse(out)).toMatchObject({ records, finished: true, to: "wider" });
    expect(await readBack("wider", { order: "none" })).toEqual(await readBack("source", { order: "none" }));
    const refused = await node.varve(["replay", "wider", "--into", "source", "--partition-by", "same"]);
    expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining("--partition-by key")]);
  });

  it("goes on after a kill: nothing is missing, nothing comes twice, also beside another writer", async () => {
    await ok("topic", "create", "killed", "--partitions", "3");
    const state = join(node.directory, "killed.state");
    await killHalfWay(["--into", "killed"], state, async (saved) => (await endOf("killed")) > saved);
    const producer = client.producer();
    for (let n = 0; n < 50; n += 1) void producer.send({ topic: "killed", key: "other", value: `other ${n}` });
    await producer.close();
    const { notes } = await ok("replay", "source", "--into", "killed", "--resume", state);
    expect(notes).toMatch(/Found \d+ records? of the last run there already/);
    const other = `"${Buffer.from("other").toString("hex")}"`;
    const copied = (await readBack("killed")).filter((text) => !text.includes(other));
    expect(copied).toEqual(await readBack("source"));
    const again = await ok("replay", "source", "--into", "killed", "--resume", state);
    expect(again.notes).toContain("Nothing is left to do: 6,000 records");
  });

  it("says how far it is before the first record goes out: a kill in the first second repeats nothing", async () => {
    await ok("topic", "create", "early", "--partitions", "3");
    const state = join(node.directory, "early.state");
    const args = ["replay", "source", "--into", "early", "--resume", state];
    const running = new RunningVarve([...args, "--rate", "3000"], { env: { VARVE_ADDRESS: node.address } });
    await until(async () => (await endOf("early")) > 0, "something is copied", running);
    running.kill("SIGKILL");
    await running.finished;
    await ok(...args);
    expect(await readBack("early")).toEqual(await readBack("source"));
  });

  it("without an end goes on with what comes, until Ctrl-C, exit 0, and then there again", async () => {
    await client.admin.createTopic({ topic: "endless", partitions: 1 });
    await client.admin.createTopic({ topic: "mirror", partitions: 1 });
    const state = join(node.directory, "endless.state");
    const args = ["replay", "endless", "--to", "none", "--into", "mirror", "--resume", state, "-q"];
    for (const round of [1, 2]) {
      const running = new RunningVarve(args, { env: { VARVE_ADDRESS: node.address } });
      await client.append({ topic: "endless", records: [{ key: null, value: Buffer.from(`${round}`), headers: [] }] });
      await until(async () => (await endOf("mirror")) >= round, `round ${round} is copied`, running);
      running.kill("SIGINT");
      expect(await running.finished).toMatchObject({ exitCode: 0, stderr: "" });
    }
    expect(await readBack("mirror")).toEqual(await readBack("endless"));
  });

  it("stops at Ctrl-C with a state that is exact, exit 130, and goes on there", async () => {
    await ok("topic", "create", "stopped", "--partitions", "5");
    const state = join(node.directory, "stopped.state");
    const args = ["replay", "source", "--into", "stopped", "--resume", state];
    const running = new RunningVarve([...args, "--rate", "2000"], { env: { VARVE_ADDRESS: node.address } });
    await until(async () => (await endOf("stopped")) > 0, "something is copied", running);
    running.kill("SIGINT");
    expect(await running.finished).toMatchObject({ exitCode: 130, stderr: expect.stringContaining("not to the end") });
    const { notes } = await ok(...args);
    expect(notes).not.toContain("there already");
    expect(await readBack("stopped", { order: "none" })).toEqual(await readBack("source", { order: "none" }));
  });

  it("is refused while another process goes on from the same state file, and not when that was killed", async () => {
    await ok("topic", "create", "shared", "--partitions", "3");
    const state = join(node.directory, "shared.state");
    const args = ["replay", "source", "--into", "shared", "--resume", state];
    const running = new RunningVarve([...args, "--rate", "500", "-q"], { env: { VARVE_ADDRESS: node.address } });
    await until(async () => (await endOf("shared")) > 0, "something is copied", running);
    const second = await node.varve(args);
    expect([second.exitCode, second.stderr]).toEqual([1, expect.stringContaining("another replay that runs")]);
    expect((await node.varve([...args, "--dry-run"])).exitCode).toBe(0);
    running.kill("SIGKILL");
    await running.finished;
    await ok(...args);
    expect(await readBack("shared")).toEqual(await readBack("source"));
    expect((await readdir(node.directory)).filter((name) => name.startsWith("shared"))).toEqual(["shared.state"]);
  });

  it("refuses itself, a topic that is not there, and a state file of another replay", async () => {
    const itself = await node.varve(["replay", "source", "--into", "source"]);
    expect([itself.exitCode, itself.stderr]).toEqual([2, expect.stringContaining("into itself")]);
    const missing = await node.varve(["replay", "source", "--into", "nowhere"]);
    expect([missing.exitCode, missing.stderr]).toEqual([
      4,
      expect.stringContaining("varve topic create nowhere --partitions 3"),
    ]);
    const state = join(node.directory, "other.state");
    await ok("replay", "source", "--file", join(node.directory, "other.ndjson"), "--resume", state);
    const other = await node.varve(["replay", "source", "--into", "copy", "--resume", state]);
    expect([other.exitCode, other.stderr]).toEqual([1, expect.stringContaining("Cannot go on from")]);
    const lost = await node.varve(["replay", "source", "--file", join(node.directory, "nowhere", "x")]);
    expect([lost.exitCode, lost.stderr]).toEqual([4, expect.stringContaining("no such directory")]);
  });
});

describe("varve replay --file", () => {
  it("holds all there is of a record: produce --format records brings them back", async () => {
    const file = join(node.directory, "all.ndjson");
    await ok("replay", "source", "--file", file, "-q");
    expect((await readFile(file, "utf8")).split("\n")).toHaveLength(records + 1);
    await ok("topic", "create", "back", "--partitions", "3");
    await ok("produce", "back", file, "--format", "records", "--same-partition", "-q");
    expect(await readBack("back")).toEqual(await readBack("source"));
    const exists = await node.varve(["replay", "source", "--file", file]);
    expect([exists.exitCode, exists.stderr]).toEqual([1, expect.stringContaining("it exists already")]);
  });

  it("goes on after a kill: each record stands there once, half a line is cut off", async () => {
    const [file, state] = [join(node.directory, "killed.ndjson"), join(node.directory, "killed-file.state")];
    const size = async (): Promise<number> => (existsSync(file) ? (await readFile(file)).length : 0);
    // A third of the records: as fast as the others it could be done before it has said how far it is.
    await killHalfWay(["--file", file, "-p", "1", "--rate", "50"], state, async () => (await size()) > 0);
    // More than what is still to come would overwrite.
    await appendFile(file, '{"topic":"source","partition":1,"off'.padEnd(4 << 20, " "));
    await ok("replay", "source", "--file", file, "-p", "1", "--resume", state);
    const lines = (await readFile(file, "utf8")).split("\n");
    expect(lines.pop()).toBe("");
    const offsets = lines.map((line) => (JSON.parse(line) as { offset: number }).offset);
    expect(offsets).toEqual(
      Array.from({ length: (await readBack("source")).filter((text) => text.startsWith("1 ")).length }, (_, n) => n),
    );
    await writeFile(file, "");
    const state2 = JSON.parse(await readFile(state, "utf8")) as { finished: boolean };
    await writeFile(state, JSON.stringify({ ...state2, finished: false }));
    const shorter = await node.varve(["replay", "source", "--file", file, "-p", "1", "--resume", state]);
    expect([shorter.exitCode, shorter.stderr]).toEqual([1, expect.stringContaining("It was changed since")]);
  });
});

describe("varve replay to standard output", () => {
  beforeAll(async () => {
    await ok("topic", "create", "quakes", "--partitions", "3");
    const time = ["--time-field", "1", "--time-format", "%Y/%m/%d %H:%M:%S.%f"];
    await ok("produce", "quakes", samplePath, "--skip-header", "--key-field", "EventID", ...time, "-q");
  });

  it("prints the range in the loss-free form, or in a format, and the summary on stderr", async () => {
    const { out, notes } = await ok("replay", "quakes", "--partition", "0", "--from", "5", "--to", "count:2");
    expect(
      out
        .split("\n")
        .slice(0, -1)
        .map((line) => (JSON.parse(line) as { offset: number }).offset),
    ).toEqual([5, 6]);
    expect(notes).toMatch(/PARTITION +FROM +NEXT +RECORDS\n +0 +5 +7 +2\n/);
    expect((await ok("replay", "quakes", "--from", "last:1", "-f", "%p,", "-q")).out.split(",").sort()).toEqual([
      "",
      "0",
      "1",
      "2",
    ]);
  });

  it("does not mind a reader that leaves", async () => {
    const running = new RunningVarve(["replay", "source", "-q"], { env: { VARVE_ADDRESS: node.address } });
    running.child.stdout?.destroy();
    expect(await running.finished).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("keeps the pace of the records' own times, merged over the partitions by time", async () => {
    const lines = (await readFile(samplePath, "latin1")).split("\n").slice(1, -1);
    const april = lines.filter((line) => line.startsWith("2016/04/1"));
    const range = ["--from", "time:2016-04-10", "--to", "time:2016-04-20"];
    const { out } = await ok("replay", "quakes", ...range, "--speed", "10000000x", "-f", "%v\\n");
    expect(out).toBe(april.map((line) => `${line}\n`).join(""));
    const startMs = performance.now();
    await ok("replay", "quakes", ...range, "--speed", "1000000x", "-q");
    // Ten days and nearly all of them: 0.8 s at least.
    expect(performance.now() - startMs).toBeGreaterThan(500);
  });

  it("says what it would read with --dry-run, and leaves out what the filter does, which it counts", async () => {
    expect((await ok("replay", "quakes", "--from", "last:2", "--dry-run")).out).toMatch(/^PARTITION +FROM +TO\n/);
    const plan = JSON.parse((await ok("replay", "quakes", "--dry-run", "-o", "json")).out) as { to: number }[];
    expect(plan.reduce((sum, { to }) => sum + to, 0)).toBe(465);
    const filter = ["--filter-from", "2016-04-14", "--filter-to", "2016-04-17"];
    const { out, notes } = await ok("replay", "quakes", ...filter, "-f", "%v\\n");
    const lines = (await readFile(samplePath, "latin1")).split("\n").filter((line) => /^2016\/04\/1[456]/.test(line));
    expect(out.split("\n").slice(0, -1).sort()).toEqual(lines.sort());
    expect(notes).toContain(`Left out ${465 - lines.length} records`);
  });

  it.each([
    [["--into", "a", "--file", "b"], "two places"],
    [["--into", "a", "-f", "%v"], "Cannot print into a topic"],
    [["--partition-by", "key"], "without --into"],
    [["--rate", "1", "--speed", "1x"], "two paces"],
    [["--speed", "1x", "--to", "none"], "without an end"],
  ])("refuses %j before it looks at a node", async (args, why) => {
    const { terminal, notes } = silentTerminal();
    expect([await run(["replay", "quakes", ...args], terminal), notes.join()]).toEqual([
      2,
      expect.stringContaining(why),
    ]);
  });
});
