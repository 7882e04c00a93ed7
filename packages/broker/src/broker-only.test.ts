import { cp, mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Broker } from "./broker.ts";
import { silentLogger } from "./logger.ts";
import type { BrokerOptions } from "./options.ts";
import { TestBroker, bytes, text, until } from "./testing/test-broker.ts";
import { TestCluster, freePeers, quickCluster } from "./testing/test-cluster.ts";

interface Described {
  readonly controllerId: number;
  readonly brokers: readonly { readonly nodeId: number; readonly state: string; readonly brokerEpoch: number }[];
  readonly controllers: readonly { readonly nodeId: number; readonly active: boolean }[];
}

const describe = async (node: TestBroker): Promise<Described> =>
  (await node.call("DescribeCluster", {})) as unknown as Described;

/** Node 4 of the cluster, which votes for nothing. */
function fourth(cluster: TestCluster, cluster4: object = {}): Partial<BrokerOptions> {
  return {
    nodeId: 4,
    listeners: { grpc: { port: 0 }, http: { port: 0 }, peer: { port: 0 } },
    cluster: { ...quickCluster, peers: cluster.peers, brokerOnly: true, ...cluster4 },
  };
}

test("a broker that is no controller joins a formed cluster, gets replicas, leads, is fenced, and comes back", async () => {
  await using cluster = await TestCluster.start(3);
  const [one] = cluster.nodes as [TestBroker];
  await one.call("CreateTopic", { topic: "before", partitions: 3, replicationFactor: 3 });
  await using node = await TestBroker.start(fourth(cluster));
  expect(node.broker.clusterId).toBe(one.broker.clusterId);
  const described = await describe(node);
  expect(described.brokers.map(({ nodeId, state }) => [nodeId, state])).toEqual(
    [1, 2, 3, 4].map((nodeId) => [nodeId, "BROKER_STATE_ACTIVE"]),
  );
  // The active controller was asked for them.
  expect(described.controllers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
  // Topics of before are known, and served.
  await one.produce({ topic: "before", partition: 0, records: [{ value: bytes("old") }] });
  const fetched = await node.fetch({ topic: "before", partition: 0, start: { kind: "earliest" } });
  expect(text(fetched.records[0]?.value ?? null)).toBe("old");
  // Any node takes commands, this one too.
  await node.call("CreateTopic", { topic: "t", partitions: 4, replicationFactor: 4 });
  const placed = await node.placements("t");
  expect(new Set(placed.map(({ leader }) => leader.nodeId))).toEqual(new Set([1, 2, 3, 4]));
  const mine = placed.findIndex(({ leader }) => leader.nodeId === 4);
  for (const [at, any] of [...cluster.nodes, node].entries()) {
    await until("the topic is known", async () => {
      const { topics } = (await any.call("ListTopics", {})) as { topics: unknown[] };
      return topics.length === 2;
    });
    const { results } = await any.produce({ topic: "t", partition: mine, records: [{ value: bytes(`${at}`) }] });
    expect(results).toMatchObject([{ baseOffset: at, leader: { nodeId: 4 }, ack: { durableReplicas: 4 } }]);
  }
  const epoch = described.brokers[3]?.brokerEpoch ?? -1;
  await node.broker.close();
  await until("another one leads, and node 4 is fenced", async () => {
    const { brokers } = await describe(one);
    const [leader] = (await one.placements("t")).slice(mine, mine + 1);
    return (
      brokers[3]?.state === "BROKER_STATE_FENCED" && leader?.leader.nodeId !== 4 && (leader?.leader.nodeId ?? -1) > 0
    );
  });
  await one.produce({ topic: "t", partition: mine, records: [{ value: bytes("4") }] });
  await node.restart();
  await until("it is in sync again", async () =>
    (await node.placements("t")).every(({ inSyncReplicas }) => inSyncReplicas.length === 4),
  );
  expect((await describe(node)).brokers[3]?.brokerEpoch).toBeGreaterThan(epoch);
  const messages = await node.consumeAll({
    topic: "t",
    partitions: [{ partition: mine }],
    start: { kind: "earliest" },
    end: { kind: "latest-at-start" },
  });
  expect(messages.flatMap(({ records }) => records.map(({ value }) => text(value)))).toEqual(["0", "1", "2", "3", "4"]);
  // Its disk is lost: with an empty directory it joins again, and fills up.
  await node.broker.close();
  await rm(node.dataDir, { recursive: true });
  await node.restart();
  await until("it is in sync again, from nothing", async () =>
    (await node.placements("t")).every(({ inSyncReplicas }) => inSyncReplicas.length === 4),
  );
}, 90_000);

test("it goes on following when controllers stop, one after the other, and learns who is active", async () => {
  await using cluster = await TestCluster.start(3);
  await using node = await TestBroker.start(fourth(cluster));
  for (const [at, stopped] of cluster.nodes.entries()) {
    await stopped.broker.close();
    const others = cluster.nodes.filter((other) => other !== stopped);
    await cluster.controller(others);
    const topic = `after-${at + 1}`;
    await others[0]?.call("CreateTopic", { topic, replicationFactor: 2 });
    await until(`node 4 knows topic ${topic}`, async () => {
      const { topics } = (await node.call("ListTopics", { prefix: topic })) as { topics: unknown[] };
      return topics.length === 1;
    });
    await until("it knows who is active, and is heard", async () => {
      const { controllerId, brokers } = await describe(node);
      return controllerId > 0 && controllerId !== at + 1 && brokers[3]?.state === "BROKER_STATE_ACTIVE";
    });
    await node.call("CreateTopic", { topic: `${topic}-by-4`, replicationFactor: 2 });
    await stopped.restart();
  }
}, 120_000);

test("the others reach it where it says, when that is not where it listens", async () => {
  await using cluster = await TestCluster.start(3);
  const [place] = await freePeers(1);
  const { port = 0 } = place ?? {};
  let passed = 0;
  // As a mapped port: it leads to the listener, which nobody else knows.
  const mapped = createServer((socket) => {
    passed += 1;
    const there = connect({ host: "127.0.0.1", port });
    const end = (): void => {
      socket.destroy();
      there.destroy();
    };
    for (const side of [socket, there]) side.on("error", end).on("close", end);
    socket.pipe(there).pipe(socket);
  });
  await new Promise<void>((resolve) => mapped.listen(0, "127.0.0.1", resolve));
  try {
    await using node = await TestBroker.start({
      ...fourth(cluster),
      listeners: { grpc: { port: 0 }, http: { port: 0 }, peer: { port } },
      peerAdvertised: { host: "127.0.0.1", port: (mapped.address() as AddressInfo).port },
    });
    await node.call("CreateTopic", { topic: "t", partitions: 4, replicationFactor: 4 });
    const placed = await node.placements("t");
    const mine = placed.findIndex(({ leader }) => leader.nodeId === 4);
    const { results } = await node.produce({ topic: "t", partition: mine, records: [{ value: bytes("v") }] });
    // The others have fetched from it.
    expect(results).toMatchObject([{ leader: { nodeId: 4 }, ack: { durableReplicas: 4 } }]);
    expect(passed).toBeGreaterThan(0);
  } finally {
    mapped.close();
  }
}, 90_000);

test("it is refused as a controller, on the directory of one, and with another secret", async () => {
  await using cluster = await TestCluster.start(3, { cluster: { peers: [], secret: "the secret of all nodes" } });
  const directory = await mkdtemp(join(tmpdir(), "varve-broker-only-"));
  const refusal = (options: Partial<BrokerOptions>): Promise<string> =>
    Broker.start({ ...fourth(cluster), logger: silentLogger(), dataDir: directory, ...options }).then(
      async (broker) => {
        await broker.close();
        return "it started";
      },
      (error: unknown) => String(error),
    );
  try {
    expect(await refusal({ nodeId: 2 })).toContain("its peers name it as a controller");
    const first = cluster.nodes[0] as TestBroker;
    await first.broker.close();
    await cp(first.dataDir, directory, { recursive: true });
    const named = cluster.peers.filter(({ nodeId }) => nodeId !== 1);
    const asBroker = { ...quickCluster, peers: named, brokerOnly: true };
    expect(await refusal({ nodeId: 1, cluster: asBroker })).toContain("is that of a controller");
    await rm(directory, { recursive: true });
    let told = "";
    const tell = (_: object, event: string): void => void (told += event);
    const stop = new AbortController();
    const waiting = refusal({
      cluster: { ...asBroker, secret: "some other secret" },
      logger: { debug: tell, info: tell, warn: tell, error: tell },
      listeners: { grpc: { port: 0 }, http: false, peer: { port: 0 } },
      signal: stop.signal,
    });
    await until("it says that it is refused", () => told.includes("a controller refuses this node"));
    stop.abort(new Error("the test is over"));
    expect(await waiting).toContain("the test is over");
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}, 60_000);

test("a broker that serves goes on when one of the controllers refuses it", async () => {
  await using cluster = await TestCluster.start(3, { cluster: { peers: [], secret: "the secret of all nodes" } });
  const [first, second] = cluster.nodes as [TestBroker, TestBroker];
  const secret = "the secret of all nodes";
  const lines: string[] = [];
  const tell = (fields: object, event: string): void => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const logger = { debug: () => undefined, info: tell, warn: tell, error: tell };
  await using node = await TestBroker.start({ ...fourth(cluster, { secret }), logger });
  // It follows the first; without the second nobody decides, so it goes on to the next one, until somebody does.
  const changed = {
    ...cluster.optionsOf(1),
    cluster: { ...cluster.optionsOf(1).cluster, secret: "some other secret" },
  };
  await first.broker.close();
  await second.broker.close();
  const stop = new AbortController();
  const refusing = Broker.start({
    ...changed,
    listeners: { grpc: { port: 0 }, http: false },
    dataDir: first.dataDir,
    logger: silentLogger(),
    signal: stop.signal,
  }).catch((error: unknown) => error);
  await until("it is refused", () => lines.some((line) => line.startsWith("a controller refuses this node")));
  await second.restart();
  await until("it serves as before", () =>
    node.call("CreateTopic", { topic: "t", partitions: 1, replicationFactor: 3 }).then(
      () => true,
      () => false,
    ),
  );
  expect(await fetch(`http://${node.broker.addresses.http}/readyz`)).toMatchObject({ status: 200 });
  const over = new Error("the test ends it");
  stop.abort(over);
  expect(await refusing).toBe(over);
});
