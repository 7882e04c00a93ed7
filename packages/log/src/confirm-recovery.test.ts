/** J-13: what a start has lost is said again until somebody has confirmed to know it, on the simulated disk. */
import { buildBatch } from "@varve/format";
import { expect, test } from "vitest";
import { LogStore } from "./store.ts";
import { testConfig } from "./testing/log-config.ts";
import { SimulatedClock, SimulatedTime } from "./testing/simulated-clock.ts";
import { SimulatedDisk } from "./testing/simulated-disk.ts";

const id = { topicId: "0123456789abcdef0123456789abcdef", topic: "t", partition: 0 };
const config = testConfig({ flush: "os" });

class Node {
  readonly time = new SimulatedTime();
  readonly disk = new SimulatedDisk({ time: this.time, seed: 1 });
  #boot = 1;

  /** Opens the store; undefined when it was stopped after so many effects. */
  async open(haltAfter = Infinity): Promise<LogStore | undefined> {
    const clock = new SimulatedClock(this.time);
    let opened: LogStore | undefined;
    this.disk.haltAfter(this.disk.effects + haltAfter);
    const opening = LogStore.open(
      {
        directory: "/data",
        bootId: `boot ${this.#boot}`,
        defaults: config,
        journalFileBytes: 65_536,
        scrubBytesPerSecond: 0,
      },
      {
        fs: this.disk.fileSystem(),
        clock,
        onFatal: (error) => {
          throw error;
        },
      },
    );
    opening.then(
      (store) => (opened = store),
      () => undefined,
    );
    await this.time.until(() => opened !== undefined || this.disk.isHalted, "the store to open, or to be stopped");
    if (opened !== undefined) this.disk.haltAfter(Infinity);
    return opened;
  }

  async openWhole(): Promise<LogStore> {
    const store = await this.open();
    if (store === undefined) throw new Error("The store did not open");
    return store;
  }

  powerCut(): void {
    this.disk.powerCut(3);
    this.#boot += 1;
  }
}

function isRetained(store: LogStore): boolean | undefined {
  return store.recovery.partitions.find(({ id: { topicId } }) => topicId === id.topicId)?.isRetained;
}

/** A partition with `flush=os` that counted something, and lost it in a power cut. */
async function lossy(): Promise<Node> {
  const node = new Node();
  await node.time.result(node.disk.fileSystem().mkdir("/data"), "the directory");
  await node.time.result(node.disk.fileSystem().syncDirectory("/"), "its name to be durable");
  const store = await node.openWhole();
  const log = await node.time.result(store.create(id, config), "a partition");
  log.startEpoch(1);
  log.appendAsLeader(buildBatch([{ value: new Uint8Array(9), timestampMs: 1 }]), { now: 1 });
  await node.time.until(() => log.countedOffset === 1, "a batch to count");
  node.powerCut();
  return node;
}

test("LogStore.recovery J-13: a start that is cut off, wherever, leaves the loss to be told by the next one", async () => {
  for (let effects = 1; ; effects += 1) {
    const node = await lossy();
    const cutOff = await node.open(effects);
    if (cutOff !== undefined) {
      expect(isRetained(cutOff)).toBe(false);
      expect(effects).toBeGreaterThan(10);
      return;
    }
    node.disk.kill(effects);
    expect(isRetained(await node.openWhole()), `stopped after effect ${effects}`).toBe(false);
  }
});

test("LogStore.confirmRecovery() J-13: ends it, and nothing else does", async () => {
  const node = await lossy();
  for (const ending of ["kill", "close", "kill"]) {
    const store = await node.openWhole();
    expect(isRetained(store)).toBe(false);
    if (ending === "close") await node.time.result(store.close(), "the store to close");
    node.disk.kill(1);
  }
  const store = await node.openWhole();
  expect(isRetained(store)).toBe(false);
  const before = store.stats().checkpoints;
  store.confirmRecovery();
  await node.time.until(() => store.stats().checkpoints > before, "a checkpoint");
  node.disk.kill(1);
  expect(isRetained(await node.openWhole())).toBe(true);
});
