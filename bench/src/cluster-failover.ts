// SPDX-License-Identifier: Apache-2.0
// How long partitions take no records when the node that leads them dies (kill -9) or falls silent (SIGSTOP), default timers, with and without
// the active controller on it. From the signal to the first acknowledgement of a record sent after it, for the slowest of the partitions
// that are looked at; and where that time went, by the logs of the survivors.

import { withDirectory } from "./broker/server.ts";
import { median } from "./broker/rounds.ts";
import { Load } from "./cluster/load.ts";
import type { Sample } from "./cluster/load-types.ts";
import { Nodes, type Placed, pause } from "./cluster/nodes.ts";
import type { ServeProcess } from "./cluster/serve-process.ts";
import type { Row } from "./table.ts";

export const name = "cluster-failover";
export const description =
  "kill -9 and SIGSTOP of a leader of three nodes (VARVE_BENCH_FAILOVERS, 3: kills each; VARVE_BENCH_FAILOVER_PARTITIONS, 220,2000)";

const runs = Number(process.env["VARVE_BENCH_FAILOVERS"] ?? "3");
const sizes = (process.env["VARVE_BENCH_FAILOVER_PARTITIONS"] ?? "220,2000").split(",").map(Number);
/** Of the topic, led by the node that dies; the survivors of the last round lead half each. */
const shareLed = 0.45;
const partitionsLookedAt = 32;
const steadyMs = 1_500;
const patienceMs = 30_000;

interface Setting {
  readonly how: "SIGKILL" | "SIGSTOP";
  readonly hasController: boolean;
  readonly aimSeconds: number;
}

const settings: readonly Setting[] = [
  { how: "SIGKILL", hasController: false, aimSeconds: 1.5 },
  { how: "SIGKILL", hasController: true, aimSeconds: 4 },
  { how: "SIGSTOP", hasController: false, aimSeconds: 5 },
  { how: "SIGSTOP", hasController: true, aimSeconds: 8 },
];

/** Seconds since the signal; NaN: did not happen. */
interface Failover {
  readonly led: number;
  readonly elected: number;
  readonly fenced: number;
  readonly firstAck: number;
  readonly lastAck: number;
  readonly sdkLastAck: number;
}

export async function run(): Promise<Row[]> {
  return withDirectory(async (directory) => {
    const rows: Row[] = [];
    const nodes = await Nodes.start(directory, 3);
    try {
      const load = await Load.start();
      try {
        for (const [index, partitions] of sizes.entries()) {
          const topic = `of-${partitions}`;
          await nodes.createTopic(topic, { partitions });
          for (const setting of settings) {
            // Silence is waited out by a timer, whatever the number of partitions: once, with few.
            if (setting.how === "SIGSTOP" && index > 0) continue;
            const seen: Failover[] = [];
            const count = setting.how === "SIGSTOP" ? Math.ceil(runs / 3) : runs;
            while (seen.length < count) seen.push(await failOver(nodes, load, topic, setting));
            rows.push(rowOf(partitions, setting, seen));
          }
          await nodes.running[0]?.call("DeleteTopic", { topic });
        }
      } finally {
        await load.end();
      }
    } finally {
      await nodes.end();
    }
    return rows;
  });
}

async function failOver(nodes: Nodes, load: Load, topic: string, { how, hasController }: Setting): Promise<Failover> {
  const victim = await chooseVictim(nodes, topic, hasController);
  const led = (await nodes.describe(topic)).filter(({ leader }) => leader.nodeId === victim.nodeId);
  const survivors = nodes.all.filter((node) => node !== victim);
  await load.startProbe({
    entries: survivors.map(({ address }) => address),
    addresses: nodes.addresses,
    topic,
    partitions: spread(led, partitionsLookedAt),
  });
  await pause(steadyMs);
  const atMs = Date.now();
  const gone = how === "SIGKILL" ? victim.kill() : undefined;
  if (how === "SIGSTOP") victim.signal("SIGSTOP");
  const { direct, sdk } = await load.stopProbe({ afterMs: atMs, patienceMs });
  await gone;
  const told = (check: (event: { msg: string; brokerId?: unknown }) => boolean): number => {
    const times = survivors.flatMap(({ events }) => events.filter((event) => event.time >= atMs && check(event)));
    return times.length === 0 ? Number.NaN : (Math.min(...times.map(({ time }) => time)) - atMs) / 1_000;
  };
  const acks = firstAcks(direct, atMs);
  const failover = {
    led: led.length,
    elected: hasController ? told(({ msg }) => msg === "this node is the active controller") : 0,
    fenced: told(({ msg, brokerId }) => msg === "broker fenced" && brokerId === victim.nodeId),
    firstAck: Math.min(...acks),
    lastAck: Math.max(...acks),
    sdkLastAck: Math.max(...firstAcks(sdk, atMs)),
  };
  if (how === "SIGSTOP") victim.signal("SIGCONT");
  else await victim.start();
  await nodes.inSync(topic);
  return failover;
}

/** A node that leads enough, and is the active controller or not. Others are stopped and started until there is one. */
async function chooseVictim(nodes: Nodes, topic: string, hasController: boolean): Promise<ServeProcess> {
  for (let tries = 0; tries < 8; tries++) {
    const placed = await nodes.describe(topic);
    const controller = await nodes.controller();
    const ledBy = (node: ServeProcess): number => placed.filter(({ leader }) => leader.nodeId === node.nodeId).length;
    const byLed = nodes.all.toSorted((a, b) => ledBy(b) - ledBy(a));
    const victim = byLed.find((node) => (node.nodeId === controller) === hasController);
    if (victim === undefined) {
      await pause(500);
      continue;
    }
    if (ledBy(victim) >= placed.length * shareLed) return victim;
    // What it led goes to the other two.
    const other = byLed.find((node) => node !== victim) as ServeProcess;
    await other.stop();
    await other.start();
    await nodes.inSync(topic);
  }
  throw new Error("No node came to lead enough partitions");
}

function spread(led: readonly Placed[], count: number): number[] {
  const step = Math.max(1, led.length / count);
  return Array.from(
    { length: Math.min(count, led.length) },
    (_, at) => (led[Math.floor(at * step)] as Placed).partition,
  );
}

/** Seconds from `atMs` to the first acknowledgement of a record that was sent after it, of each partition. */
function firstAcks(samples: Readonly<Record<number, readonly Sample[]>>, atMs: number): number[] {
  return Object.values(samples).map((of) => {
    const first = of.find(({ sentMs }) => sentMs >= atMs);
    return first === undefined ? Number.NaN : (first.ackedMs - atMs) / 1_000;
  });
}

function rowOf(partitions: number, { how, hasController, aimSeconds }: Setting, seen: readonly Failover[]): Row {
  const middle = (value: (failover: Failover) => number): number => median(seen.map(value));
  return {
    what: `${how === "SIGKILL" ? "kill -9" : "SIGSTOP"}, ${partitions} partitions${hasController ? ", active controller" : ""}`,
    runs: seen.length,
    led: Math.round(middle(({ led }) => led)),
    "p50 s": middle(({ lastAck }) => lastAck),
    "max s": Math.max(...seen.map(({ lastAck }) => lastAck)),
    aim: `${aimSeconds} s`,
    "new controller": middle(({ elected }) => elected),
    fenced: middle(({ fenced }) => fenced),
    "first ack": middle(({ firstAck }) => firstAck),
    "last ack": middle(({ lastAck }) => lastAck),
    "by the SDK p50": middle(({ sdkLastAck }) => sdkLastAck),
    "by the SDK max": Math.max(...seen.map(({ sdkLastAck }) => sdkLastAck)),
  };
}
