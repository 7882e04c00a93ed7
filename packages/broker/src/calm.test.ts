import { type ControllerImage, type MetadataRecord, type Partition, emptyImage, replayAll } from "@varve/cluster";
import { expect, it } from "vitest";
import { Calm, isSettled } from "./calm.ts";

type Role = ConstructorParameters<typeof Calm>[0]["role"];

const dirOf = (id: number): string => String(id).repeat(32);
const topicId = "a".repeat(32);

/** Brokers 1 to 3 without `fenced`, and a partition of all of them. */
function imageOf(over: Partial<Partition> = {}, fenced: readonly number[] = []): ControllerImage {
  const ids = [1, 2, 3];
  const registered: MetadataRecord[] = ids.map((brokerId) => ({
    type: "RegisterBroker",
    brokerId,
    brokerEpoch: brokerId,
    incarnationId: dirOf(brokerId),
    endpoints: [],
    rack: "",
    dirs: [dirOf(brokerId)],
    features: [],
    fenced: true,
  }));
  const active = ids.filter((id) => !fenced.includes(id));
  const partition = {
    topicId,
    partition: 0,
    replicas: ids,
    dirs: ids.map(dirOf),
    isr: active,
    elr: [],
    leader: active[0] ?? -1,
    leaderEpoch: 0,
    partitionEpoch: 0,
    adding: [],
    removing: [],
    recovering: false,
    minIsr: 2,
    flush: "sync" as const,
    lastKnownLeader: -1,
    lastKnownElr: [],
    uncleanEpoch: -1,
    ...over,
  };
  return replayAll(emptyImage, [
    ...registered,
    ...active.map((brokerId) => ({ type: "BrokerChange" as const, brokerId, brokerEpoch: brokerId, fenced: 0 })),
    { type: "Topic", topicId, name: "t" },
    { type: "Partition", ...partition },
  ]);
}

it.each([
  ["all is well", imageOf(), true, true],
  ["another node is dead", imageOf({}, [3]), true, true],
  ["this node is not let in", imageOf({}, [1]), false, false],
  ["this node catches up", imageOf({ isr: [2, 3], leader: 2 }), false, false],
  ["another one catches up", imageOf({ isr: [1, 2] }), true, false],
  ["nobody leads", imageOf({ isr: [2, 3], leader: -1 }), false, false],
] as const)("isSettled(): %s", (_, image, forOne, forController) => {
  expect(isSettled(image, 1, false)).toBe(forOne);
  expect(isSettled(image, 1, true)).toBe(forController);
});

it("Calm counts from the last change of a role, a broker or a partition, and not at all before a leader is known", () => {
  let nowMs = 1_000;
  let tellRole: (role: Role) => void = () => undefined;
  let tellRecords: (image: ControllerImage, records: readonly MetadataRecord[]) => void = () => undefined;
  let stopped = 0;
  const controller = {
    image: imageOf(),
    role: { kind: "follower", term: 1, leaderId: 2 } as Role,
    watchRole(watcher: typeof tellRole) {
      tellRole = watcher;
      return () => stopped++;
    },
    subscribe(subscriber: typeof tellRecords) {
      tellRecords = subscriber;
      return () => stopped++;
    },
  };
  const calm = new Calm(controller, 1, { monotonicMs: () => nowMs });
  nowMs += 500;
  expect(calm.forMs).toBe(500);
  tellRecords(controller.image, [{ type: "Config", scope: "topic", name: "t", key: "retention.ms", value: "1" }]);
  expect(calm.forMs).toBe(500);
  tellRecords(controller.image, [{ type: "BrokerChange", brokerId: 3, brokerEpoch: 3, fenced: 1 }]);
  expect(calm.forMs).toBe(0);
  nowMs += 700;
  tellRole(controller.role);
  nowMs += 300;
  expect(calm.forMs).toBe(300);
  // Settled for this node, and not for whoever minds all of them.
  controller.image = imageOf({ isr: [1, 2] });
  expect(calm.forMs).toBe(300);
  controller.role = { kind: "leader", term: 1 };
  expect(calm.forMs).toBe(0);
  controller.image = imageOf();
  expect(calm.forMs).toBe(300);
  controller.role = { kind: "follower", term: 2, leaderId: undefined };
  expect(calm.forMs).toBe(0);
  calm.close();
  expect(stopped).toBe(2);
});
