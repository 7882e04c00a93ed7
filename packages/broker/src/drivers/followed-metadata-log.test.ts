import { EventEmitter } from "node:events";
import { type Client, status } from "@grpc/grpc-js";
import { type FollowMetadataRequestMessage, type FollowMetadataResponseMessage, loadServices } from "@varve/api";
import { type ControllerImage, encodeSnapshot, printDigest } from "@varve/cluster";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { afterEach, expect, test } from "vitest";
import type { MetadataRole } from "../ports/metadata-log.ts";
import { RoleLog } from "../testing/role-log.ts";
import { Controller } from "./controller.ts";
import { FollowedMetadataLog } from "./followed-metadata-log.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const { peer: definition } = loadServices();
const sessionMs = 3_000;

/** A stream that this broker opened to a controller; the test says what comes. */
class Stream extends EventEmitter {
  readonly controllerId: number;
  readonly request: FollowMetadataRequestMessage;
  isCancelled = false;

  constructor(controllerId: number, request: FollowMetadataRequestMessage) {
    super();
    this.controllerId = controllerId;
    this.request = request;
  }

  cancel(): void {
    this.isCancelled = true;
  }

  says(message: FollowMetadataResponseMessage): void {
    const none = { batch: Buffer.alloc(0), snapshot: Buffer.alloc(0), snapshotEnds: false };
    this.emit("data", { ...none, term: 1, controllerId: 1, metadataOffset: 0, digest: "", ...message });
  }

  /** All of an image. */
  shows(image: ControllerImage, who: { term?: number; controllerId?: number } = {}): void {
    const digest = printDigest(image.digest);
    const snapshot = Buffer.from(encodeSnapshot(image));
    this.says({ snapshot, snapshotEnds: true, metadataOffset: image.offset, digest, ...who });
  }
}

/** Images that follow each other, as a controller makes them. */
async function images(count: number): Promise<ControllerImage[]> {
  const log = new RoleLog();
  let ids = 0;
  const newUuid = (): string => (++ids).toString(16).padStart(32, "0");
  const clock = { nowMs: () => 0, nextTurn: (run: () => void) => queueMicrotask(run) };
  const onFatal = (error: Error): never => {
    throw error;
  };
  const controller = await Controller.start({}, { log, clock, newUuid, onFatal });
  log.listener?.onRole({ kind: "leader", term: 1 });
  const found: ControllerImage[] = [];
  for (let at = 1; at <= count; at++) {
    const id = String(at).repeat(32);
    await controller.submit({ kind: "registerBroker", brokerId: at, incarnationId: id, endpoints: [], dirs: [id] });
    found.push(controller.image);
  }
  await controller.close();
  return found;
}

interface Stage {
  readonly time: SimulatedTime;
  readonly streams: Stream[];
  readonly roles: MetadataRole[];
  readonly refusals: string[];
  readonly fatal: () => Error | undefined;
  /** What this broker has. */
  readonly image: () => ControllerImage | undefined;
  readonly started: Promise<Controller>;
}

function open(signal = new AbortController().signal): Stage {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const streams: Stream[] = [];
  const roles: MetadataRole[] = [];
  const refusals: string[] = [];
  let controller: Controller | undefined;
  let fatal: Error | undefined;
  const peers = {
    client: (controllerId: number) =>
      ({
        makeServerStreamRequest: (
          _path: string,
          _to: unknown,
          _from: unknown,
          request: FollowMetadataRequestMessage,
        ) => {
          const stream = new Stream(controllerId, request);
          streams.push(stream);
          return stream;
        },
      }) as unknown as Client,
  };
  const none = { offset: 0, digest: { high: 0, low: 0 } } as ControllerImage;
  const log = new FollowedMetadataLog({
    controllers: [1, 2, 3],
    peers,
    definition,
    clock,
    sessionMs,
    image: () => controller?.image ?? none,
    signal,
    onWaiting: () => undefined,
    onRefused: (controllerId, why) => refusals.push(`${controllerId}: ${why}`),
  });
  const started = Controller.start(
    {},
    {
      log,
      clock,
      newUuid: () => "0".repeat(32),
      onFatal: (error) => {
        fatal = error;
      },
    },
  ).then((opened) => {
    controller = opened;
    opened.watchRole((role) => roles.push(role));
    return opened;
  });
  closers.push(
    () => clock.stop(),
    () => log.close(),
  );
  return { time, streams, roles, refusals, fatal: () => fatal, image: () => controller?.image, started };
}

test("a snapshot in pieces, then batches; what it has it tells the next controller", async () => {
  const [, second] = (await images(2)) as [ControllerImage, ControllerImage];
  const { streams, started, image, time } = open();
  const snapshot = Buffer.from(encodeSnapshot(second));
  const at = { metadataOffset: second.offset, digest: printDigest(second.digest) };
  streams[0]?.says({ snapshot: snapshot.subarray(0, 10), ...at });
  streams[0]?.says({ snapshot: snapshot.subarray(10), snapshotEnds: true, ...at });
  await started;
  expect(printDigest((image() as ControllerImage).digest)).toBe(printDigest(second.digest));
  streams[0]?.emit("error", { code: status.UNAVAILABLE, details: "gone" });
  await time.pass(1_000);
  expect(streams.map(({ controllerId }) => controllerId)).toEqual([1, 2]);
  expect(streams[1]?.request).toEqual(at);
});

test("a controller that is silent, or knows of no active one, for a session is left", async () => {
  const [first] = (await images(1)) as [ControllerImage];
  const { streams, started, time } = open();
  streams[0]?.shows(first);
  await started;
  await time.pass(2 * sessionMs);
  expect(streams.map(({ controllerId }) => controllerId).slice(0, 2)).toEqual([1, 2]);
  expect(streams[0]?.isCancelled).toBe(true);
  const later = streams.at(-1) as Stream;
  const known = { metadataOffset: first.offset, digest: printDigest(first.digest) };
  for (let ms = 0; ms < sessionMs; ms += 500) {
    later.says({ ...known, controllerId: -1 });
    await time.pass(500);
  }
  await time.pass(1_000);
  expect(later.isCancelled).toBe(true);
  expect(streams.at(-1)?.controllerId).not.toBe(later.controllerId);
});

test("a controller that knows less is not listened to", async () => {
  const [first, second] = (await images(2)) as [ControllerImage, ControllerImage];
  const { streams, started, time, image } = open();
  streams[0]?.shows(second);
  await started;
  streams[0]?.emit("end");
  await time.pass(500);
  streams[1]?.says({ metadataOffset: first.offset, digest: printDigest(first.digest), term: 7, controllerId: 3 });
  expect(streams[1]?.isCancelled).toBe(true);
  await time.pass(500);
  expect(streams[2]?.controllerId).toBe(3);
  expect(image()?.offset).toBe(second.offset);
});

test("who is active is told; words of an older term are of the past (C-6)", async () => {
  const [first] = (await images(1)) as [ControllerImage];
  const { streams, started, roles } = open();
  streams[0]?.shows(first, { term: 5, controllerId: 2 });
  const controller = await started;
  expect(controller.role).toEqual({ kind: "follower", term: 5, leaderId: 2 });
  const known = { metadataOffset: first.offset, digest: printDigest(first.digest) };
  streams[0]?.says({ ...known, term: 4, controllerId: 1 });
  streams[0]?.says({ ...known, term: 5, controllerId: 2 });
  streams[0]?.says({ ...known, term: 6, controllerId: 3 });
  streams[0]?.says({ ...known, term: 6, controllerId: -1 });
  expect(roles).toEqual([
    { kind: "follower", term: 6, leaderId: 3 },
    { kind: "follower", term: 6, leaderId: undefined },
  ]);
});

test("an image that differs from the controller's at the same record is the end (C-2)", async () => {
  const [first] = (await images(1)) as [ControllerImage];
  const { streams, started, fatal } = open();
  streams[0]?.shows(first);
  await started;
  streams[0]?.says({ metadataOffset: first.offset, digest: "0".repeat(16) });
  expect(fatal()?.message).toContain("it differs from the controllers'");
  expect(streams[0]?.isCancelled).toBe(true);
});

test("bytes that are no metadata are the end, at the start too", async () => {
  const { streams, started } = open();
  streams[0]?.says({ snapshot: Buffer.from("no snapshot"), snapshotEnds: true, metadataOffset: 3 });
  await expect(started).rejects.toThrow("Cannot follow the metadata log: it cannot be read");
});

test("a refusal is told, and the next controller is asked", async () => {
  const { streams, time, refusals, started } = open();
  started.catch(() => undefined);
  streams[0]?.emit("error", { code: status.UNAUTHENTICATED, details: "another secret" });
  await time.pass(500);
  expect(refusals).toEqual(["1: another secret"]);
  expect(streams[1]?.controllerId).toBe(2);
});

test("a start that was given up before it began does not wait for a controller", async () => {
  await expect(open(AbortSignal.abort(new Error("given up"))).started).rejects.toThrow("given up");
});
