// Everything that can be done to the processes of a cluster, one round at a time, under a steady load (ledger.ts):
//
//     round: kill -9, SIGSTOP, SIGTERM, a lost disk, a full disk ──> healed: all nodes active, all replicas in sync
//            ──> more acknowledgements of every partition, seen by the reader where they say ──> what the round cost
//
// Knows nothing of tests: `npm run chaos:cluster` and cluster-chaos.test.ts run it.

import { join } from "node:path";
import { RandomStream } from "raft-ts/testing";
import { type ClusterProcess, emptyDirectory, ProcessCluster, sessionMs } from "./cluster-process.ts";
import { Ledger } from "./ledger.ts";
import { SmallDisk } from "./small-disk.ts";
import { until } from "./until.ts";
import { varveOk } from "./varve-command.ts";

export const roundKinds = [
  "kill-leader",
  "kill-follower",
  "kill-controller",
  "kill-all",
  "stop",
  "stop-controller",
  "lost-disk",
  "full-disk",
  "rolling-restart",
] as const;

export type RoundKind = (typeof roundKinds)[number];

export interface Round {
  readonly kind: RoundKind;
  /** What was done to whom. */
  readonly detail: string;
  readonly seconds: number;
  /** Acknowledgements in this round. */
  readonly acks: number;
  /** The longest time in which a partition had none, in ms. */
  readonly gapMs: number;
}

export interface ClusterChaosOptions {
  /** For data; everything in it is the caller's to remove. */
  readonly directory: string;
  /** Of what is random: which node, how long. */
  readonly seed: number;
  readonly tell?: (what: string) => void;
}

const topic = "ledger";
const partitions = 6;
/** The node whose disk can be filled. */
const smallDiskNode = 3;
const healMs = 90_000;

export class ClusterChaos {
  readonly cluster: ProcessCluster;
  readonly ledger: Ledger;
  /** Undefined where mounting is not allowed: then there is no full disk. */
  readonly disk: SmallDisk | undefined;
  readonly #random: RandomStream;
  readonly #tell: (what: string) => void;

  private constructor(
    parts: { cluster: ProcessCluster; ledger: Ledger; disk: SmallDisk | undefined },
    { seed, tell = () => undefined }: ClusterChaosOptions,
  ) {
    this.cluster = parts.cluster;
    this.ledger = parts.ledger;
    this.disk = parts.disk;
    this.#random = new RandomStream(seed, "cluster-chaos");
    this.#tell = tell;
  }

  static async start(options: ClusterChaosOptions): Promise<ClusterChaos> {
    const { directory } = options;
    const disk = await SmallDisk.mount(join(directory, "small-disk"));
    const dataDirs = new Map(disk === undefined ? [] : [[smallDiskNode, join(disk.path, "data")]]);
    const cluster = await ProcessCluster.start({ directory, dataDirs });
    const { address } = cluster.node(1);
    try {
      const ledger = await Ledger.start({ address, topic, partitions });
      await ledger.more(10);
      return new ClusterChaos({ cluster, ledger, disk }, options);
    } catch (error) {
      await cluster.close();
      await disk?.unmount();
      throw error;
    }
  }

  /** One round, until the cluster is whole again. Rejects when it does not become so in time; what is wrong is in `violations`. */
  async round(kind: RoundKind): Promise<Round> {
    const beganMs = performance.now();
    const acks = this.ledger.acknowledged;
    this.ledger.takeLongestGapMs();
    const detail = await this.#act(kind);
    await this.#healed();
    await this.ledger.more(10);
    return {
      kind,
      detail,
      seconds: (performance.now() - beganMs) / 1_000,
      acks: this.ledger.acknowledged - acks,
      gapMs: this.ledger.takeLongestGapMs(),
    };
  }

  /** Ends the load, and reads everything again through every node. */
  async finish(): Promise<void> {
    await this.ledger.stop();
    for (const { address } of this.cluster.nodes) await this.ledger.verifyAt(address);
  }

  /** Leaves no process and no mount behind, whatever the state. */
  async close(): Promise<void> {
    this.ledger.destroy();
    await this.cluster.close();
    await this.disk?.unmount();
  }

  #act(kind: RoundKind): Promise<string> {
    switch (kind) {
      case "kill-leader":
        return this.#killLeader();
      case "kill-follower":
        return this.#killFollower();
      case "kill-controller":
        return this.#killController();
      case "kill-all":
        return this.#killAll();
      case "stop":
        return this.#stop("a node");
      case "stop-controller":
        return this.#stop("the controller");
      case "lost-disk":
        return this.#loseDisk();
      case "full-disk":
        return this.#fillDisk();
      case "rolling-restart":
        return this.#restartAll();
    }
  }

  async #killLeader(): Promise<string> {
    const partition = this.#random.below(partitions);
    const leader = await this.#leaderOf(partition);
    await this.#killAndStart(leader);
    return `node ${leader.nodeId}, which led partition ${partition}`;
  }

  async #killFollower(): Promise<string> {
    const controller = await this.#controller();
    const others = this.cluster.nodes.filter((node) => node !== controller);
    const follower = this.#random.pick(others);
    await this.#killAndStart(follower);
    return `node ${follower.nodeId}, which follows what node ${controller.nodeId} leads and decides`;
  }

  async #killController(): Promise<string> {
    const controller = await this.#controller();
    await this.#killAndStart(controller);
    return `node ${controller.nodeId}, which decided`;
  }

  async #killAndStart(node: ClusterProcess): Promise<void> {
    await node.kill();
    // Without it the others go on.
    await this.ledger.more(5);
    node.spawn();
    await node.ready();
  }

  async #killAll(): Promise<string> {
    const { nodes } = this.cluster;
    await Promise.all(nodes.map((node) => node.kill()));
    for (const node of nodes) node.spawn();
    await Promise.all(nodes.map((node) => node.ready()));
    return "all three at once";
  }

  async #stop(whom: "a node" | "the controller"): Promise<string> {
    const controller = await this.#controller();
    const others = this.cluster.nodes.filter((node) => node !== controller);
    const node = whom === "a node" ? this.#random.pick(others) : controller;
    node.signal("SIGSTOP");
    try {
      // The others see it fenced: its session is over, and it knows nothing of it.
      await until(
        `node ${node.nodeId} is fenced`,
        async () => (await this.#stateOf(node)) === "BROKER_STATE_FENCED",
        healMs,
      );
      await this.ledger.more(5);
    } finally {
      node.signal("SIGCONT");
    }
    return `node ${node.nodeId}, for longer than its session of ${sessionMs} ms`;
  }

  async #loseDisk(): Promise<string> {
    const node = this.#random.pick(this.cluster.nodes);
    await node.kill();
    await emptyDirectory(node);
    const before = await this.#directoryIds();
    node.spawn();
    // B-6, M9: a blank node in a formed cluster stays out, and nothing is changed.
    await node.printed("stays passive");
    await this.ledger.more(5);
    const after = await this.#directoryIds();
    if (before !== after) this.ledger.violations.push(`A blank node changed the controllers: ${before}, now ${after}`);
    const asked = this.cluster.nodes.find((other) => other !== node) as ClusterProcess;
    const id = String(node.nodeId);
    const told = await varveOk(["cluster", "replace", id, "--yes", "--wait"], { address: asked.address });
    this.#tell(told.toString().trim());
    await node.ready();
    return `node ${id}, replaced by "varve cluster replace ${id}"`;
  }

  async #fillDisk(): Promise<string> {
    if (this.disk === undefined) return "not done: mounting is not allowed here";
    const node = this.cluster.node(smallDiskNode);
    const decides = (await this.#controller()) === node ? ", which decided" : "";
    await this.disk.fill(0);
    try {
      // H-13: the others lead what it led, do not wait for it where it followed, and go on for as long as it is full.
      await until(
        `node ${node.nodeId} leads nothing`,
        async () => (await this.#partitionsOf(node.nodeId)).led === 0,
        healMs,
      );
      await this.ledger.more(10);
      const { inSync } = await this.#partitionsOf(node.nodeId);
      this.#tell(`the full node ${node.nodeId} is in sync for ${inSync} of ${partitions} partitions`);
    } finally {
      await this.disk.empty();
    }
    return `node ${node.nodeId}${decides}, on a tmpfs without room`;
  }

  async #restartAll(): Promise<string> {
    const rejected = this.ledger.rejected.length;
    for (const node of this.cluster.nodes) {
      const code = await node.stop();
      if (code !== 0)
        this.ledger.violations.push(`Node ${node.nodeId} ended with ${code} after SIGTERM:\n${node.output}`);
      node.spawn();
      await node.ready();
      await this.#healed();
    }
    const failed = this.ledger.rejected.slice(rejected);
    if (failed.length > 0) this.ledger.violations.push(`A rolling restart failed ${failed.length} sends: ${failed[0]}`);
    return "one after the other, each with SIGTERM";
  }

  /** All nodes are active, and every partition has all its replicas in sync. */
  async #healed(): Promise<void> {
    const { admin } = this.ledger.client;
    await until(
      "all nodes are active and all replicas in sync",
      async () => {
        const { brokers } = await admin.describeCluster();
        const active = brokers.filter(({ state }) => state === "BROKER_STATE_ACTIVE");
        if (active.length < this.cluster.nodes.length) return false;
        const placed = await admin.describeTopic({ topic });
        return placed.partitions.every(({ inSyncReplicas }) => inSyncReplicas.length === this.cluster.nodes.length);
      },
      healMs,
    ).catch(async (error: unknown) => {
      const said = this.cluster.nodes.map((node) => `-- node ${node.nodeId}:\n${node.output.slice(-3_000)}`);
      throw new Error(`${String(error)}\n${said.join("\n")}`);
    });
  }

  async #stateOf({ nodeId }: ClusterProcess): Promise<string | undefined> {
    const { brokers } = await this.ledger.client.admin.describeCluster();
    return brokers.find((broker) => broker.nodeId === nodeId)?.state;
  }

  /** How many partitions a node leads, and for how many it is in sync. */
  async #partitionsOf(nodeId: number): Promise<{ led: number; inSync: number }> {
    const placed = await this.ledger.client.admin.describeTopic({ topic });
    return {
      led: placed.partitions.filter(({ leader }) => leader?.nodeId === nodeId).length,
      inSync: placed.partitions.filter(({ inSyncReplicas }) => inSyncReplicas.includes(nodeId)).length,
    };
  }

  async #leaderOf(partition: number): Promise<ClusterProcess> {
    const placed = await this.ledger.client.admin.describeTopic({ topic });
    return this.cluster.node(placed.partitions[partition]?.leader?.nodeId ?? -1);
  }

  async #controller(): Promise<ClusterProcess> {
    let found = -1;
    await until("somebody decides", async () => {
      found = (await this.ledger.client.admin.describeCluster()).controllerId;
      return found >= 0;
    });
    return this.cluster.node(found);
  }

  async #directoryIds(): Promise<string> {
    const { controllers } = await this.ledger.client.admin.describeCluster();
    return controllers.map(({ nodeId, directoryId }) => `${nodeId}@${directoryId}`).join(" ");
  }
}
