import { loadServices } from "@varve/api";
import { type Command, type ControllerImage, emptyImage } from "@varve/cluster";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import { Registration, type RegistrationOptions } from "./registration.ts";

test("a node acts on nothing that is older than its own registration (6.4, B-6)", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const submitted: Command[] = [];
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
        return Promise.resolve({ kind: "done", reply: { brokerEpoch: 7 } });
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
    signal: new AbortController().signal,
  } as unknown as RegistrationOptions;
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
