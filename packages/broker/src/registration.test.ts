import { loadServices } from "@varve/api";
import { type Command, type ControllerImage, emptyImage } from "@varve/cluster";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import { type Refusal, refuse } from "./refusal.ts";
import { Registration, type RegistrationOptions } from "./registration.ts";

/** A node before its registration, and what it asks for. The controller gives it epoch 7, or refuses. */
function newNode(): {
  time: SimulatedTime;
  options: RegistrationOptions;
  submitted: Command[];
  waitedFor: string[];
  refused: { why: Refusal | undefined };
  know: (offset: number) => void;
  seen: Set<() => void>;
} {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const submitted: Command[] = [];
  const waitedFor: string[] = [];
  const refused: { why: Refusal | undefined } = { why: undefined };
  const seen = new Set<() => void>();
  let image: ControllerImage = { ...emptyImage, offset: 3 };
  const know = (offset: number): void => {
    image = { ...image, offset };
    for (const look of seen) look();
  };
  const options = {
    identity: { brokerId: 1, incarnationId: "a".repeat(32), endpoints: [], dirs: ["d".repeat(32)] },
    control: {
      submit: (command: Command) => {
        submitted.push(command);
        const { why: refusal } = refused;
        return Promise.resolve(
          refusal === undefined ? { kind: "done", reply: { brokerEpoch: 7 } } : { kind: "refused", refusal },
        );
      },
    },
    view: {
      get image() {
        return image;
      },
      subscribe: (look: () => void) => {
        seen.add(look);
        return () => seen.delete(look);
      },
    },
    controller: { role: { kind: "follower", term: 1, leaderId: undefined }, watchRole: () => () => undefined },
    peers: undefined,
    definition: loadServices().peer,
    clock,
    heartbeatMs: 100,
    sessionMs: 500,
    appliedOffset: () => image.offset,
    isDiskHanging: () => false,
    isShortOfRoom: () => false,
    onWaiting: (why: string) => waitedFor.push(why),
    signal: new AbortController().signal,
  } as unknown as RegistrationOptions;
  return { time, options, submitted, waitedFor, refused, know, seen };
}

test("a node acts on nothing that is older than its own registration (6.4, B-6)", async () => {
  const { time, options, submitted, know, seen } = newNode();
  let registration: Registration | undefined;
  void Registration.open(options).then((opened) => (registration = opened));
  await time.pass(1_000);
  expect(submitted.map(({ kind }) => kind)).toEqual(["registerBroker"]);
  expect(registration).toBeUndefined();
  know(6);
  await time.pass(1_000);
  expect(registration).toBeUndefined();
  know(7);
  await time.until(() => registration !== undefined, "the node to know of its registration");
  expect(registration?.brokerEpoch).toBe(7);
  expect(seen.size).toBe(0);
  registration?.close();
});

test.each(["STORAGE_FULL", "STORAGE_FAILED"] as const)(
  "a node that the controller cannot write down for now, %s, waits and asks again (6.4)",
  async (reason) => {
    const { time, options, submitted, waitedFor, refused, know } = newNode();
    refused.why = refuse(reason, "The disk of the controller has no room");
    let registration: Registration | undefined;
    const opened = Registration.open(options).then((opened) => (registration = opened));
    await time.pass(60_000);
    expect(registration).toBeUndefined();
    expect(submitted.length).toBeGreaterThan(10);
    expect(waitedFor).toContain("The disk of the controller has no room");
    refused.why = undefined;
    know(7);
    await time.result(opened, "it to be registered");
    registration?.close();
  },
);
