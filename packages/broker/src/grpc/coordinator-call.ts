/**
 * A unary call about a group, by whoever keeps it: this node, or the one that leads the group's partition of the internal topic. What
 * was passed on once is not passed on again.
 */
import { reasons } from "@varve/format";
import type { BrokerNode } from "../node.ts";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import type { Coordination } from "../drivers/groups/groups.ts";
import type { ForwardedCall } from "../drivers/forwarding/forwarding.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { forwardMs } from "./by-leader.ts";

/** For a coordinator to be there: one that is made, elected or loading now is waited for, so that simple clients need not. */
const patienceMs = 5_000;
const pauseMs = 20;
/** For the coordinator to answer what changes nothing: it waits as long as this node would, and for leaders that do not answer. */
const questionMs = patienceMs + 4_000;

/** Names of groups are as long as those of topics may be. */
const groupCharactersMax = 249;

export function groupNameFault(group: string): Refusal | undefined {
  if (group !== "" && group.length <= groupCharactersMax) return undefined;
  const why =
    group === "" ? "it is empty" : `it has ${group.length} characters, at most ${groupCharactersMax} are allowed`;
  return refuse("INVALID_REQUEST", `The name of a group is not allowed: ${why}`);
}

/** Who keeps the group, and is ready for it. */
export type ReadyCoordination =
  | { readonly kind: "here"; readonly coordinator: GroupPartition }
  | { readonly kind: "elsewhere"; readonly nodeId: number }
  | { readonly kind: "nowhere" };

/** `isMade`: the internal topic is made when there is none. `isOver`: nobody waits for the answer any more. */
export async function coordinatorOf(
  node: BrokerNode,
  group: string,
  { isMade, isOver = () => false }: { readonly isMade: boolean; readonly isOver?: () => boolean },
): Promise<ReadyCoordination | Refusal> {
  const { groups, clock } = node;
  const endMs = clock.monotonicMs() + patienceMs;
  for (;;) {
    const found = groups.coordinators.find(group);
    const ready = await readyIn(node, found, isMade);
    if (ready !== undefined && !isRefusal(ready)) return ready;
    const refusal = ready ?? stillMade();
    if (!reasons[refusal.reason].retriable) return refusal;
    const isOverNow = node.stoppedBy() ?? (isOver() || clock.monotonicMs() >= endMs ? refusal : undefined);
    if (isOverNow !== undefined) return isOverNow;
    await new Promise<void>((resolve) => clock.setTimer(pauseMs, resolve));
  }
}

/** Undefined: look again. */
async function readyIn(
  node: BrokerNode,
  found: Coordination,
  isMade: boolean,
): Promise<ReadyCoordination | Refusal | undefined> {
  switch (found.kind) {
    case "here": {
      await found.coordinator.settled(patienceMs);
      return found.coordinator.whyNotReady ?? found;
    }
    case "elsewhere":
      return node.forwarding === undefined ? notHere(node, found.nodeId) : found;
    case "nowhere":
      if (!isMade) return found;
      // Whoever passed this on knows of the topic already.
      return node.forwarding === undefined && node.controller.image.brokers.size > 1
        ? notHere(node, -1)
        : node.groups.create();
    case "refused":
      return found.refusal;
  }
}

/** The answer of the coordinator: `here` at this node, else that of the other. */
export async function atCoordinator<Answer>(
  node: BrokerNode,
  {
    call,
    group,
    request,
    isMade,
    isQuestion = false,
  }: {
    readonly call: ForwardedCall;
    readonly group: string;
    readonly request: object;
    readonly isMade: boolean;
    /** It changes nothing: nobody has to wait until it is known what became of it. */
    readonly isQuestion?: boolean;
  },
  here: (coordinator: GroupPartition) => Promise<Answer | Refusal> | Answer | Refusal,
  nowhere: () => Answer | Refusal,
): Promise<Answer | Refusal> {
  const fault = groupNameFault(group);
  if (fault !== undefined) return fault;
  const found = await coordinatorOf(node, group, { isMade });
  if (isRefusal(found)) return found;
  if (found.kind === "nowhere") return nowhere();
  if (found.kind === "here") return here(found.coordinator);
  const { forwarding } = node;
  if (forwarding === undefined) return notHere(node, found.nodeId);
  const timeoutMs = isQuestion ? questionMs : node.limits.produceTimeoutMs + forwardMs;
  return forwarding.unary<Answer>(found.nodeId, call, request, { timeoutMs });
}

export function notHere(node: BrokerNode, nodeId: number): Refusal {
  const { address } = node.leaderOf({ leader: nodeId, leaderEpoch: -1 });
  const where = nodeId < 0 ? "another broker does" : `broker ${nodeId} does`;
  return refuse("NOT_COORDINATOR", `This broker does not coordinate the group, ${where}; try again`, {
    leader: nodeId,
    address,
  });
}

export function unknownGroup(group: string): Refusal {
  return refuse("UNKNOWN_GROUP", `There is no group "${group}": nobody has joined it or committed in it`, { group });
}

function stillMade(): Refusal {
  return refuse(
    "NOT_COORDINATOR",
    "Nobody coordinates the group yet: the topic that keeps groups is being made; try again",
  );
}
