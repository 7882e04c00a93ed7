// Two releases in one cluster: node 3 announces another version of the protocol between nodes, and wants to see that one.

import { beforeEach, expect, test, vi } from "vitest";
import type * as PeerCredentials from "./peer/peer-credentials.ts";
import { Broker } from "./broker.ts";
import { TestCluster } from "./testing/test-cluster.ts";
import { type TestBroker, until } from "./testing/test-broker.ts";

const otherRelease = vi.hoisted(() => ({ nodeId: -1 }));
const versionKey = "varve-peer-version";

vi.mock("./peer/peer-credentials.ts", async (importActual) => {
  const actual = await importActual<typeof PeerCredentials>();
  const change: typeof PeerCredentials.showCredentials = (metadata, self, call) => {
    actual.showCredentials(metadata, self, call);
    if (self.nodeId === otherRelease.nodeId) metadata.set(versionKey, "2");
  };
  const look: typeof PeerCredentials.credentialFault = (metadata, self) => {
    const seen = metadata.clone();
    if (self.nodeId === otherRelease.nodeId) seen.set(versionKey, metadata.get(versionKey)[0] === "2" ? "1" : "2");
    return actual.credentialFault(seen, self);
  };
  return { ...actual, showCredentials: change, credentialFault: look };
});

beforeEach(() => {
  otherRelease.nodeId = -1;
});

async function stateOfThird(node: TestBroker): Promise<string | undefined> {
  const { brokers } = (await node.call("DescribeCluster", {})) as { brokers: { nodeId: number; state: string }[] };
  return brokers.find(({ nodeId }) => nodeId === 3)?.state;
}

test("a node whose release speaks another version is not let in, and says which; the others serve on, and take it back", async () => {
  await using cluster = await TestCluster.start(3);
  const [first, , third] = cluster.nodes as [TestBroker, TestBroker, TestBroker];
  await first.call("CreateTopic", { topic: "t", replicationFactor: 3 });
  await third.broker.close();
  otherRelease.nodeId = 3;
  const lines: string[] = [];
  const tell = (fields: object, event: string): void => void lines.push(`${event} ${JSON.stringify(fields)}`);
  const stop = new AbortController();
  const ended = Broker.start({
    listeners: { grpc: { port: 0 }, http: false },
    ...cluster.optionsOf(3),
    dataDir: third.dataDir,
    logger: { debug: () => undefined, info: tell, warn: tell, error: tell },
    signal: stop.signal,
  }).catch((error: unknown) => error);
  await until("it is told why", () => lines.some((line) => line.startsWith("a controller refuses this node")));
  const told = lines.find((line) => line.startsWith("a controller refuses this node"));
  expect(told).toContain('speaks version \\"2\\" of the protocol between nodes, this node version 1');
  expect(told).toContain("run releases that belong together");
  expect(await stateOfThird(first)).not.toBe("BROKER_STATE_ACTIVE");
  const produced = await first.produce({ topic: "t", partition: 0, records: [{ value: Buffer.from("v") }] });
  expect(produced.results).toMatchObject([{ baseOffset: 0, ack: { level: "all", durableReplicas: 2 } }]);
  const over = new Error("the test ends it");
  stop.abort(over);
  expect(await ended).toBe(over);
  otherRelease.nodeId = -1;
  await third.restart();
  expect(await stateOfThird(first)).toBe("BROKER_STATE_ACTIVE");
});
