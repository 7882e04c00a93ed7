import { type AlterPartition, type AlterPartitionReply, type Outcome, type Partition } from "@varve/cluster";
import type { PartitionLog } from "@varve/log";
import { SimulatedClock, SimulatedTime } from "@varve/log/testing";
import { expect, test } from "vitest";
import { refuse } from "../../refusal.ts";
import type { LocalPartition } from "../partition.ts";
import { TimingWheel } from "../timing-wheel.ts";
import { IsrRequests, type Submit } from "./isr-requests.ts";
import { Leading } from "./leading.ts";

const topicId = "00000000000000000000000000000001";
const partition: Partition = {
  topicId,
  partition: 0,
  replicas: [1, 2],
  dirs: ["00000000000000000000000000000002", "00000000000000000000000000000003"],
  isr: [1, 2],
  elr: [],
  leader: 1,
  leaderEpoch: 3,
  partitionEpoch: 5,
  adding: [],
  removing: [],
  recovering: false,
  minIsr: 1,
  flush: "sync",
  lastKnownLeader: -1,
  lastKnownElr: [],
  uncleanEpoch: -1,
};

type Verdict = AlterPartitionReply["partitions"][number];

test("whatever decides nothing leaves what was asked pending, and the very same is asked again (A-2, A-6, W8)", async () => {
  const time = new SimulatedTime();
  const clock = new SimulatedClock(time);
  const log = { id: { topicId, partition: 0 }, logEndOffset: 10, highWatermark: 0, durableOffset: 10 } as PartitionLog;
  const leading = new Leading(
    log,
    partition,
    { brokerId: 1, brokerEpoch: 7 },
    {
      monotonicMs: () => time.nowMs,
      lagMaxMs: 1_000,
      sessionMs: 300,
      factsOf: () => ({ brokerEpoch: 8, isActive: true }),
      hearsController: () => true,
    },
  );
  const one = { log, leading, adopt: leading.adopt.bind(leading) } as unknown as LocalPartition;
  const asked: AlterPartition[] = [];
  let answer: (outcome: Outcome<AlterPartitionReply>) => void = () => undefined;
  const requests = new IsrRequests({
    submit: ((command: AlterPartition) => {
      asked.push(command);
      return new Promise((resolve) => (answer = resolve));
    }) as unknown as Submit,
    me: () => ({ brokerId: 1, brokerEpoch: 7 }),
    clock,
    wheel: new TimingWheel(clock),
    changed: () => undefined,
  });

  // The follower was never heard of.
  await time.pass(2_000);
  const proposal = leading.propose();
  expect(proposal).toMatchObject({ partitionEpoch: 5, newIsr: [{ brokerId: 1, brokerEpoch: 7 }] });
  requests.ask(one);

  const verdict = (what: object): Outcome<AlterPartitionReply> => {
    return { kind: "done", reply: { partitions: [{ topicId, partition: 0, ...what } as Verdict] } };
  };
  const undecided: Outcome<AlterPartitionReply>[] = [
    { kind: "refused", refusal: refuse("NOT_CONTROLLER", "it may have been done") },
    verdict({ kind: "refused", refusal: refuse("INVALID_UPDATE_VERSION", "its partition epoch is 6 by now") }),
    verdict({ kind: "refused", refusal: refuse("NOT_CONTROLLER", "epoch 5 is not known here yet") }),
    { kind: "done", reply: { partitions: [] } },
  ];
  for (const [index, outcome] of undecided.entries()) {
    await time.until(() => asked.length === index + 1, "the controller to be asked");
    answer(outcome);
    await time.pass(1);
    expect(leading.proposal).toBe(proposal);
    expect(requests.size).toBe(1);
  }
  await time.until(() => asked.length === undecided.length + 1, "the controller to be asked");
  expect(new Set(asked.map((command) => JSON.stringify(command))).size).toBe(1);

  const { leader, leaderEpoch, isr, minIsr, recovering } = partition;
  answer(verdict({ kind: "ineligible", state: { leader, leaderEpoch, partitionEpoch: 6, isr, minIsr, recovering } }));
  await time.until(() => requests.size === 0, "the refusal of a member to decide it");
  expect(leading.proposal).toBeUndefined();
  expect(leading.state.isr.committed.partitionEpoch).toBe(6);
});
