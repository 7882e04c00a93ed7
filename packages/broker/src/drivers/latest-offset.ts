/**
 * H-8: "the latest offset" never goes back. A new leader may know less to be committed than its predecessor did; who asks for the end of
 * what is committed waits until it knows.
 */
import { type Refusal, refuse } from "../refusal.ts";
import type { LocalPartition, ReadWaiter } from "./partition.ts";
import type { TimingWheel } from "./timing-wheel.ts";

type Asked = Pick<
  LocalPartition,
  "topic" | "partition" | "closedBy" | "leading" | "isSoleLeader" | "waitForRecords" | "stopWaiting"
>;

const waitMs = 5_000;

/** Waits until what was committed before this epoch is known to be. Why it is not, after a while; undefined when it is. */
export async function whyLatestUnknown(partition: Asked, wheel: TimingWheel): Promise<Refusal | undefined> {
  const { closedBy, leading } = partition;
  if (closedBy !== undefined) return closedBy;
  const failed = `Cannot tell the latest offset of "${partition.topic}" ${partition.partition} yet`;
  if (leading === undefined) {
    // Of one that is alone all that counts is committed, also when damage lets no epoch begin.
    if (partition.isSoleLeader) return undefined;
    return refuse("LEADER_NOT_AVAILABLE", `${failed}: the leader epoch has not begun here; try again`);
  }
  if (leading.knowsLatest) return undefined;
  await new Promise<void>((resolve) => {
    const waiter: ReadWaiter = {
      waitOffset: leading.state.startOffset,
      heapIndex: -1,
      wake: () => {
        deadline.cancel();
        resolve();
      },
    };
    const deadline = wheel.schedule(waitMs, () => {
      partition.stopWaiting(waiter);
      resolve();
    });
    partition.waitForRecords(waiter);
  });
  if (partition.closedBy !== undefined || partition.leading?.knowsLatest === true) return partition.closedBy;
  return refuse(
    "LEADER_NOT_AVAILABLE",
    `${failed}: this leader is new, and the replicas in sync have not caught up with offset ${leading.state.startOffset}; try again`,
  );
}
