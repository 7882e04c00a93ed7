import { describe, expect, it } from "vitest";
import type { Command, MetadataRecord, Outcome } from "@varve/cluster";
import { InvariantError } from "@varve/format";
import { Controller } from "./controller.ts";
import type { ControllerOptions } from "./controller.ts";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataEntry, MetadataLog, MetadataLogListener } from "../ports/metadata-log.ts";

/** A metadata log in memory whose commits wait until the test lets them through. */
class MemoryLog implements MetadataLog {
  readonly entries: MetadataEntry[] = [];
  snapshot: Uint8Array | undefined;
  closed = false;
  /** Batches that were proposed and not yet committed. */
  readonly pending: { bytes: Uint8Array; resolve: (index: number) => void; reject: (error: Error) => void }[] = [];
  #listener: MetadataLogListener | undefined;
  #automatic: boolean;

  constructor(automatic: boolean) {
    this.#automatic = automatic;
  }

  get listener(): MetadataLogListener {
    if (this.#listener === undefined) throw new Error("Not started");
    return this.#listener;
  }

  async start(listener: MetadataLogListener): Promise<void> {
    this.#listener = listener;
    if (this.snapshot !== undefined) listener.onSnapshot(this.snapshot);
    if (this.entries.length > 0) listener.onCommitted(this.entries);
    listener.onRole({ kind: "leader", term: 1 });
  }

  propose(bytes: Uint8Array): Promise<number> {
    const committed = new Promise<number>((resolve, reject) => this.pending.push({ bytes, resolve, reject }));
    if (this.#automatic) this.commit();
    return committed;
  }

  commit(): void {
    const { bytes, resolve } = this.take();
    const index = (this.entries.at(-1)?.index ?? 0) + 1;
    this.entries.push({ index, bytes });
    this.listener.onCommitted([{ index, bytes }]);
    resolve(index);
  }

  fail(error: Error): void {
    this.take().reject(error);
  }

  /** Instead of the entries before it. */
  takeSnapshot(): void {
    this.snapshot = this.listener.takeSnapshot();
    this.entries.splice(0);
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private take() {
    const next = this.pending.shift();
    if (next === undefined) throw new Error("Nothing is pending");
    return next;
  }
}

interface World {
  readonly log: MemoryLog;
  readonly controller: Controller;
  readonly fatal: Error[];
}

async function start(log = new MemoryLog(true), options: ControllerOptions = {}): Promise<World> {
  const fatal: Error[] = [];
  let ids = 0;
  const controller = await Controller.start(options, {
    log,
    clock: { nowMs: () => 1_000, nextTurn: (run) => void setImmediate(run) },
    newUuid: () => (++ids).toString(16).padStart(32, "0"),
    onFatal: (error) => fatal.push(error),
  });
  return { log, controller, fatal };
}

const register: Command = {
  kind: "registerBroker",
  brokerId: 1,
  incarnationId: "a".repeat(32),
  endpoints: [],
  dirs: ["d".repeat(32)],
};

async function ready(world: World): Promise<World> {
  await world.controller.submit(register);
  await world.controller.submit({ kind: "unfenceBroker", brokerId: 1, brokerEpoch: 1, metadataOffset: 1 });
  return world;
}

const until = async (condition: () => boolean): Promise<void> => {
  const deadline = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`Waited 30 s in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
};

describe("Controller", () => {
  it("answers when the batch is committed and part of the image, not before (C-4)", async () => {
    const log = new MemoryLog(false);
    const { controller } = await start(log);
    let outcome: Outcome<unknown> | undefined;
    void controller.submit(register).then((result) => (outcome = result));
    await until(() => log.pending.length === 1);
    expect(controller.image.offset).toBe(0);
    expect(outcome).toBeUndefined();
    log.commit();
    await until(() => outcome !== undefined);
    expect(outcome).toEqual({ kind: "done", reply: { brokerEpoch: 1 } });
    expect(controller.image.offset).toBe(1);
    await controller.close();
    expect(log.closed).toBe(true);
  });

  it("has one batch in flight; what arrives meanwhile shares the next one and sees each other's effect (C-3)", async () => {
    const log = new MemoryLog(true);
    const world = await ready(await start(log));
    const before = log.entries.length;
    const outcomes = await Promise.all([
      world.controller.submit({ kind: "createTopic", name: "a" }),
      world.controller.submit({ kind: "createTopic", name: "a" }),
      world.controller.submit({ kind: "createTopic", name: "b" }),
      world.controller.submit({ kind: "deleteTopic", topic: "b" }),
    ]);
    expect(outcomes.map((outcome) => (outcome.kind === "done" ? "done" : outcome.refusal.reason))).toEqual([
      "done",
      "TOPIC_ALREADY_EXISTS",
      "done",
      "done",
    ]);
    expect(log.entries.length).toBe(before + 1);
    expect([...world.controller.image.topicIds.keys()]).toEqual(["a"]);
  });

  it("keeps a refusal back until what it was based on is committed (C-4)", async () => {
    const log = new MemoryLog(false);
    const { controller } = await start(log);
    const first = controller.submit(register);
    let refused = false;
    const second = controller.submit({ kind: "createTopic", name: "a" });
    void second.then(() => (refused = true));
    await until(() => log.pending.length === 1);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toBe(false);
    log.commit();
    expect((await first).kind).toBe("done");
    expect(await second).toMatchObject({ kind: "refused", refusal: { reason: "INVALID_REPLICATION_FACTOR" } });
  });

  it("refuses with NOT_CONTROLLER when leadership is lost, and drops what it planned (C-1)", async () => {
    const log = new MemoryLog(false);
    const { controller, fatal } = await start(log);
    const first = controller.submit(register);
    await until(() => log.pending.length === 1);
    const second = controller.submit({ kind: "createTopic", name: "a" });
    log.listener.onRole({ kind: "follower", term: 2, leaderId: 7 });
    log.fail(new MetadataLogError("UNKNOWN_OUTCOME", "Leadership was lost."));
    for (const outcome of await Promise.all([first, second])) {
      expect(outcome).toMatchObject({
        kind: "refused",
        refusal: { reason: "NOT_CONTROLLER", metadata: { controller: "7" } },
      });
    }
    expect(controller.image.offset).toBe(0);
    expect(fatal).toEqual([]);
    log.listener.onRole({ kind: "leader", term: 3 });
    const again = controller.submit(register);
    await until(() => log.pending.length === 1);
    log.commit();
    expect((await again).kind).toBe("done");
  });

  it("dies of a batch that cannot be replayed (C-2)", async () => {
    const world = await ready(await start());
    const [first] = world.log.entries;
    expect(() => world.log.listener.onCommitted(first === undefined ? [] : [first])).toThrow(InvariantError);
  });

  it("dies of an error of the log, and refuses everything after it", async () => {
    const log = new MemoryLog(false);
    const { controller, fatal } = await start(log);
    const waiting = controller.submit(register);
    await until(() => log.pending.length === 1);
    log.fail(new MetadataLogError("IO", "Disk is on fire."));
    expect(await waiting).toMatchObject({ kind: "refused", refusal: { reason: "STORAGE_FAILED" } });
    expect(await controller.submit(register)).toMatchObject({ kind: "refused", refusal: { reason: "STORAGE_FAILED" } });
    expect(fatal.map((error) => error.message)).toEqual(["Disk is on fire."]);
  });

  it("refuses with BUSY when the queue is full", async () => {
    const log = new MemoryLog(false);
    const { controller } = await start(log, { queueMax: 2 });
    const first = controller.submit(register);
    const second = controller.submit(register);
    expect(await controller.submit(register)).toMatchObject({ kind: "refused", refusal: { reason: "BUSY" } });
    await until(() => log.pending.length === 1);
    log.commit();
    expect([(await first).kind, (await second).kind]).toEqual(["done", "done"]);
  });

  it("spreads new leader epochs of more partitions than a batch holds over contiguous batches (C-5, J-3)", async () => {
    const world = await ready(await start());
    for (const name of ["a", "b", "c"]) await world.controller.submit({ kind: "createTopic", name, partitions: 4_000 });
    const before = world.log.entries.length;
    const epochs = world.controller.submit({ kind: "startEpochs", brokerId: 1, brokerEpoch: 1 });
    const after = world.controller.submit({ kind: "createTopic", name: "d" });
    expect(await epochs).toEqual({ kind: "done", reply: { partitions: 12_000 } });
    expect((await after).kind).toBe("done");
    expect(world.log.entries.length).toBe(before + 2);
    for (const topic of world.controller.image.topics.values()) {
      const wanted = topic.name === "d" ? 0 : 1;
      expect(topic.partitions.every((partition) => partition.leaderEpoch === wanted)).toBe(true);
    }
  });

  it("spreads a command over as many batches as it is told to; one that is done whole or not at all stays whole (C-5)", async () => {
    const world = await ready(await start(new MemoryLog(true), { spreadRecordsMax: 2 }));
    const before = world.log.entries.length;
    await world.controller.submit({ kind: "createTopic", name: "a", partitions: 5 });
    expect(world.log.entries.length).toBe(before + 1);
    const epochs = world.controller.submit({ kind: "startEpochs", brokerId: 1, brokerEpoch: 1 });
    const after = world.controller.submit({ kind: "createTopic", name: "b", partitions: 5 });
    expect(await epochs).toEqual({ kind: "done", reply: { partitions: 5 } });
    expect((await after).kind).toBe("done");
    // Two, two, and the last one, with what came next.
    expect(world.log.entries.length).toBe(before + 4);
  });

  it("feeds subscribers every committed batch in order, and a restart comes to the same image", async () => {
    const world = await ready(await start());
    const seen: MetadataRecord[] = [];
    const stop = world.controller.subscribe((image, records) => {
      expect(image).toBe(world.controller.image);
      seen.push(...records);
    });
    await world.controller.submit({ kind: "createTopic", name: "a", partitions: 2 });
    stop();
    await world.controller.submit({ kind: "createTopic", name: "b" });
    expect(seen.map((record) => record.type)).toEqual(["Topic", "Partition", "Partition"]);
    const again = await start(world.log);
    expect(again.controller.image.digest).toEqual(world.controller.image.digest);
    expect(again.controller.image.offset).toBe(world.controller.image.offset);
  });

  it("starts from a snapshot of its image and what came after it", async () => {
    const world = await ready(await start());
    await world.controller.submit({ kind: "createTopic", name: "a", partitions: 10 });
    world.log.takeSnapshot();
    await world.controller.submit({ kind: "createTopic", name: "b" });
    const again = await start(world.log);
    expect(again.controller.image.digest).toEqual(world.controller.image.digest);
    expect([...again.controller.image.topicIds.keys()].sort()).toEqual(["a", "b"]);
    await world.controller.close();
    expect(await world.controller.submit(register)).toMatchObject({
      refusal: { reason: "SHUTTING_DOWN", metadata: { outcome: "not-done" } },
    });
  });

  it("after an election it won again, what it proposed before disturbs nothing (C-1, C-3)", async () => {
    const log = new MemoryLog(false);
    const { controller, fatal } = await start(log);
    const before = controller.submit(register);
    await until(() => log.pending.length === 1);
    const queued = controller.submit(register);
    log.listener.onRole({ kind: "follower", term: 2, leaderId: 7 });
    expect(await before).toMatchObject({ refusal: { reason: "NOT_CONTROLLER", metadata: { outcome: "unknown" } } });
    expect(await queued).toMatchObject({ refusal: { reason: "NOT_CONTROLLER", metadata: { outcome: "not-done" } } });
    // Somebody else's entry, then this node leads again, and only now hears that its own was lost.
    const other = await start();
    await other.controller.submit({ ...register, brokerId: 2 });
    log.listener.onCommitted(other.log.entries);
    log.listener.onRole({ kind: "leader", term: 3 });
    const after = controller.submit(register);
    log.fail(new MetadataLogError("NOT_LEADER", "Lost."));
    await until(() => log.pending.length === 1);
    log.commit();
    expect(await after).toEqual({ kind: "done", reply: { brokerEpoch: 2 } });
    expect(fatal).toEqual([]);
  });

  it("says STORAGE_FULL when the log has no room, and goes on (D-9)", async () => {
    const log = new MemoryLog(false);
    const { controller, fatal } = await start(log);
    const full = controller.submit(register);
    await until(() => log.pending.length === 1);
    log.fail(new MetadataLogError("NO_SPACE", "Cannot write: the disk is full."));
    expect(await full).toMatchObject({ refusal: { reason: "STORAGE_FULL" } });
    const again = controller.submit(register);
    await until(() => log.pending.length === 1);
    log.commit();
    expect((await again).kind).toBe("done");
    expect(fatal).toEqual([]);
  });
});
