/**
 * H-14: a deletion is answered once nobody who may lead next would show the records again. The leader has moved the start of its log;
 * the others move theirs with what they fetch, and say so once it is on their disks.
 *
 *   deleteRecordsBefore ──> log start of the leader ── wakes fetches ──> followers delete ── word of it ──> watchFollowers ──> answer
 */
import { type Refusal, refuse } from "../../refusal.ts";
import type { LocalPartition } from "../partition.ts";
import type { TimingWheel } from "../timing-wheel.ts";

type Deleted = Pick<
  LocalPartition,
  "topic" | "partition" | "closedBy" | "leading" | "isSoleLeader" | "watchers" | "watchFollowers"
>;

/** Who waits for one partition; whoever comes then is told at once how it is. */
const watchersMax = 100;

/** Why it is not so after `waitMs` that nothing below `offset` comes back with another leader; undefined when it is. */
export async function whyMayComeBack(
  partition: Deleted,
  offset: number,
  { wheel, waitMs }: { readonly wheel: TimingWheel; readonly waitMs: number },
): Promise<Refusal | undefined> {
  const isDecided = (): boolean =>
    partition.closedBy !== undefined ||
    partition.isSoleLeader ||
    partition.leading?.behindLogStart(offset).length === 0;
  if (!isDecided() && partition.watchers < watchersMax) {
    await new Promise<void>((resolve) => {
      const end = (): void => {
        stopWatching();
        deadline.cancel();
        resolve();
      };
      const deadline = wheel.schedule(waitMs, end);
      const stopWatching = partition.watchFollowers(() => {
        if (isDecided()) end();
      });
    });
  }
  const { closedBy, leading } = partition;
  const failed = `Cannot say yet that the records of "${partition.topic}" ${partition.partition} before offset ${offset} stay deleted`;
  if (closedBy !== undefined) return { ...closedBy, message: `${failed}, ask again: ${closedBy.message}` };
  if (isDecided()) return undefined;
  if (leading === undefined)
    return refuse("LEADER_NOT_AVAILABLE", `${failed}: the leader epoch has not begun here; ask again`);
  const behind = leading.behindLogStart(offset);
  return refuse(
    "REQUEST_TIMED_OUT",
    `${failed}: they are deleted at the leader, and ${behind.map((id) => `broker ${id}`).join(" and ")}, which may lead next, ` +
      `would show them again: no word of it in time; ask again`,
    { offset, behind: behind.join() },
  );
}
