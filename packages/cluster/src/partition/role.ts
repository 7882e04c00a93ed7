// What a broker is to a partition, and what it does when that changes: the table at the end of 6.8. The role is a function of
// the latest partition state and the broker's own id alone. Several metadata changes may arrive as one, so every row works
// without having seen the steps between (W13: an epoch in which somebody else led may never be seen at all).
//
//            │ becomes leader            │ becomes follower                   │ nobody leads            │ no replica
//   ─────────┼───────────────────────────┼────────────────────────────────────┼─────────────────────────┼────────────
//   leader   │ new epoch: begin again    │ fail waiters, follow               │ fail waiters, wait      │ … and set
//            │ same epoch: refresh       │                                    │                         │   aside
//   follower │ stop fetching, begin      │ new epoch: fetch anew, even from   │ stop fetching           │ … and set
//            │                           │ the same leader (G-9)              │                         │   aside

import { noLeader } from "../controller/state.ts";
import type { Partition } from "../controller/state.ts";

export type Role =
  | { readonly kind: "leader"; readonly leaderEpoch: number }
  | { readonly kind: "follower"; readonly leaderEpoch: number; readonly leader: number }
  /** A replica of a partition that nobody leads: it keeps what it has, and stands still. */
  | { readonly kind: "waiting"; readonly leaderEpoch: number }
  | { readonly kind: "none" };

/** To be done in this order. */
export type RoleAction =
  | { readonly kind: "stopFetching" }
  /** Waiting produces and reads end with `NOT_LEADER`; what became of the produces is unknown. Pending ISR state goes. */
  | { readonly kind: "endLeadership" }
  /** The epoch begins at the log end: recorded at once, durable with the next group commit; followers are forgotten. */
  | { readonly kind: "beginLeadership"; readonly leaderEpoch: number }
  /** ISR, minIsr, replicas and flush of the same epoch; replicas that went are forgotten. */
  | { readonly kind: "refreshLeadership" }
  | { readonly kind: "tryHighWatermark" }
  /** At the log end, in this epoch. */
  | { readonly kind: "startFetching"; readonly leader: number; readonly leaderEpoch: number }
  /** Not deleted at once: the directory is renamed and kept for a while. */
  | { readonly kind: "setAside" };

type Seen = Pick<Partition, "leader" | "leaderEpoch" | "partitionEpoch" | "replicas">;

export function roleOf(partition: Seen | undefined, selfId: number): Role {
  if (partition?.replicas.includes(selfId) !== true) return { kind: "none" };
  const { leader, leaderEpoch } = partition;
  if (leader === selfId) return { kind: "leader", leaderEpoch };
  return leader === noLeader ? { kind: "waiting", leaderEpoch } : { kind: "follower", leaderEpoch, leader };
}

/**
 * What leads from `before` (what was last acted on, undefined after a start) to `after`. Nothing when `after` is older: metadata
 * and answers of the controller overtake each other.
 */
export function planRoleChange(before: Seen | undefined, after: Seen | undefined, selfId: number): RoleAction[] {
  if (before !== undefined && after !== undefined && after.partitionEpoch < before.partitionEpoch) return [];
  const was = roleOf(before, selfId);
  const is = roleOf(after, selfId);
  const isNewEpoch = !("leaderEpoch" in was && "leaderEpoch" in is && was.leaderEpoch === is.leaderEpoch);
  return [...leaving(was, is, isNewEpoch), ...entering(was, is, isNewEpoch)];
}

function leaving(was: Role, is: Role, isNewEpoch: boolean): RoleAction[] {
  if (was.kind === "leader" && (is.kind !== "leader" || isNewEpoch)) return [{ kind: "endLeadership" }];
  if (was.kind === "follower" && (is.kind !== "follower" || isNewEpoch)) return [{ kind: "stopFetching" }];
  return [];
}

function entering(was: Role, is: Role, isNewEpoch: boolean): RoleAction[] {
  switch (is.kind) {
    case "leader": {
      const { leaderEpoch } = is;
      const isNew = was.kind !== "leader" || isNewEpoch;
      return [
        isNew ? { kind: "beginLeadership", leaderEpoch } : { kind: "refreshLeadership" },
        { kind: "tryHighWatermark" },
      ];
    }
    case "follower": {
      const { leader, leaderEpoch } = is;
      return was.kind === "follower" && !isNewEpoch ? [] : [{ kind: "startFetching", leader, leaderEpoch }];
    }
    case "waiting":
      return [];
    case "none":
      return was.kind === "none" ? [] : [{ kind: "setAside" }];
  }
}
