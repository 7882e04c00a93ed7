// SPDX-License-Identifier: Apache-2.0
// Consumer groups on one node. Commits: 1,000 groups with a member each, every member with one commit under way, durable (flush=sync);
// then half of that load, whose p99 is to stay below 4 times (p99 of a bare fdatasync + p99 of a bare stream echo), same run.
// Rebalance: 100 members over 1,000 partitions, from the first join until everybody has what it shall have; then one more comes and
// one goes: how many partitions move, against the least that have to.

import { credentials } from "@grpc/grpc-js";
import { type GroupsClient, channelOptions, loadServices } from "@varve/api";
import { driveStream, percentile } from "./broker/drive.ts";
import { GroupSession } from "./broker/group-session.ts";
import { inTurns, median } from "./broker/rounds.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { type BareSyncs, bareSyncs } from "./cluster/bare-syncs.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "groups";
export const description =
  "commits of 1,000 groups, at full and half load; rebalance of 100 members over 1,000 partitions";

const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "4");
const rounds = 5;
const groupCount = 1_000;
const memberCount = 100;
const partitionCount = 1_000;
/** A connection carries so many sessions. */
const perConnection = 50;

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const bare = await ServerProcess.bare();
    const server = await ServerProcess.broker(directory);
    try {
      return [...(await commits(directory, bare, server)), ...(await rebalances(server))];
    } finally {
      await bare.stop();
      await server.stop();
    }
  });
}

async function commits(directory: string, bare: ServerProcess, server: ServerProcess): Promise<Row[]> {
  await server.createTopic("commits");
  const members = await Members.join(server);
  const bareMembers = await Members.join(bare);
  const full = await load(members.sessions, Infinity);
  const perSecond = full.length / seconds;
  const fields = { topic: "bench", partition: 0, records: [{ value: Buffer.alloc(100, 98) }] };
  // In turns: what a disk and two processors do changes from one half minute to the next.
  const [syncs, echoes, bareHalves, halves] = (await inTurns<BareSyncs | Float64Array>(rounds, [
    () => bareSyncs(directory, seconds / 2),
    async () => (await driveStream(bare, fields, { inFlight: 64, seconds: seconds / 2 })).latencies,
    () => load(bareMembers.sessions, perSecond / 2),
    () => load(members.sessions, perSecond / 2),
  ])) as [BareSyncs[], Float64Array[], Float64Array[], Float64Array[]];
  await Promise.all([members.leave(), bareMembers.leave()]);
  const times = (echo: readonly Float64Array[]): string => {
    const ratios = halves.map((half, round) => p99Of(half) / ((syncs[round]?.["p99 ms"] ?? 0) + p99Of(echo[round])));
    return `${median(ratios).toFixed(1)} (${Math.min(...ratios).toFixed(1)}-${Math.max(...ratios).toFixed(1)})`;
  };
  return [
    {
      what: "bare fdatasync",
      "per second": Math.round(median(syncs.map((sync) => sync["per second"]))),
      "p50 ms": median(syncs.map((sync) => sync["p50 ms"])),
      "p99 ms": median(syncs.map((sync) => sync["p99 ms"])),
    },
    latencyRow("bare stream echo, 64 in flight", seconds / 2, echoes),
    latencyRow(`commits of ${groupCount} groups, each waits for its own`, seconds, [full]),
    latencyRow(`half of that load on ${groupCount} bare streams that say yes`, seconds, bareHalves),
    {
      ...latencyRow("half of that load", seconds, halves),
      "of fdatasync + echo": times(echoes),
      "of fdatasync + bare streams": times(bareHalves),
      aim: "p99 <= 4 times",
    },
  ];
}

/** A group each, with the same topic. */
class Members {
  readonly sessions: readonly GroupSession[];
  readonly #clients: readonly GroupsClient[];

  private constructor(server: ServerProcess) {
    this.#clients = clientsFor(server, groupCount);
    this.sessions = Array.from(
      { length: groupCount },
      (_, index) =>
        new GroupSession(this.#clients[index % this.#clients.length] as GroupsClient, `group-${index}`, ["commits"]),
    );
  }

  static async join(server: ServerProcess): Promise<Members> {
    const members = new Members(server);
    await all(members.sessions, ({ held }) => held.size === 1);
    return members;
  }

  async leave(): Promise<void> {
    await Promise.all(this.sessions.map((session) => session.close()));
    for (const client of this.#clients) client.close();
  }
}

function p99Of(sorted: Float64Array = new Float64Array()): number {
  return percentile(sorted, 0.99);
}

/**
 * Latencies in ms, sorted: each session has one commit under way, no more of them a second than `perSecond`. A commit's time begins when
 * it was due, also when the one before it was not answered yet.
 */
async function load(sessions: readonly GroupSession[], perSecond: number): Promise<Float64Array> {
  const latencies: number[] = [];
  const beganMs = performance.now();
  const warmUpMs = beganMs + (seconds * 1_000) / 5;
  const endMs = warmUpMs + seconds * 1_000;
  const everyMs = (sessions.length / perSecond) * 1_000;
  const isPaced = everyMs > 0;
  await Promise.all(
    sessions.map(
      (session, index) =>
        new Promise<void>((resolve, reject) => {
          let offset = 0;
          let dueMs = beganMs + (everyMs * index) / sessions.length;
          const send = (): void => {
            if (!isPaced) dueMs = performance.now();
            session.commit("commits", 0, ++offset);
          };
          session.onCommitted = (isCommitted) => {
            if (!isCommitted) reject(new Error("A commit was refused"));
            const nowMs = performance.now();
            if (nowMs >= warmUpMs && nowMs < endMs) latencies.push(nowMs - dueMs);
            dueMs += everyMs;
            if (nowMs >= endMs) resolve();
            else if (dueMs > nowMs) setTimeout(send, dueMs - nowMs);
            else send();
          };
          if (isPaced) setTimeout(send, dueMs - beganMs);
          else send();
        }),
    ),
  );
  return Float64Array.from(latencies).sort();
}

async function rebalances(server: ServerProcess): Promise<Row[]> {
  await server.createTopic("many", {}, partitionCount);
  const clients = clientsFor(server, memberCount + 1);
  const join = (index: number): GroupSession =>
    new GroupSession(clients[index % clients.length] as GroupsClient, "rebalanced", ["many"]);
  const rows: Row[] = [];
  const beganMs = performance.now();
  const sessions = Array.from({ length: memberCount }, (_, index) => join(index));
  await settled(sessions);
  const moved = (): number => sessions.reduce((sum, { assigned }) => sum + assigned, 0);
  rows.push(moveRow(`${memberCount} members join at once`, beganMs, moved(), partitionCount));
  const beforeJoin = moved();
  const joinedMs = performance.now();
  sessions.push(join(memberCount));
  await settled(sessions);
  const share = Math.floor(partitionCount / sessions.length);
  rows.push(moveRow("one more joins", joinedMs, moved() - beforeJoin, share));
  const gone = sessions.shift() as GroupSession;
  const beforeLeave = moved();
  const leftMs = performance.now();
  const had = gone.held.size;
  await gone.close();
  await settled(sessions);
  rows.push(moveRow("one leaves", leftMs, moved() - beforeLeave, had));
  await Promise.all(sessions.map((session) => session.close()));
  for (const client of clients) client.close();
  return rows;
}

/** Everybody has as much as everybody else, give or take one, and nothing is nobody's. */
function settled(sessions: readonly GroupSession[]): Promise<void> {
  const floor = Math.floor(partitionCount / sessions.length);
  return all(
    sessions,
    ({ held }) => held.size >= floor && held.size <= floor + 1,
    () => sessions.reduce((sum, { held }) => sum + held.size, 0) === partitionCount,
  );
}

function all(
  sessions: readonly GroupSession[],
  is: (session: GroupSession) => boolean,
  holds: () => boolean = () => true,
): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (sessions.every(is) && holds()) resolve();
    };
    for (const session of sessions) session.onChange = look;
    look();
  });
}

function clientsFor({ address }: ServerProcess, sessions: number): GroupsClient[] {
  const services = loadServices();
  return Array.from({ length: Math.ceil(sessions / perConnection) }, () =>
    // A pool of its own, or all of them would share one connection.
    services.openGroupsClient(address, credentials.createInsecure(), {
      ...channelOptions,
      "grpc.use_local_subchannel_pool": 1,
    }),
  );
}

function moveRow(what: string, beganMs: number, moved: number, least: number): Row {
  return {
    what: `rebalance, ${partitionCount} partitions: ${what}`,
    ms: Math.round(performance.now() - beganMs),
    "partitions moved": moved,
    least,
  };
}

/** Medians over the rounds, each of `forSeconds`. */
function latencyRow(what: string, forSeconds: number, rounded: readonly Float64Array[]): Row {
  return {
    what,
    "per second": Math.round(median(rounded.map(({ length }) => length)) / forSeconds),
    "p50 ms": median(rounded.map((latencies) => percentile(latencies, 0.5))),
    "p99 ms": median(rounded.map(p99Of)),
  };
}
