import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Server, ServerCredentials, type ServiceDefinition } from "@grpc/grpc-js";
import { RaftService } from "raft-ts/grpc";
import { afterAll, afterEach, expect, test } from "vitest";
import { Broker } from "./broker.ts";
import type { Logger } from "./logger.ts";
import type { BrokerOptions, ClusterPeer } from "./options.ts";
import { TestCluster, freePeers, quickCluster } from "./testing/test-cluster.ts";
import { TestBroker, until } from "./testing/test-broker.ts";

const cleanUp: (() => Promise<unknown>)[] = [];

const secret = "the secret of all nodes";
let shared: Promise<TestCluster> | undefined;
let isThirdStopped = false;

/** Three nodes that serve, for refusals that change nothing. */
async function wholeCluster(): Promise<TestCluster> {
  shared ??= TestCluster.start(3, { cluster: { peers: [], secret } });
  const cluster = await shared;
  if (isThirdStopped) await cluster.nodes[2]?.restart();
  isThirdStopped = false;
  return cluster;
}

/** The same ones, the third stopped: what is started in its place is the test's affair, on a directory that the test leaves as it is. */
async function withoutThird(): Promise<{ cluster: TestCluster; first: TestBroker; third: TestBroker }> {
  const cluster = await (isThirdStopped ? shared! : wholeCluster());
  const [first, second, third] = cluster.nodes as [TestBroker, TestBroker, TestBroker];
  isThirdStopped = true;
  await third.broker.close();
  await cluster.controller([first, second]);
  return { cluster, first, third };
}

afterAll(async () => {
  await (await shared)?.[Symbol.asyncDispose]();
});

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

async function emptyDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "varve-refused-"));
  cleanUp.push(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A start that is expected to wait: what it tells, until the test ends it. */
function starting(options: Partial<BrokerOptions> & { readonly dataDir: string }): { readonly told: () => string } {
  const lines: string[] = [];
  const tell = (fields: object, event: string): void => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const logger: Logger = { debug: () => undefined, info: tell, warn: tell, error: tell };
  const stop = new AbortController();
  const started = Broker.start({
    listeners: { grpc: { port: 0 }, http: false },
    ...options,
    logger,
    signal: stop.signal,
  }).then(
    (broker) => broker.close(),
    (error: unknown) => lines.push(String(error)),
  );
  cleanUp.push(async () => {
    stop.abort(new Error("the test is over"));
    await started;
  });
  return { told: () => lines.join("\n") };
}

async function copyOf(directory: string): Promise<string> {
  const copy = await emptyDirectory();
  await cp(directory, copy, { recursive: true });
  return copy;
}

async function failureOf(options: Partial<BrokerOptions> & { readonly dataDir: string }): Promise<string> {
  const refusal = new Error("It started");
  return Broker.start({ listeners: { grpc: { port: 0 }, http: false }, ...options }).then(
    async (broker) => {
      await broker.close();
      throw refusal;
    },
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

test("a node that shows another secret is refused, and says so; the others go on", async () => {
  const { cluster, first, third } = await withoutThird();
  const options = cluster.optionsOf(3);
  const { told } = starting({
    ...options,
    cluster: { ...options.cluster, secret: "some other secret" },
    dataDir: await copyOf(third.dataDir),
  });
  await until("it is told why", () => told().includes("a controller refuses this node"));
  expect(told()).toContain("give all nodes the same cluster secret");
  await first.call("CreateTopic", { topic: "t", replicationFactor: 2 });
  await first.call("DeleteTopic", { topic: "t" });
});

test("a fresh node with another secret joins nobody, and says so", async () => {
  const peers = await freePeers(2);
  const [one, two] = ["the right secret", "the wrong secret"].map(async (secret, at) =>
    starting({ dataDir: await emptyDirectory(), nodeId: at + 1, cluster: { ...quickCluster, peers, secret } }),
  );
  await until("one of them is refused", async () =>
    [await one, await two].some((node) =>
      /refuses to answer this one.*give all nodes the same/.test(node?.told() ?? ""),
    ),
  );
});

test("a node does not start on the directory of another, nor as a node that is not among its peers", async () => {
  const { cluster, third } = await withoutThird();
  const copy = await copyOf(third.dataDir);
  expect(await failureOf({ ...cluster.optionsOf(2), dataDir: copy })).toContain("belongs to node 3, not to node 2");
  expect(await failureOf({ ...cluster.optionsOf(9), dataDir: await emptyDirectory() })).toContain(
    "Cannot start node 9 in a cluster: it is not among its peers (1, 2, 3)",
  );
  expect(await failureOf({ ...cluster.optionsOf(3), clusterId: "another", dataDir: copy })).toMatch(
    /belongs to cluster "[^"]+", not to "another"/,
  );
});

test("a directory of a cluster does not start alone, and one of a node alone not in a cluster", async () => {
  const { cluster, third } = await withoutThird();
  expect(await failureOf({ dataDir: await copyOf(third.dataDir) })).toContain(
    "whose controllers are the nodes 1, 2, 3",
  );
  await using alone = await TestBroker.start({ nodeId: 3 });
  await alone.broker.close();
  expect(await failureOf({ ...cluster.optionsOf(3), dataDir: alone.dataDir })).toContain(
    "is a cluster of one node, which cannot become part of another",
  );
});

test("an empty directory in a formed cluster waits, and says which of two things to do (M11)", async () => {
  const { cluster } = await withoutThird();
  const { told } = starting({ ...cluster.optionsOf(3), dataDir: await emptyDirectory() });
  await until("it says what to do", () => told().includes("stays passive"));
  expect(told()).toMatch(
    /If the wrong directory is mounted, mount the right one\. If the disk is lost, replace "3@[0-9a-f]{32}"/,
  );
  expect(told()).toContain("varve cluster replace 3");
  expect(told()).toContain("If another process is node 3, give this one an id of its own");
});

test("a directory whose metadata are gone is not taken for a new one", async () => {
  const { cluster, third } = await withoutThird();
  const copy = await copyOf(third.dataDir);
  await rm(join(copy, "raft"), { recursive: true });
  expect(await failureOf({ ...cluster.optionsOf(3), dataDir: copy })).toContain(
    "it is empty, and the data directory belongs to cluster",
  );
});

test("sessions without room for three signs of life are refused", async () => {
  const peers = await freePeers(1);
  const cluster = { ...quickCluster, peers, heartbeatMs: 600, sessionMs: 1_500 };
  expect(await failureOf({ dataDir: await emptyDirectory(), nodeId: 1, cluster })).toContain("no room for three");
});

/** What nothing refused may change. */
async function stateOf(node: TestBroker): Promise<object> {
  const { clusterId, brokers, controllers } = (await node.call("DescribeCluster", {})) as {
    clusterId: string;
    brokers: { nodeId: number; brokerEpoch: number; state: string }[];
    controllers: { nodeId: number; directoryId: string }[];
  };
  const { topics } = (await node.call("ListTopics", {})) as { topics: { topic: string }[] };
  return {
    clusterId,
    brokers: brokers.map(({ nodeId, brokerEpoch, state }) => ({ nodeId, brokerEpoch, state })),
    controllers: controllers.map(({ nodeId, directoryId }) => `${nodeId}@${directoryId}`),
    topics: topics.map(({ topic }) => topic),
  };
}

test("a second broker alone with the id of one that is there waits, says why, and is refused; nothing is changed", async () => {
  await using cluster = await TestCluster.start(1);
  const [first] = cluster.nodes as [TestBroker];
  const options = { ...cluster.optionsOf(1), nodeId: 4 };
  const alone = { ...options, cluster: { ...options.cluster, brokerOnly: true } };
  await using _fourth = await TestBroker.start(alone);
  const before = await stateOf(first);
  const { told } = starting({ ...alone, dataDir: await emptyDirectory() });
  await until("it waits", () => told().includes("this node waits for its registration"));
  await until("it is refused", () => told().includes("Cannot register with the cluster"));
  expect(told()).toContain(
    "another process with other data directories holds this id. Give this node an id of its own",
  );
  expect(await stateOf(first)).toEqual(before);
});

test("a node of another release is told so by a controller, before and after it belongs to a cluster (M9)", async () => {
  const [peer] = (await freePeers(1)) as [ClusterPeer];
  const server = new Server();
  const { definition } = new RaftService({ security: { kind: "plaintext" } });
  const { path, requestDeserialize, responseSerialize } = definition["Hello"] as ServiceDefinition[string];
  // Version 2 of the protocol, and nothing else.
  const hello = { path, requestDeserialize, responseSerialize, requestStream: false, responseStream: false };
  server.addService(
    { Hello: hello as ServiceDefinition[string] },
    {
      Hello: (_: unknown, answer: (error: null, bytes: Buffer) => void) => answer(null, Buffer.from([8, 2])),
    },
  );
  await promisify(server.bindAsync.bind(server))(`127.0.0.1:${peer.port}`, ServerCredentials.createInsecure());
  cleanUp.push(() => Promise.resolve(server.forceShutdown()));
  const second = { nodeId: 2, host: "127.0.0.1", port: 0 };
  const cluster = { ...quickCluster, peers: [peer, second] };
  const combined = starting({ dataDir: await emptyDirectory(), nodeId: 2, cluster });
  const alone = { ...quickCluster, peers: [peer], brokerOnly: true };
  const broker = starting({ dataDir: await emptyDirectory(), nodeId: 4, cluster: alone });
  for (const { told } of [combined, broker]) {
    await until("it is told", () =>
      told().includes("protocol version 2, this node speaks 1; run releases that belong"),
    );
  }
});

test("a second process with the id of a node that is there stays out and says so; nothing is changed", async () => {
  const cluster = await wholeCluster();
  const [first] = cluster.nodes as [TestBroker];
  const before = await stateOf(first);
  const listeners = { grpc: { port: 0 }, http: false as const, peer: { port: 0 } };
  const { told } = starting({ ...cluster.optionsOf(3), listeners, dataDir: await emptyDirectory() });
  await until("it says what to do", () => told().includes("stays passive"));
  expect(await stateOf(first)).toEqual(before);
});

test("a node of another cluster does not start with these peers; both are named, and nothing is changed", async () => {
  const cluster = await wholeCluster();
  await using other = await TestCluster.start(3);
  const [first] = cluster.nodes as [TestBroker];
  const before = await stateOf(first);
  const stranger = other.nodes[2] as TestBroker;
  await stranger.broker.close();
  const listeners = { grpc: { port: 0 }, http: false as const, peer: { port: 0 } };
  const failure = await failureOf({ ...cluster.optionsOf(3), listeners, dataDir: stranger.dataDir });
  expect(failure).toContain(`belongs to cluster "${stranger.broker.clusterId}"`);
  for (const { peers } of [cluster, other]) expect(failure).toContain(`1@127.0.0.1:${peers[0]?.port}`);
  expect(await stateOf(first)).toEqual(before);
  expect(
    await failureOf({ ...other.optionsOf(3), dataDir: stranger.dataDir, clusterId: first.broker.clusterId }),
  ).toContain(`not to "${first.broker.clusterId}"`);
});

test.each([
  [
    "more replicas than there are nodes",
    { replicationFactor: 4 },
    "INVALID_REPLICATION_FACTOR",
    /there are 3|3 brokers/,
  ],
  ["no replica", { replicationFactor: 0 }, "INVALID_REPLICATION_FACTOR", /0/],
  ["fewer than none", { replicationFactor: -1 }, "INVALID_REPLICATION_FACTOR", /-1/],
  ["no partition", { partitions: 0 }, "INVALID_PARTITIONS", /0/],
  ["a name with a slash", { topic: "a/b" }, "INVALID_TOPIC", /"a\/b"/],
  ["a name of dots", { topic: ".." }, "INVALID_TOPIC", /"\.\."/],
  ["no name", { topic: "" }, "INVALID_TOPIC", /""/],
  ["a name that is too long", { topic: "x".repeat(250) }, "INVALID_TOPIC", /249/],
  ["a name of the cluster's own", { topic: "__consumer_offsets" }, "INVALID_TOPIC", /"__consumer_offsets".*own/],
  ["a name of other letters", { topic: "Grüße" }, "INVALID_TOPIC", /Grüße/],
  [
    "more in sync than there are replicas",
    { configs: { "min.insync.replicas": "-1" } },
    "INVALID_CONFIG",
    /min\.insync/,
  ],
])("a topic with %s is refused by every node of a cluster, and none is made", async (_what, request, reason, says) => {
  const cluster = await wholeCluster();
  for (const node of cluster.nodes) {
    const refused = node.call("CreateTopic", { topic: "t", ...request });
    await expect(refused).rejects.toMatchObject({ reason, message: expect.stringMatching(says) });
    expect(await node.call("ListTopics", {})).toMatchObject({ topics: [] });
  }
});

test("a directory that was replaced says so when it comes back, and is not taken in again (M11)", async () => {
  const { cluster, first, third } = await withoutThird();
  cleanUp.push(() => third[Symbol.asyncDispose]());
  const silent = /does not answer at 127\.0\.0\.1:\d+; start it there with an empty one/;
  // On a slow machine somebody else may be elected meanwhile.
  await until("it says that nobody answers there", () =>
    first.call("ReplaceController", { nodeId: 3 }).then(
      () => false,
      (error: Error) => silent.test(error.message),
    ),
  );
  await expect(first.call("ReplaceController", { nodeId: 9 })).rejects.toThrow(/no controller.*joins again by itself/);
  const present = TestBroker.start(cluster.optionsOf(3));
  // Until the empty one answers there is nobody to take in.
  await until("it is replaced", () =>
    first.call("ReplaceController", { nodeId: 3 }).then(
      () => true,
      () => false,
    ),
  );
  cluster.nodes[2] = await present;
  const before = await stateOf(first);
  await cluster.nodes[2].broker.close();
  const { told } = starting({ ...cluster.optionsOf(3), dataDir: third.dataDir });
  await until("it says what it is", () => told().includes("was replaced"));
  expect(told()).toMatch(
    /this directory \([0-9a-f]{32}\) was replaced: node \d counts directory [0-9a-f]{32} as that of node 3/,
  );
  await expect(first.call("ReplaceController", { nodeId: 3 })).rejects.toThrow(/is not empty/);
  expect(await stateOf(first)).toMatchObject({ ...before, brokers: expect.anything() });
});
