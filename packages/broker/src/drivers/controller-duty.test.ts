import { type AddressInfo, type Server, createServer } from "node:net";
import type { RegisterBroker } from "@varve/cluster";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { type Clock, systemClock } from "@varve/log";
import { afterEach, expect, test } from "vitest";
import { silentLogger } from "../logger.ts";
import type { MetadataRole } from "../ports/metadata-log.ts";
import { isRefusal } from "../refusal.ts";
import { RoleLog } from "../testing/role-log.ts";
import { until } from "../testing/test-broker.ts";
import { type Heartbeat, ControllerDuty } from "./controller-duty.ts";
import { Controller } from "./controller.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Stage {
  readonly controller: Controller;
  readonly duty: ControllerDuty;
  readonly is: (role: MetadataRole) => void;
  readonly log: RoleLog;
}

const heartbeatMs = 500;
const sessionMs = 3_000;
const leader: MetadataRole = { kind: "leader", term: 1 };

async function open(clock: Clock, times = { heartbeatMs, sessionMs }): Promise<Stage> {
  const log = new RoleLog();
  let ids = 0;
  const newUuid = (): string => (++ids).toString(16).padStart(32, "0");
  const onFatal = (error: Error): never => {
    throw error;
  };
  const controller = await Controller.start({}, { log, clock, newUuid, onFatal });
  const duty = new ControllerDuty({
    controller,
    clock,
    logger: silentLogger(),
    endpoint: "peer",
    balanceMs: 60_000,
    ...times,
  });
  closers.push(
    () => controller.close(),
    () => duty.close(),
  );
  return { controller, duty, is: (role) => log.listener?.onRole(role), log };
}

const identity = (brokerId: number, port?: number, host = "127.0.0.1"): RegisterBroker => ({
  kind: "registerBroker",
  brokerId,
  incarnationId: String(brokerId).repeat(32),
  endpoints: port === undefined ? [] : [{ name: "peer", host, port }],
  dirs: [String(brokerId).repeat(32)],
});

const alive = (brokerEpoch: number, more: Partial<Heartbeat> = {}): Heartbeat => {
  return { brokerEpoch, metadataOffset: 1_000, wantsFence: false, wantsShutdown: false, withoutRoom: false, ...more };
};

/** Brokers 1 to `count`, let in. @returns their epochs */
async function letIn(
  { controller, duty }: Stage,
  count: number,
  settle: <T>(promise: Promise<T>) => Promise<T>,
  portOf: (brokerId: number) => number | undefined = () => undefined,
): Promise<number[]> {
  const epochs: number[] = [];
  for (let brokerId = 1; brokerId <= count; brokerId++) {
    const registered = await settle(controller.submit(identity(brokerId, portOf(brokerId))));
    const epoch = registered.kind === "done" ? registered.reply.brokerEpoch : -1;
    expect(await settle(duty.beat(brokerId, alive(epoch)))).toMatchObject({ fenced: false, stale: false });
    epochs.push(epoch);
  }
  return epochs;
}

function simulated(): { time: SimulatedTime; clock: Clock; settle: <T>(promise: Promise<T>) => Promise<T> } {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  closers.unshift(() => clock.stop());
  return { time, clock, settle: (promise) => time.result(promise, "an answer") };
}

const fenced = ({ controller }: Stage): number[] =>
  [...controller.image.brokers.values()].filter((broker) => broker.fenced).map(({ brokerId }) => brokerId);

test("who is silent for a session is fenced, who speaks is not (B-5, C-8)", async () => {
  const { time, clock, settle } = simulated();
  const stage = await open(clock);
  stage.is(leader);
  const [, second = -1] = await letIn(stage, 2, settle);
  for (let ms = 0; ms < sessionMs - heartbeatMs; ms += heartbeatMs) {
    await settle(stage.duty.beat(2, alive(second)));
    await time.pass(heartbeatMs);
  }
  expect(fenced(stage)).toEqual([]);
  expect(stage.duty.silentBrokers).toBe(1);
  await settle(stage.duty.beat(2, alive(second)));
  await time.pass(3 * heartbeatMs);
  expect(fenced(stage)).toEqual([1]);
  // It speaks again, with the same epoch: let in by itself.
  expect(await settle(stage.duty.beat(1, alive(1)))).toMatchObject({ fenced: false });
  expect(fenced(stage)).toEqual([]);
});

test("who speaks while another one is being fenced is not fenced after it (B-5)", async () => {
  const { time, clock, settle } = simulated();
  const stage = await open(clock);
  const { log } = stage;
  stage.is(leader);
  const epochs = await letIn(stage, 3, settle);
  const propose = log.propose.bind(log);
  let commit: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (commit = resolve));
  log.propose = (bytes) => slow.then(() => propose(bytes));
  await time.pass(sessionMs + 2 * heartbeatMs);
  for (const [at, epoch] of epochs.entries()) {
    expect(await stage.duty.beat(at + 1, alive(epoch))).toMatchObject({ fenced: false });
  }
  commit();
  await time.pass(heartbeatMs);
  // The one whose turn it was.
  expect(fenced(stage)).toHaveLength(1);
});

test("a controller that stood still fences nobody for what it did not hear (C-8)", async () => {
  const { time, clock, settle } = simulated();
  const stalling: Clock = { ...asClock(clock), monotonicMs: () => clock.monotonicMs() + stalledMs };
  let stalledMs = 0;
  const stage = await open(stalling);
  stage.is(leader);
  await letIn(stage, 1, settle);
  stalledMs = 10 * sessionMs;
  await time.pass(2 * heartbeatMs);
  expect(fenced(stage)).toEqual([]);
  await time.pass(sessionMs + 2 * heartbeatMs);
  expect(fenced(stage)).toEqual([1]);
});

test("a new controller gives everybody a whole session (C-8)", async () => {
  const { time, clock, settle } = simulated();
  const stage = await open(clock);
  stage.is(leader);
  await letIn(stage, 1, settle);
  await time.pass(sessionMs - heartbeatMs);
  stage.is({ kind: "follower", term: 2, leaderId: 2 });
  expect(isRefusal(await settle(stage.duty.beat(1, alive(1))))).toBe(true);
  await time.pass(5 * sessionMs);
  expect(fenced(stage)).toEqual([]);
  stage.is({ kind: "leader", term: 3 });
  await time.pass(sessionMs - heartbeatMs);
  expect(fenced(stage)).toEqual([]);
  await time.pass(3 * heartbeatMs);
  expect(fenced(stage)).toEqual([1]);
});

test("who asks to be fenced is, and is let in when it asks no more (B-10); another epoch is stale (B-2)", async () => {
  const { clock, settle } = simulated();
  const stage = await open(clock);
  stage.is(leader);
  const [epoch = -1] = await letIn(stage, 1, settle);
  expect(await settle(stage.duty.beat(1, alive(epoch, { wantsFence: true })))).toMatchObject({ fenced: true });
  expect(fenced(stage)).toEqual([1]);
  expect(await settle(stage.duty.beat(1, alive(epoch + 7)))).toMatchObject({ stale: true, fenced: true });
  expect(await settle(stage.duty.beat(9, alive(1)))).toMatchObject({ stale: true });
  // Not before it knows its own registration (B-6).
  const behind = alive(epoch, { metadataOffset: epoch - 1 });
  expect(await settle(stage.duty.beat(1, behind))).toMatchObject({ fenced: true });
  expect(await settle(stage.duty.beat(1, alive(epoch)))).toMatchObject({ fenced: false });
});

test("leaders go back to their preferred replicas now and then, not to one that has no room (6.10, H-13)", async () => {
  const { time, clock, settle } = simulated();
  const stage = await open(clock);
  stage.is(leader);
  const epochs = await letIn(stage, 2, settle);
  const { controller } = stage;
  await settle(controller.submit({ kind: "createTopic", name: "t", partitions: 1, replicationFactor: 2 }));
  const placed = () => [...controller.image.topics.values()][0]?.partitions[0];
  const { topicId = "", leaderEpoch = -1, replicas: [first = -1, second = -1] = [] } = placed() ?? {};
  const me = { brokerId: first, brokerEpoch: epochs[first - 1] ?? -1 };
  const partitions = [{ topicId, partition: 0, leaderEpoch, to: second }];
  await settle(controller.submit({ kind: "handOver", ...me, partitions }));
  expect(placed()?.leader).toBe(second);
  const live = async (withoutRoom: boolean): Promise<void> => {
    for (let ms = 0; ms <= 60_000; ms += heartbeatMs) {
      for (const [at, epoch] of epochs.entries()) await settle(stage.duty.beat(at + 1, alive(epoch, { withoutRoom })));
      await time.pass(heartbeatMs);
    }
  };
  await live(true);
  expect(placed()?.leader).toBe(second);
  await live(false);
  expect(placed()?.leader).toBe(first);
});

test("who wants to stop may, once it leads nothing and all others know (B-7)", async () => {
  const { clock, settle } = simulated();
  const stage = await open(clock);
  stage.is(leader);
  const [first = -1, second = -1] = await letIn(stage, 2, settle);
  await settle(stage.controller.submit({ kind: "createTopic", name: "t", partitions: 2, replicationFactor: 2 }));
  const leaves = alive(first, { wantsShutdown: true });
  const before = stage.controller.image.offset;
  await settle(stage.duty.beat(2, alive(second, { metadataOffset: before })));
  expect(await settle(stage.duty.beat(1, leaves))).toMatchObject({ mayStop: false });
  const partitions = [...stage.controller.image.topics.values()].flatMap((topic) => topic.partitions);
  expect(partitions.map((partition) => partition.leader)).toEqual([2, 2]);
  // The other one does not know yet, however often it is asked: what it has to know does not move.
  const handedOver = stage.controller.image.offset;
  await settle(stage.duty.beat(2, alive(second, { metadataOffset: handedOver - 1 })));
  expect(await settle(stage.duty.beat(1, { ...leaves, metadataOffset: handedOver }))).toMatchObject({ mayStop: false });
  await settle(stage.duty.beat(2, alive(second, { metadataOffset: handedOver })));
  expect(await settle(stage.duty.beat(1, { ...leaves, metadataOffset: handedOver }))).toMatchObject({ mayStop: true });
});

test("a broken stream of heartbeats ends a session at once where nobody listens, and there alone (B-9)", async () => {
  const listening = await listen();
  closers.push(() => new Promise((resolve) => listening.server.close(resolve)));
  const gone = await listen();
  await new Promise((resolve) => gone.server.close(resolve));
  // A session that cannot be over while the test lasts.
  const stage = await open(systemClock(), { heartbeatMs: 1_000, sessionMs: 3_600_000 });
  stage.is(leader);
  const ports = new Map([
    [1, listening.port],
    [2, gone.port],
  ]);
  const [first = -1, second = -1, third = -1] = await letIn(
    stage,
    3,
    (promise) => promise,
    (brokerId) => ports.get(brokerId),
  );
  stage.duty.heartbeatsEnded(1, first);
  // Of an earlier life: that one is over anyway.
  stage.duty.heartbeatsEnded(2, second - 1);
  // Nobody knows where it listens.
  stage.duty.heartbeatsEnded(3, third);
  await until("the address that answers was looked at", () => listening.connections() > 0);
  expect(fenced(stage)).toEqual([]);
  stage.duty.heartbeatsEnded(2, second);
  await until("broker 2 is fenced", () => fenced(stage).length > 0);
  expect(fenced(stage)).toEqual([2]);
});

test("an address that fails otherwise says nothing of who lives there (B-9)", async () => {
  const gone = await listen();
  await new Promise((resolve) => gone.server.close(resolve));
  const stage = await open(systemClock(), { heartbeatMs: 1_000, sessionMs: 3_600_000 });
  stage.is(leader);
  // Nobody may connect to a broadcast address; the kernel says so at once.
  const unreachable = await stage.controller.submit(identity(1, 9, "255.255.255.255"));
  const epoch = unreachable.kind === "done" ? unreachable.reply.brokerEpoch : -1;
  await stage.duty.beat(1, alive(epoch));
  const dead = await stage.controller.submit(identity(2, gone.port));
  const deadEpoch = dead.kind === "done" ? dead.reply.brokerEpoch : -1;
  await stage.duty.beat(2, alive(deadEpoch));
  stage.duty.heartbeatsEnded(1, epoch);
  stage.duty.heartbeatsEnded(2, deadEpoch);
  await until("broker 2 is fenced", () => fenced(stage).length > 0);
  expect(fenced(stage)).toEqual([2]);
});

test("an address that takes a connection with its process's last breath is looked at again (B-9)", async () => {
  const dying = await listen();
  const stage = await open(systemClock(), { heartbeatMs: 1_000, sessionMs: 3_600_000 });
  stage.is(leader);
  const [first = -1] = await letIn(
    stage,
    1,
    (promise) => promise,
    () => dying.port,
  );
  dying.server.once("connection", () => dying.server.close());
  stage.duty.heartbeatsEnded(1, first);
  await until("broker 1 is fenced", () => fenced(stage).length > 0);
  expect(dying.connections()).toBe(1);
});

test("a new controller looks for everybody at once: whoever died with the old one is fenced at once (C-8, B-9)", async () => {
  const gone = await listen();
  await new Promise((resolve) => gone.server.close(resolve));
  const stage = await open(systemClock(), { heartbeatMs: 1_000, sessionMs: 3_600_000 });
  stage.is(leader);
  await letIn(
    stage,
    2,
    (promise) => promise,
    (brokerId) => (brokerId === 2 ? gone.port : undefined),
  );
  expect(fenced(stage)).toEqual([]);
  stage.is({ kind: "follower", term: 2, leaderId: 3 });
  stage.is({ kind: "leader", term: 3 });
  await until("broker 2 is fenced", () => fenced(stage).length > 0);
  expect(fenced(stage)).toEqual([2]);
});

async function listen(): Promise<{ server: Server; port: number; connections: () => number }> {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port, connections: () => connections };
}

function asClock(clock: Clock): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, run) => clock.setTimer(delayMs, run),
    nextTurn: (run) => clock.nextTurn(run),
  };
}
