// SPDX-License-Identifier: Apache-2.0
// The command line against a real node as a process: what a person does in an afternoon, checked byte for byte. What goes in or out
// through pipes, fails, or is stopped, is a process too.

import { connect } from "@varve/client";
import { spawn } from "node:child_process";
import { createReadStream, existsSync } from "node:fs";
import { open, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { kafkaPartition } from "./first-run/kafka-partition.ts";
import { samplePath } from "./first-run/sample.ts";
import { runHere } from "./testing/run-here.ts";
import { launcher, RunningVarve, TestNode, varve } from "./testing/spawn-varve.ts";

let node: TestNode;

beforeAll(async () => {
  node = await TestNode.start();
});

afterAll(async () => node?.[Symbol.asyncDispose]());

/** Runs a command that must succeed, in this process; gives what it printed. */
async function ok(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await runHere(args, node.address);
  expect(stderr, args.join(" ")).not.toContain("varve: ");
  expect([args.join(" "), exitCode]).toEqual([args.join(" "), 0]);
  return stdout.toString("latin1");
}

/** The same as a process: its stdout. */
async function okAsProcess(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await node.varve(args);
  expect(stderr, args.join(" ")).not.toContain("varve: ");
  expect([args.join(" "), exitCode]).toEqual([args.join(" "), 0]);
  return stdout.toString("latin1");
}

/** Makes a topic of one partition with these values in it, where that is not what is tried: a process each would take its time. */
async function fill({ address }: TestNode, topic: string, ...values: readonly string[]): Promise<void> {
  await using client = await connect({ address });
  await client.admin.createTopic({ topic, partitions: 1 });
  const producer = client.producer();
  await Promise.all(values.map((value) => producer.send({ topic, value })));
}

async function okWithInput(input: Uint8Array | string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await node.varve(args, { input });
  expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining("varve: ")]);
  return stdout.toString("latin1");
}

describe("varve topic", () => {
  it("creates, lists, describes, alters and deletes", async () => {
    expect(await ok("topic", "create", "life", "--partitions", "2", "-c", "retention.ms=2d")).toBe(
      'Created topic "life" with 2 partitions.\n',
    );
    expect(await ok("topic", "list", "--prefix", "li")).toMatch(
      /^TOPIC +PARTITIONS +REPLICAS +ID\nlife +2 +1 +[0-9a-f]{32}\n$/,
    );
    expect(await ok("topic", "describe", "life")).toMatch(/retention\.ms +172800000 +topic/);
    expect(await ok("topic", "alter", "life", "--partitions", "3", "--dry-run")).toContain("Would change");
    expect(JSON.parse(await ok("topic", "describe", "life", "-o", "json"))).toMatchObject({
      partitions: { length: 2 },
    });
    expect(await ok("topic", "alter", "life", "--partitions", "3", "--unset", "retention.ms")).toContain(
      "it has 3 partitions",
    );
    expect(JSON.parse(await ok("topic", "describe", "life", "-o", "json"))).toMatchObject({
      topic: "life",
      partitions: { length: 3 },
      configs: expect.arrayContaining([
        expect.objectContaining({ name: "retention.ms", source: "CONFIG_SOURCE_DEFAULT" }),
      ]),
    });
    expect(await ok("topic", "delete", "life", "--dry-run")).toContain("Would delete");
    const asked = await node.varve(["topic", "delete", "life"]);
    expect([asked.exitCode, asked.stderr]).toEqual([6, expect.stringContaining("--yes")]);
    expect(await ok("topic", "delete", "life", "--yes")).toContain('Deleted topic "life"');
    expect((await node.varve(["topic", "describe", "life"])).exitCode).toBe(4);
    await ok("topic", "create", "latest", "--partitions", "1", "-c", "cleanup.policy=compact");
    expect(await ok("topic", "describe", "latest")).toMatch(/^Topic "latest", id \w+, 0 offsets, /);
  });

  it("refuses with reasons and says what to do", async () => {
    await ok("topic", "create", "twice", "--partitions", "1");
    const twice = await node.varve(["topic", "create", "twice"]);
    expect([twice.exitCode, twice.stderr]).toEqual([1, expect.stringContaining("TOPIC_ALREADY_EXISTS")]);
    expect(await ok("topic", "create", "twice", "--if-not-exists")).toBe('Topic "twice" exists.\n');
    const key = await node.varve(["topic", "create", "other", "-c", "retention.mss=1"]);
    expect([key.exitCode, key.stderr]).toEqual([1, expect.stringContaining("retention.ms")]);
    const prefix = await node.varve(["topic", "list", "--prefix", "zz"]);
    expect([prefix.stdout.toString(), prefix.stderr]).toEqual(["", expect.stringContaining('begins with "zz"')]);
    const trim = await node.varve(["topic", "trim", "twice", "--before", "9", "--yes"]);
    expect([trim.exitCode, trim.stdout.toString()]).toEqual([1, expect.stringContaining("only 0 are committed")]);
    const dry = await node.varve(["topic", "trim", "twice", "--before", "9", "--dry-run"]);
    expect([dry.exitCode, dry.stderr]).toEqual([1, expect.stringContaining("Could not trim 1 partition")]);
    const where = await node.varve(["topic", "list", "--address", "http://localhost:1"]);
    expect([where.exitCode, where.stderr]).toEqual([2, expect.stringContaining("host:port")]);
    const missing = await node.varve(["topic", "describe"]);
    expect([missing.exitCode, missing.stderr]).toEqual([2, expect.stringContaining("varve topic describe --help")]);
    const unknown = await node.varve(["produce", "nowhere"], { input: "x\n" });
    expect([unknown.exitCode, unknown.stderr]).toEqual([4, expect.stringContaining("varve topic create nowhere")]);
  });
});

describe("varve produce and consume", () => {
  it("give back every byte of the sample, by partition, with keys and times", async () => {
    await ok("topic", "create", "quakes", "--partitions", "3");
    const sent = await okAsProcess(
      "produce",
      "quakes",
      samplePath,
      "--skip-header",
      "--key-field",
      "EventID",
      "--time-field",
      "1",
      "--time-format",
      "%Y/%m/%d %H:%M:%S.%f",
      "-o",
      "json",
    );
    expect(JSON.parse(sent)).toMatchObject({ records: 465, badLines: 0, partitions: { length: 3 } });
    const lines = (await readFile(samplePath, "latin1")).split("\n").slice(1, -1);
    const keyOf = (line: string): string => line.split(",")[11] ?? "";
    for (const partition of [0, 1, 2]) {
      const expected = lines.filter((line) => kafkaPartition(Buffer.from(keyOf(line)), 3) === partition);
      expect(await okAsProcess("consume", "quakes", "--partition", String(partition))).toBe(
        expected.map((line) => `${line}\n`).join(""),
      );
      const places = await ok("consume", "quakes", "-p", String(partition), "-f", "%t %p %o %k %T\\n");
      expect(places).toBe(
        expected.map((line, offset) => `quakes ${partition} ${offset} ${keyOf(line)} ${timeOf(line)}\n`).join(""),
      );
    }
  });

  it("start and end where they are told to", async () => {
    const lines = (await readFile(samplePath, "latin1")).split("\n").slice(1, -1);
    const between = await ok(
      "consume",
      "quakes",
      "--from",
      "time:2016-04-01T00:00:00Z",
      "--to",
      "time:2016-05-01T00:00:00Z",
    );
    expect(between.split("\n").slice(0, -1).sort()).toEqual(lines.filter((line) => line.startsWith("2016/04/")).sort());
    const filtered = await node.varve([
      "consume",
      "quakes",
      "--filter-from",
      "2016-04-01",
      "--filter-to",
      "2016-05-01",
    ]);
    expect(filtered.stdout.toString().split("\n").sort()).toEqual(between.split("\n").sort());
    expect(filtered.stderr).toMatch(/Left out \d+ records/);
    expect(await ok("consume", "quakes", "-p", "1", "--from", "7", "--to", "9", "-f", "%o,")).toBe("7,8,");
    expect((await ok("consume", "quakes", "-n", "5")).split("\n")).toHaveLength(6);
    expect((await ok("consume", "quakes", "--from", "last:1")).split("\n")).toHaveLength(4);
    const json = JSON.parse(await ok("consume", "quakes", "-p", "0", "--to", "count:1", "-o", "json")) as unknown;
    expect(json).toMatchObject({ topic: "quakes", partition: 0, offset: 0, headers: [] });
  });

  it("find offsets by time", async () => {
    const rows = JSON.parse(await ok("offsets", "quakes", "--at", "time:2016-07-01T00:00:00Z", "-o", "json")) as {
      partition: number;
      offset: number;
      highWatermark: number;
    }[];
    const lines = (await readFile(samplePath, "latin1")).split("\n").slice(1, -1);
    for (const row of rows) {
      const own = lines.filter((line) => kafkaPartition(Buffer.from(line.split(",")[11] ?? ""), 3) === row.partition);
      expect(row).toMatchObject({ offset: own.findIndex((line) => line >= "2016/07"), highWatermark: own.length });
    }
    expect(await ok("offsets", "quakes")).toMatch(/^PARTITION +START +HIGH WATERMARK +END\n/);
    const beyond = await node.varve(["consume", "quakes", "-p", "0", "--from", "9999"]);
    expect([beyond.exitCode, beyond.stderr]).toEqual([4, expect.stringContaining("varve offsets quakes")]);
  });

  it("keep keys, headers, null and any bytes", async () => {
    await fill(node, "bytes");
    const input = Buffer.from("k1:va\xfflue\r\n:no key\nk2:\n", "latin1");
    await okWithInput(input, "produce", "bytes", "--key-delimiter", ":", "--empty-is-null", "-H", "a=1", "-H", "b=x=y");
    expect(await okAsProcess("consume", "bytes", "-f", "[%k|%K|%v|%V|%h]\\n")).toBe(
      "[k1|2|va\xfflue\r|7|a=1,b=x=y]\n[|-1|no key|6|a=1,b=x=y]\n[k2|2||-1|a=1,b=x=y]\n",
    );
  });

  it.each(["gzip", "snappy", "lz4", "zstd"])("send batches compressed with %s", async (codec) => {
    const input = Array.from({ length: 2000 }, (_, index) => `line ${index} of many that look alike\n`).join("");
    await fill(node, `codec-${codec}`);
    await okWithInput(input, "produce", `codec-${codec}`, "--codec", codec, "-q");
    expect(await okAsProcess("consume", `codec-${codec}`)).toBe(input);
  });

  it("follow new records until Ctrl-C, exit 0", async () => {
    await fill(node, "live");
    const following = new RunningVarve(["consume", "live", "--follow"], { env: { VARVE_ADDRESS: node.address } });
    await okWithInput("one\n", "produce", "live");
    await following.waitFor(/^one\n$/);
    await okWithInput("two\n", "produce", "live");
    await following.waitFor(/^one\ntwo\n$/);
    following.kill("SIGINT");
    expect(await following.finished).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("stop at a bad line or skip it, as told", async () => {
    await fill(node, "bad");
    const input = "2016-01-01 a\nnonsense b\n2016-01-02 c\n";
    const args = ["produce", "bad", "--time-field", "1", "--delimiter", " ", "--time-format", "iso"];
    const stopped = await node.varve(args, { input });
    expect([stopped.exitCode, stopped.stderr]).toEqual([1, expect.stringContaining("line 2")]);
    expect(stopped.stderr).toContain("Acknowledged before the failure: 1 record.");
    expect(await ok("consume", "bad")).toBe("2016-01-01 a\n");
    const skipped = await node.varve([...args, "--bad-lines", "skip"], { input });
    expect([skipped.exitCode, skipped.stderr]).toEqual([0, expect.stringContaining("Skipped 1 line that")]);
    expect(await ok("consume", "bad", "--from", "1")).toBe("2016-01-01 a\n2016-01-02 c\n");
  });

  it("keep a rate", async () => {
    await fill(node, "slow");
    const startMs = performance.now();
    await okWithInput("a\nb\nc\nd\ne\nf\n", "produce", "slow", "--rate", "10");
    expect(performance.now() - startMs).toBeGreaterThan(500);
  });

  it("do not mind a reader that leaves", async () => {
    const reading = new RunningVarve(["consume", "codec-lz4"], { env: { VARVE_ADDRESS: node.address } });
    reading.child.stdout?.destroy();
    expect(await reading.finished).toMatchObject({ exitCode: 0, stderr: "" });
  });

  it("say in words what files are wrong, before anything is sent", async () => {
    const files = [samplePath, join(node.directory, "nothing.csv")];
    const missing = await node.varve(["produce", "bytes", ...files]);
    expect([missing.exitCode, missing.stderr]).toEqual([4, expect.stringContaining("there is no such file")]);
    const directory = await node.varve(["produce", "bytes", node.directory]);
    expect([directory.exitCode, directory.stderr]).toEqual([1, expect.stringContaining("it is a directory")]);
    expect((await ok("consume", "bytes")).split("\n")).toHaveLength(4);
  });

  it.skipIf(!existsSync("/dev/full"))("say that the output cannot be written, exit 1", async () => {
    const child = spawn("bash", ["-c", `"${process.execPath}" "${launcher}" consume codec-lz4 > /dev/full`], {
      env: { ...process.env, VARVE_ADDRESS: node.address },
      timeout: 30_000,
    });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    const exitCode = await new Promise((resolve) => child.on("close", resolve));
    expect([exitCode, stderr]).toEqual([1, expect.stringMatching(/^varve: Cannot write the output: ENOSPC.*\n$/)]);
  });

  it("carry the whole access log, by client address and event time", async (context) => {
    const log = join(process.env["VARVE_TEST_DATA"] ?? "/nonexistent", "access.log");
    if (!existsSync(log)) return context.skip("VARVE_TEST_DATA does not lead to access.log");
    await fill(node, "visits");
    await ok(
      "produce",
      "visits",
      log,
      "--delimiter",
      " ",
      "--key-field",
      "1",
      "--time-pattern",
      String.raw`\[([^\]]+)\]`,
      "--time-format",
      "apache",
      "--codec",
      "zstd",
    );
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream(log)) chunks.push(chunk as Buffer);
    expect(await okAsProcess("consume", "visits")).toBe(Buffer.concat(chunks).toString("latin1"));
    const lines = Buffer.concat(chunks).toString("latin1").split("\n");
    const day = await ok("consume", "visits", "--filter-from", "2015-05-18", "--filter-to", "2015-05-19");
    expect(day).toBe(
      lines
        .filter((line) => line.includes("[18/May/2015:"))
        .map((line) => `${line}\n`)
        .join(""),
    );
  });
});

describe("varve topic trim", () => {
  it("says what goes, asks, and deletes it", async () => {
    expect(await ok("topic", "trim", "quakes", "--before", "50", "--partition", "0", "--dry-run")).toContain(
      "Would delete 50 records",
    );
    expect((await node.varve(["topic", "trim", "quakes", "--before", "50"])).exitCode).toBe(6);
    await ok("topic", "trim", "quakes", "--before", "50", "--partition", "0", "--yes");
    expect(await ok("consume", "quakes", "-p", "0", "--to", "count:1", "-f", "%o")).toBe("50");
  });
});

describe("varve bench", () => {
  it("measures both ways, and its records are there", async () => {
    const produced = JSON.parse(await ok("bench", "produce", "-n", "2000", "-o", "json")) as Record<string, number>;
    expect(produced).toMatchObject({ records: 2000 });
    expect(produced["p99Ms"]).toBeGreaterThan(0);
    expect(JSON.parse(await ok("bench", "consume", "-o", "json"))).toMatchObject({ records: 2000 });
  });
});

describe("varve serve", () => {
  it("refuses a directory that another node holds, says what to do, and leaves that one alone", async () => {
    const second = await varve(["serve", "--data-dir", node.dataDir, "--grpc", "127.0.0.1:0", "--http", "off"]);
    expect([second.exitCode, second.stdout.toString()]).toEqual([1, ""]);
    expect(second.stderr).toContain("is in use by another broker");
    expect(second.stderr).toContain(node.dataDir);
    expect(second.stderr).toContain("--data-dir");
    await fill(node, "still-served", "x");
    expect(await ok("consume", "still-served")).toBe("x\n");
  });

  it("stops in order on SIGTERM, exit 0, and finds its records again; inspect finds no fault, then damage", async () => {
    const own = await TestNode.start();
    try {
      await fill(own, "kept", "a", "b", "c");
      expect(await own.stop("SIGTERM")).toMatchObject({ exitCode: 0, signal: null });
      const whole = await varve(["inspect", "log", own.dataDir, "--batches"]);
      expect([whole.exitCode, whole.stderr]).toEqual([0, ""]);
      expect(whole.stdout.toString()).toMatch(/kept-0 +1 +\d+ +3 +0 +3 /);
      expect(whole.stdout.toString()).toContain("No faults.");

      const again = await TestNode.start({ directory: own.directory });
      expect((await again.varve(["consume", "kept"])).stdout.toString()).toBe("a\nb\nc\n");
      expect((await again.stop("SIGINT")).exitCode).toBe(0);

      const segment = await firstSegment(join(own.dataDir, "topics/kept-0"));
      await flipByte(segment, 70);
      const damaged = await varve(["inspect", "segment", segment, "-o", "json"]);
      expect(damaged.exitCode).toBe(5);
      expect(JSON.parse(damaged.stdout.toString())).toMatchObject({ faults: [{ kind: "damage", positionBytes: 0 }] });
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it("--dev lets a first produce make its topic, as a client that asks for nothing else sends it", async () => {
    await using dev = await TestNode.start({ args: ["--dev"] });
    await using client = await connect({ address: dev.address });
    const records = [{ key: null, value: Buffer.from("first"), headers: [] }];
    const { results } = await client.append({ topic: "sprung-up", records });
    expect(results).toMatchObject([{ baseOffset: 0 }]);
    expect((await dev.varve(["consume", "sprung-up"])).stdout.toString()).toBe("first\n");
    await using strict = await connect({ address: node.address });
    await expect(strict.append({ topic: "sprung-up", records })).rejects.toMatchObject({ reason: "UNKNOWN_TOPIC" });
  });

  it("says every error of its configuration at once and starts nothing", async () => {
    const file = join(node.directory, "bad.yaml");
    await writeFile(file, "grpc: nowhere\nretention-intervall: 1m\n");
    const { exitCode, stderr } = await varve(["serve", "--config", file], { cwd: node.directory });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('"grpc" in');
    expect(stderr).toContain("retention-interval");
    expect(existsSync(join(node.directory, "varve-data"))).toBe(false);
  });
});

describe("varve config", () => {
  it("prints values with their origins: flag over environment over file over default", async () => {
    const file = join(node.directory, "good.yaml");
    await writeFile(file, "data-dir: /file\nhttp: off\ngrpc: 1000\n");
    const { stdout, exitCode } = await varve(["config", "--config", file, "--data-dir", "/flag"], {
      env: { VARVE_DATA_DIR: "/env", VARVE_GRPC: "2000" },
    });
    expect(exitCode).toBe(0);
    expect(stdout.toString()).toMatch(/^data-dir +\/flag +--data-dir$/m);
    expect(stdout.toString()).toMatch(/^grpc +2000 +VARVE_GRPC$/m);
    expect(stdout.toString()).toMatch(/^http +\S+ +.*good\.yaml$/m);
    expect(stdout.toString()).toMatch(/^log-level +info +default$/m);
  });
});

describe("varve inspect", () => {
  it("journal shows what was acknowledged before a kill, and where it is", async () => {
    const own = await TestNode.start();
    try {
      await fill(own, "killed", "a", "b");
      await own.stop("SIGKILL");
      const shown = await varve(["inspect", "journal", own.dataDir]);
      expect(shown.exitCode).toBe(0);
      expect(shown.stdout.toString()).toMatch(/^checkpoint-a +ok /m);
      expect(shown.stdout.toString()).toMatch(/ append +\S+ +\S+ +epoch \d+ +\d+ +yes$/m);
      const { stdout } = await varve(["inspect", "journal", own.dataDir, "-o", "json"]);
      const report = JSON.parse(stdout.toString()) as { rounds: { records: { type: string; end: number }[] }[] };
      const appends = report.rounds.flatMap(({ records }) => records).filter(({ type }) => type === "append");
      expect(appends.at(-1)?.end).toBe(2);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it("without a kind is log; a file is sent to segment", async () => {
    const own = await TestNode.start();
    try {
      await fill(own, "kept", "a");
      await own.stop();
      const shown = await varve(["inspect", own.dataDir]);
      expect([shown.exitCode, shown.stdout.toString()]).toEqual([0, expect.stringMatching(/^kept-0 +1 +1 +1 +0 +1 /m)]);
      const segment = await firstSegment(join(own.dataDir, "topics/kept-0"));
      const file = await varve(["inspect", segment]);
      expect([file.exitCode, file.stderr]).toEqual([2, expect.stringContaining(`varve inspect segment ${segment}`)]);
    } finally {
      await own[Symbol.asyncDispose]();
    }
  });

  it("says that there is nothing, exit 4", async () => {
    expect((await varve(["inspect", "log", join(node.directory, "nothing")])).exitCode).toBe(4);
    expect((await varve(["inspect", "segment", join(node.directory, "0.log")])).exitCode).toBe(4);
    expect((await varve(["inspect", "journal", join(node.directory, "nothing")])).exitCode).toBe(4);
  });
});

function timeOf(line: string): number {
  return Date.parse(`${line.slice(0, 22).replaceAll("/", "-").replace(" ", "T")}Z`);
}

async function firstSegment(directory: string): Promise<string> {
  const name = (await readdir(directory)).find((file) => file.endsWith(".log"));
  if (name === undefined) throw new Error(`No segment in ${directory}`);
  return join(directory, name);
}

async function flipByte(path: string, at: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] ?? 0) ^ 1;
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}
