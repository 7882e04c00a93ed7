import { Client, Server, ServerCredentials, credentials } from "@grpc/grpc-js";
import { loadServices } from "@varve/api";
import { type Command, encodeBatch, encodeOutcome } from "@varve/cluster";
import { systemClock } from "@varve/log";
import { afterEach, expect, test, vi } from "vitest";
import type { MetadataRole } from "../ports/metadata-log.ts";
import { RoleLog } from "../testing/role-log.ts";
import { ClusterController, type RemoteControllerOptions } from "./controller-client.ts";
import { Controller } from "./controller.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const { peer: definition } = loadServices();
const register: Command = {
  kind: "registerBroker",
  brokerId: 1,
  incarnationId: "a".repeat(32),
  endpoints: [],
  dirs: ["d".repeat(32)],
};

async function open(
  options: Partial<RemoteControllerOptions> = {},
): Promise<{ control: ClusterController; log: RoleLog; is: (role: MetadataRole) => void }> {
  const log = new RoleLog();
  let ids = 0;
  const controller = await Controller.start(
    {},
    {
      log,
      clock: systemClock(),
      newUuid: () => (++ids).toString(16).padStart(32, "0"),
      onFatal: (error) => {
        throw error;
      },
    },
  );
  const control = new ClusterController({
    controller,
    peers: undefined,
    definition,
    clock: systemClock(),
    timeoutMs: 5_000,
    ...options,
  });
  closers.push(
    () => controller.close(),
    () => control.close(),
  );
  return { control, log, is: (role) => log.listener?.onRole(role) };
}

/** A node that takes commands over gRPC: `answer` per call; undefined cuts the connection after the command has come. */
async function remote(
  answer: (call: number) => Buffer | undefined,
  termOf: (call: number) => number = () => 1,
  metadataOffset = 0,
): Promise<{ client: Client; calls: () => number }> {
  const server = new Server();
  let calls = 0;
  server.addService(
    { Submit: definition["Submit"] as (typeof definition)[string] },
    {
      Submit: (_: unknown, callback: (error: null, answer: object) => void) => {
        calls += 1;
        const outcome = answer(calls);
        if (outcome === undefined) server.forceShutdown();
        else callback(null, { outcome, term: termOf(calls), metadataOffset });
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closers.push(
    () => server.forceShutdown(),
    () => client.close(),
  );
  return { client, calls: () => calls };
}

const follows: MetadataRole = { kind: "follower", term: 1, leaderId: 7 };

test("a command waits for an election, and is decided here when this node wins it", async () => {
  const { control, is } = await open();
  const outcome = control.submit(register);
  is({ kind: "leader", term: 2 });
  expect(await outcome).toEqual({ kind: "done", reply: { brokerEpoch: 1 } });
});

test("without anybody in charge it ends in time, and says that nothing was done", async () => {
  const { control } = await open({ timeoutMs: 100 });
  expect(await control.submit(register)).toMatchObject({
    refusal: { reason: "NOT_CONTROLLER", metadata: { outcome: "not-done" } },
  });
});

test("no more than so many wait, and whoever waits is told that the node stops", async () => {
  const { control } = await open({ waitingMax: 1 });
  const waits = control.submit(register);
  expect(await control.submit(register)).toMatchObject({ refusal: { reason: "BUSY" } });
  control.close();
  expect(await waits).toMatchObject({ refusal: { reason: "SHUTTING_DOWN" } });
});

test("a command that was handed over is never sent again, whatever became of the connection (C-6)", async () => {
  const { client, calls } = await remote(() => undefined);
  const { control, is } = await open({ peers: { client: () => client } });
  is(follows);
  expect(await control.submit(register)).toMatchObject({
    refusal: { reason: "NOT_CONTROLLER", metadata: { outcome: "unknown" } },
  });
  expect(calls()).toBe(1);
});

test("one that was certainly not done is sent again, to whoever is in charge then", async () => {
  const notDone = { reason: "NOT_CONTROLLER", message: "Not me.", metadata: { outcome: "not-done" } } as const;
  const { client, calls } = await remote((call) =>
    Buffer.from(
      encodeOutcome(
        "registerBroker",
        call < 3 ? { kind: "refused", refusal: notDone } : { kind: "done", reply: { brokerEpoch: 9 } },
      ),
    ),
  );
  const { control, is } = await open({ peers: { client: () => client } });
  is(follows);
  expect(await control.submit(register)).toEqual({ kind: "done", reply: { brokerEpoch: 9 } });
  expect(calls()).toBe(3);
});

test("one that a controller of the past may have done is not sent again (C-6)", async () => {
  const unknown = { reason: "NOT_CONTROLLER", message: "No more.", metadata: { outcome: "unknown" } } as const;
  const outcomeOf = (call: number): Buffer =>
    Buffer.from(
      encodeOutcome(
        "registerBroker",
        call === 2 ? { kind: "refused", refusal: unknown } : { kind: "done", reply: { brokerEpoch: call } },
      ),
    );
  const { client, calls } = await remote(outcomeOf, (call) => (call === 2 ? 4 : 5));
  const { control, is } = await open({ peers: { client: () => client } });
  is(follows);
  expect(await control.submit(register)).toEqual({ kind: "done", reply: { brokerEpoch: 1 } });
  expect(await control.submit(register)).toMatchObject({ refusal: { metadata: { outcome: "unknown" } } });
  expect(calls()).toBe(2);
});

test("what a controller of the past refuses is asked again: it speaks of what was", async () => {
  const duplicate = { reason: "DUPLICATE_BROKER", message: "Another one.", metadata: {} } as const;
  const outcomeOf = (call: number): Buffer =>
    Buffer.from(
      encodeOutcome(
        "registerBroker",
        call === 2 ? { kind: "refused", refusal: duplicate } : { kind: "done", reply: { brokerEpoch: call } },
      ),
    );
  const { client } = await remote(outcomeOf, (call) => (call === 2 ? 4 : 5));
  const { control, is } = await open({ peers: { client: () => client } });
  is(follows);
  await control.submit(register);
  expect(await control.submit(register)).toEqual({ kind: "done", reply: { brokerEpoch: 3 } });
});

test("a controller that stops has done nothing with what it had not begun: the next one is asked", async () => {
  const stops = { reason: "SHUTTING_DOWN", message: "It stops.", metadata: { outcome: "not-done" } } as const;
  const { client, calls } = await remote((call) =>
    Buffer.from(
      encodeOutcome(
        "registerBroker",
        call === 1 ? { kind: "refused", refusal: stops } : { kind: "done", reply: { brokerEpoch: 9 } },
      ),
    ),
  );
  const { control, is } = await open({ peers: { client: () => client } });
  is(follows);
  expect(await control.submit(register)).toEqual({ kind: "done", reply: { brokerEpoch: 9 } });
  expect(calls()).toBe(2);
});

test("a topic that exists already is known here, too, when that is said: whoever is told uses it next", async () => {
  const exists = { reason: "TOPIC_ALREADY_EXISTS", message: "It exists.", metadata: {} } as const;
  const answer = Buffer.from(encodeOutcome("createTopic", { kind: "refused", refusal: exists }));
  const { client, calls } = await remote(
    () => answer,
    () => 1,
    1,
  );
  const { control, log, is } = await open({ peers: { client: () => client }, timeoutMs: 60_000 });
  is(follows);
  let isAnswered = false;
  const outcome = control.submit({ kind: "createTopic", name: "t" }).finally(() => (isAnswered = true));
  await vi.waitFor(() => expect(calls()).toBe(1), { timeout: 30_000 });
  // Handed over behind it, and answered: its own answer has come.
  await control.submit(register);
  expect(isAnswered).toBe(false);
  const bytes = encodeBatch({
    firstOffset: 1,
    writtenAtMs: 0,
    records: [{ type: "Topic", topicId: "a".repeat(32), name: "t" }],
  });
  log.listener?.onCommitted([{ index: 1, bytes }]);
  expect(await outcome).toMatchObject({ refusal: { reason: "TOPIC_ALREADY_EXISTS" } });
});

test("a wall clock that is set back lets no command last: nobody answers, and it ends in time", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  closers.push(() => vi.useRealTimers());
  const client = new Client("127.0.0.1:1", credentials.createInsecure());
  closers.push(() => client.close());
  const { control, is } = await open({ peers: { client: () => client }, timeoutMs: 300 });
  is(follows);
  const outcome = control.submit(register);
  vi.setSystemTime(Date.now() - 3_600_000);
  expect(await outcome).toMatchObject({ refusal: { reason: "NOT_CONTROLLER", metadata: { outcome: "not-done" } } });
});

test("an answer that is none is not taken for one", async () => {
  const { client } = await remote(() => Buffer.from("garbage"));
  const { control, is } = await open({ peers: { client: () => client } });
  is(follows);
  expect(await control.submit(register)).toMatchObject({
    refusal: { reason: "INTERNAL", metadata: { outcome: "unknown" } },
  });
});
