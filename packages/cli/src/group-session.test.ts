// SPDX-License-Identifier: Apache-2.0
// varve group and varve consume --group against a real node: groups that are watched, moved, forked and limited while members run.

import { connect, type Client } from "@varve/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RunningVarve, TestNode } from "./testing/spawn-varve.ts";

let node: TestNode;
let client: Client;
const topic = "orders";
const records = 60;

beforeAll(async () => {
  node = await TestNode.start();
  client = await connect({ address: node.address });
  await client.admin.createTopic({ topic, partitions: 3 });
  const producer = client.producer();
  for (let n = 0; n < records; n += 1) {
    void producer.send({ topic, partition: n % 3, value: `${n}`, timestampMs: 1_460_000_000_000 + n * 1000 });
  }
  await producer.close();
});

afterAll(async () => {
  await client?.close();
  await node?.[Symbol.asyncDispose]();
});

async function ok(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await node.varve(args);
  expect([args.join(" "), exitCode, stderr]).toEqual([args.join(" "), 0, expect.not.stringContaining("varve: ")]);
  return stdout.toString();
}

function member(group: string, ...args: string[]): RunningVarve {
  return new RunningVarve(["consume", topic, "--group", group, ...args], { env: { VARVE_ADDRESS: node.address } });
}

async function stopped(running: RunningVarve): Promise<string> {
  running.kill("SIGINT");
  const { exitCode, stderr, stdout } = await running.finished;
  expect([exitCode, stderr]).toEqual([0, ""]);
  return stdout.toString();
}

const sorted = (text: string): string[] => text.split("\n").slice(0, -1).sort();
const all = Array.from({ length: records }, (_, n) => `${n}`).sort();

describe("varve consume --group", () => {
  it("prints what the group has not read, commits what it printed, and goes on there", async () => {
    const first = await ok("consume", topic, "--group", "billing", "--from", "earliest", "-n", "25");
    expect(sorted(first)).toHaveLength(25);
    await ok("group", "lag", "billing", "--until", "35");
    const second = await ok("consume", topic, "--group", "billing", "-n", "35");
    expect(sorted(first + second)).toEqual(all);
    await ok("group", "lag", "billing", "--until", "0");
  });

  it("refuses what a group cannot do", async () => {
    const { exitCode, stderr } = await node.varve(["consume", topic, "--group", "billing", "--to", "10"]);
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("varve group fork")]);
  });

  it("says at once that there is no such topic, and reads no commits as a member", async () => {
    const missing = await node.varve(["consume", "nowhere", "--group", "billing"]);
    expect([missing.exitCode, missing.stderr]).toEqual([4, expect.stringContaining("UNKNOWN_TOPIC")]);
    const commits = await node.varve(["consume", "__consumer_offsets", "--group", "billing"]);
    expect([commits.exitCode, commits.stderr]).toEqual([2, expect.stringContaining("commit again")]);
  });

  it("says that it is out of its group when no node answers", async () => {
    const alone = await TestNode.start();
    try {
      await alone.varve(["topic", "create", topic]);
      await alone.varve(["produce", topic], { input: "first\n" });
      const out = ["consume", topic, "--group", "left", "--from", "earliest"];
      const running = new RunningVarve(out, { env: { VARVE_ADDRESS: alone.address } });
      await running.waitFor(/first\n/);
      alone.process.kill("SIGKILL");
      await running.waitForNote(/Out of group "left" for 5 s/);
      running.kill("SIGKILL");
      await running.finished;
    } finally {
      await alone[Symbol.asyncDispose]();
    }
  });
});

describe("varve group", () => {
  it("lists and describes groups, their members and their lag", async () => {
    const running = member("seen", "--from", "earliest");
    await running.waitFor(/\n/);
    await ok("group", "lag", "seen", "--until", "0", "--every", "50ms");
    expect(await ok("group", "list")).toMatch(/^GROUP +STATE +MEMBERS\nbilling +empty +0\nseen +stable +1\n$/);
    const described = await ok("group", "describe", "seen");
    expect(described).toMatch(/^Group "seen": stable, generation \d+, cooperative-sticky/);
    expect(described).toContain("as fast as it can\n0 records behind\n");
    expect(described).toMatch(/^orders +2 +0 +20 +20 +0 /m);
    expect(await ok("group", "members", "seen")).toMatch(/^MEMBER .*\n\S+ +- +varve-consume .* orders 0-2 +-\n$/);
    const json = JSON.parse(await ok("group", "describe", "seen", "-o", "json")) as unknown;
    expect(json).toMatchObject({ state: "stable", members: { length: 1 }, lags: { length: 3 } });
    expect(sorted(await stopped(running))).toEqual(all);
    expect(await ok("group", "list", "--prefix", "seen")).toMatch(/seen +empty +0\n$/);
  });

  it("reset says what is skipped and seen again, asks, and moves members that run", async () => {
    const running = member("moved", "--from", "earliest", "-f", "%p/%o\\n");
    await running.waitFor(/\n/);
    await ok("group", "lag", "moved", "--until", "0", "--every", "50ms");
    const plan = await ok("group", "reset", "moved", "--to", "time:1460000030000", "--dry-run");
    expect(plan).toMatch(/^Would move 3 partitions: 0 records skipped, 30 records seen again\n/);
    expect(plan).toMatch(/^orders +1 +20 +10 +0 +10$/m);
    const asked = await node.varve(["group", "reset", "moved", "--to", "earliest"]);
    expect([asked.exitCode, asked.stdout.toString()]).toEqual([6, expect.stringContaining("60 records seen again")]);
    expect(asked.stderr).toContain("--yes");
    const done = await ok("group", "reset", "moved", "--to", "time:1460000030000", "--yes");
    expect(done).toMatch(/^Moved 3 partitions/);
    await running.waitFor(/0\/19\n[^]*0\/10\n[^]*0\/19\n/);
    await ok("group", "lag", "moved", "--until", "0", "--every", "50ms");
    const printed = sorted(await stopped(running));
    for (const line of ["0/10", "1/19", "2/15"]) expect(printed.filter((other) => other === line)).toHaveLength(2);
    expect(printed.filter((line) => line === "1/9")).toHaveLength(1);
    const one = await ok("group", "reset", "moved", "--to", "5", "--topic", topic, "-p", "1", "--yes", "-o", "json");
    expect(JSON.parse(one)).toMatchObject([{ partition: 1, fromOffset: 20, toOffset: 5, seenAgain: 15, skipped: 0 }]);
  });

  it("fork makes a group with an end beside the first, which ends by itself", async () => {
    const range = ["--from", "time:1460000010000", "--to", "time:1460000020000"];
    const planned = await ok("group", "fork", "moved", "again", ...range, "--rate", "1000", "--dry-run");
    expect(planned).toMatch(/^Would make group "again", at most 1,000 records\/s\nTOPIC .*\norders +0 +4 +7\n/);
    expect((await node.varve(["group", "describe", "again"])).exitCode).toBe(4);
    const made = await ok("group", "fork", "moved", "again", ...range, "--rate", "1000");
    expect(made).toMatch(/^Made group "again", at most 1,000 records\/s\nTOPIC .*\norders +0 +4 +7\n/);
    const printed = await ok("consume", topic, "--group", "again");
    expect(sorted(printed)).toEqual(all.filter((n) => Number(n) >= 10 && Number(n) < 20));
    const ended = await node.varve(["consume", topic, "--group", "again"]);
    expect([ended.exitCode, ended.stderr]).toEqual([0, 'Group "again" is at its end.\n']);
    for (const [change, where] of [
      [["fork", "moved", "beyond", "--from", "999"], "Cannot begin in partition 0"],
      [["reset", "moved", "--to", "999", "--yes"], "; 2 other partitions cannot be moved either"],
    ] as const) {
      const { exitCode, stderr } = await node.varve(["group", ...change]);
      expect([exitCode, stderr]).toEqual([4, expect.stringContaining(where)]);
      expect(stderr).toContain("offset 999 is not in the log, which has 0 to 20");
    }
    expect(await ok("group", "list", "--prefix", "again")).toMatch(/again +finished +0\n$/);
  });

  it("rate limits a group and says so", async () => {
    expect(await ok("group", "rate", "slow", "2k", "5MB/s")).toBe(
      'Group "slow" reads at most 2,000 records/s and 4.8 MiB/s.\n',
    );
    expect(await ok("group", "rate", "slow")).toContain("at most 2,000 records/s");
    expect(await ok("group", "rate", "slow", "none")).toBe('Group "slow" reads as fast as it can.\n');
    const both = await node.varve(["group", "rate", "slow", "none", "5"]);
    expect([both.exitCode, both.stderr]).toEqual([2, expect.stringContaining("give none alone")]);
    const twice = await node.varve(["group", "rate", "slow", "5", "6"]);
    expect([twice.exitCode, twice.stderr]).toEqual([2, expect.stringContaining("the same twice")]);
  });

  it("delete asks, and a group with members stays", async () => {
    const running = member("busy", "--from", "earliest");
    await running.waitFor(/\n/);
    await ok("group", "lag", "busy", "--until", "0", "--every", "50ms");
    const refused = await node.varve(["group", "delete", "busy", "--yes"]);
    expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining("varve group members busy")]);
    await stopped(running);
    expect(await ok("group", "delete", "busy", "--dry-run")).toContain("offsets in 3 partitions");
    expect((await node.varve(["group", "delete", "busy"])).exitCode).toBe(6);
    await ok("group", "delete", "busy", "--yes");
    const gone = await node.varve(["group", "describe", "busy"]);
    expect([gone.exitCode, gone.stderr]).toEqual([4, expect.stringContaining("varve group list")]);
  });

  it("lag --watch says how it changes, one document a line as JSON, until Ctrl-C", async () => {
    const args = ["group", "lag", "moved", "--watch", "--every", "30ms"];
    const watching = new RunningVarve(args, { env: { VARVE_ADDRESS: node.address } });
    await watching.waitFor(/records? behind[^]*records? behind[^;]*; unchanged; it has no members/);
    watching.kill("SIGINT");
    expect(await watching.finished).toMatchObject({ exitCode: 0, stderr: "" });
    const lines = await ok("group", "lag", "billing", "--until", "0", "-o", "json");
    expect(JSON.parse(lines)).toMatchObject({ lags: { length: 3 }, time: expect.any(String) });
  });
});
