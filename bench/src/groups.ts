// SPDX-License-Identifier: Apache-2.0
// Consumer groups on one node. Commits: 1,000 groups with a member each, every member with one commit under way, durable (flush=sync);
// then half of that load, whose p99 is to stay below 4 times (p99 of a bare fdatasync + p99 of a bare stream echo), same run.
// Rebalance: 100 members over 1,000 partitions, from the first join until everybody has what it shall have; then one more comes and
// one goes: how many partitions move, against the least that have to.

import { credentials } from "@grpc/grpc-js";
import { type GroupsClient, channelOptions, loadServices } from "@varve/api";
import { driveStream, percentile } from "./broker/drive.ts";
import { GroupSession } from "./broker/group-session.ts";
import { ServerProcess, withDirectory } from "./broker/server.ts";
import { bareSyncs } from "./cluster/bare-syncs.ts";
import { warmUpDisk } from "./log/disk.ts";
import type { Row } from "./table.ts";

export const name = "groups";
export const description =
  "commits of 1,000 groups, at full and half load; rebalance of 100 members over 1,000 partitions";

const seconds = Number(process.env["VARVE_BENCH_SECONDS"] ?? "5");
const groupCount = 1_000;
const memberCount = 100;
const partitionCount = 1_000;
/** A connection carries so many sessions. */
const perConnection = 50;

export async function run(): Promise<readonly Row[]> {
  return withDirectory(async (directory) => {
    await warmUpDisk(directory);
    const syncs = await bareSyncs(directory, seconds);
    const bare = await ServerProcess.bare();
    const fields = { topic: "bench", partition: 0, records: [{ value: Buffer.alloc(100, 98) }] };
    const echo = await driveStream(bare, fields, { inFlight: 64, seconds });
    await bare.stop();
    const budgetMs = 4 * (syncs["p99 ms"] + percentile(echo.latencies, 0.99));
    const server = await ServerProcess.broker(directory);
    try {
      const rows: Row[] = [
        { what: "bare fdatasync", "per second": syncs["per second"], "p99 ms": rounded(syncs["p99 ms"]) },
        latencyRow("bare stream echo, 64 in flight", echo.requests / echo.seconds, echo.latencies),
      ];
      rows.push(...(await commits(server, budgetMs)));
      rows.push(...(await rebalances(server)));
      return rows;
    } finally {
      await server.stop();
    }
  });
}

async function commits(server: ServerProcess, budgetMs: number): Promise<Row[]> {
  await server.createTopic("commits");
  const clients = clientsFor(server, groupCount);
  const sessions = Array.from(
    { length: groupCount },
    (_, index) => new GroupSession(clients[index % clients.length] as GroupsClient, `group-${index}`, ["commits"]),
  );
  await all(sessions, ({ held }) => held.size === 1);
  const full = await load(sessions, Infinity);
  const perSecond = full.length / seconds;
  const half = await load(sessions, perSecond / 2);
  const p99 = percentile(half, 0.99);
  await Promise.all(sessions.map((session) => session.close()));
  for (const client of clients) client.close();
  return [
    latencyRow(`commits of ${groupCount} groups, each waits for its own`, perSecond, full),
    { ...latencyRow("the same, half load", half.length / seconds, half), "of 4 times bare": rounded(p99 / budgetMs) },
  ];
}

/** Latencies in ms, sorted: each session has one commit under way, no more of them a second than `perSecond`. */
async function load(sessions: readonly GroupSession[], perSecond: number): Promise<Float64Array> {
  const latencies: number[] = [];
  const beganMs = performance.now();
  const warmUpMs = beganMs + (seconds * 1_000) / 5;
  const endMs = warmUpMs + seconds * 1_000;
  const everyMs = (sessions.length / perSecond) * 1_000;
  await Promise.all(
    sessions.map(
      (session, index) =>
        new Promise<void>((resolve, reject) => {
          let offset = 0;
          let dueMs = beganMs + (everyMs * index) / sessions.length;
          let sentMs = 0;
          const send = (): void => {
            sentMs = performance.now();
            session.commit("commits", 0, ++offset);
          };
          session.onCommitted = (isCommitted) => {
            if (!isCommitted) reject(new Error("A commit was refused"));
            const nowMs = performance.now();
            if (nowMs >= warmUpMs && nowMs < endMs) latencies.push(nowMs - sentMs);
            dueMs += everyMs;
            if (nowMs >= endMs) resolve();
            else if (dueMs > nowMs) setTimeout(send, dueMs - nowMs);
            else send();
          };
          if (Number.isFinite(everyMs) && everyMs > 0) setTimeout(send, dueMs - beganMs);
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

function latencyRow(what: string, perSecond: number, latencies: Float64Array): Row {
  return {
    what,
    "per second": Math.round(perSecond),
    "p50 ms": rounded(percentile(latencies, 0.5)),
    "p99 ms": rounded(percentile(latencies, 0.99)),
  };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
