// The whole machine under random members: they join, hear late or never what they have, stall, come back as zombies, leave, commit;
// sessions end, topics grow and go, operators reset.

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { difference, nothing, pairsOf, sizeOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import type { GroupContext, GroupDecision } from "./decision.ts";
import { decideHeartbeat, decideJoin, decideLeave, decideRemove, decideTopicsChanged } from "./membership.ts";
import type { MemberReply } from "./membership.ts";
import { decideCommit, decideReset } from "./offsets.ts";
import { decodeGroupRecord, encodeGroupRecord } from "./records.ts";
import type { StoredGroupRecord } from "./records.ts";
import { emptyGroup, offsetOf, phaseOf, replayGroup } from "./state.ts";
import type { AssignorName, Group } from "./state.ts";

const topicIds = [1, 2, 3].map((n) => n.toString(16).padStart(32, "0"));

/** A client: what it believes. */
interface Client {
  readonly name: string;
  readonly topics: readonly string[];
  readonly assignor: AssignorName;
  memberId: string;
  epoch: number;
  /** What it reads and commits. */
  held: Assignment;
  /** Where it is in each. */
  readonly positions: Map<string, number>;
}

class GroupWorld {
  group: Group = emptyGroup("g");
  readonly clients: Client[] = [];
  readonly counts = new Map<string, number>([
    ["t1", 4],
    ["t2", 3],
  ]);
  /** As compaction leaves it. */
  readonly log = new Map<string, StoredGroupRecord>();
  #ids = 0;
  nowMs = 0;

  get context(): GroupContext {
    const topic = (name: string) => {
      const partitions = this.counts.get(name);
      return partitions === undefined
        ? undefined
        : { topicId: topicIds[Number(name.slice(1)) - 1] as string, partitions };
    };
    return {
      nowMs: this.nowMs,
      newUuid: () => String(++this.#ids),
      topics: {
        named: topic,
        matching: (pattern) =>
          [...this.counts.keys()].filter((name) => name.startsWith(pattern)).flatMap((name) => topic(name) ?? []),
        isGone: (topicId) => ![...this.counts.keys()].some((name) => topic(name)?.topicId === topicId),
      },
      limits: { membersMax: 5, sessionTimeoutMsMin: 1, sessionTimeoutMsMax: 1e6, metadataBytesMax: 10 },
    };
  }

  commit<Reply>(decision: GroupDecision<Reply>): Reply | undefined {
    if ("refusal" in decision) return undefined;
    for (const record of decision.records) {
      const stored = encodeGroupRecord(record);
      expect(decodeGroupRecord(stored)).toEqual(record);
      const key = Buffer.from(stored.key).toString("hex");
      if (stored.value === null) this.log.delete(key);
      else this.log.set(key, stored);
    }
    this.group = decision.group;
    this.check();
    return decision.reply;
  }

  check(): void {
    const owners = new Map<string, string>();
    for (const { memberId, assigned, revoking } of this.group.members.values()) {
      for (const share of [assigned, revoking]) {
        for (const [topicId, partition] of pairsOf(share)) {
          const key = `${topicId}/${partition}`;
          expect(owners.get(key), key).toBeUndefined();
          owners.set(key, memberId);
        }
      }
    }
  }

  /** From what compaction left, in any order. */
  reloaded(): Group {
    return [...this.log.values()]
      .reverse()
      .reduce((group, stored) => replayGroup(group, decodeGroupRecord(stored)), emptyGroup("g"));
  }

  join(client: Client): void {
    const { name, topics, assignor, memberId } = client;
    const reply = this.commit(
      decideJoin(
        this.group,
        {
          memberId,
          instanceId: name.startsWith("static") ? name : "",
          clientId: name,
          clientHost: "",
          topics,
          pattern: "",
          assignor,
          sessionTimeoutMs: 10,
          rebalanceTimeoutMs: 10,
        },
        this.context,
      ),
    );
    client.held = nothing;
    if (reply === undefined) return;
    client.memberId = reply.memberId;
    this.hear(client, reply);
  }

  hear(client: Client, reply: MemberReply): void {
    client.epoch = reply.epoch;
    client.held = reply.assigned;
    for (const [topicId, partition] of pairsOf(reply.assigned)) {
      const key = `${topicId}/${partition}`;
      client.positions.set(key, offsetOf(this.group, topicId, partition)?.offset ?? 0);
    }
  }

  heartbeat(client: Client, isAnswerLost: boolean): void {
    const { memberId, epoch, held } = client;
    const reply = this.commit(
      decideHeartbeat(this.group, { memberId, instanceId: "", epoch, owned: held }, this.context),
    );
    if (reply !== undefined && !isAnswerLost) this.hear(client, reply);
    if (reply === undefined && !this.group.members.has(memberId)) client.held = nothing;
  }

  claim({ memberId, epoch }: Client) {
    return { memberId, instanceId: "", epoch };
  }
}

const names = ["a", "b", "c", "static-d"];
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("join" as const), who: fc.nat(3) }),
    fc.record({ kind: fc.constant("beat" as const), who: fc.nat(3), isAnswerLost: fc.boolean() }),
    fc.record({ kind: fc.constant("beat" as const), who: fc.nat(3), isAnswerLost: fc.constant(false) }),
    fc.record({ kind: fc.constant("leave" as const), who: fc.nat(3), isAway: fc.boolean() }),
    fc.record({ kind: fc.constant("expire" as const), who: fc.nat(3) }),
    fc.record({ kind: fc.constant("commit" as const), who: fc.nat(3) }),
    fc.record({ kind: fc.constant("reset" as const), topic: fc.nat(1), partition: fc.nat(3) }),
    fc.record({ kind: fc.constant("topics" as const), topic: fc.nat(2), count: fc.nat(6) }),
  ),
  { maxLength: 40 },
);
const wishes = fc.tuple(...names.map(() => fc.subarray(["t1", "t2", "t3"], { minLength: 1 })));

function run(
  topics: readonly (readonly string[])[],
  assignor: AssignorName,
  happenings: Parameters<typeof steps.map>[0] extends (value: infer T) => unknown ? T : never,
): GroupWorld {
  const world = new GroupWorld();
  names.forEach((name, index) =>
    world.clients.push({
      name,
      topics: topics[index] as string[],
      assignor,
      memberId: "",
      epoch: 0,
      held: nothing,
      positions: new Map(),
    }),
  );
  for (const step of happenings) {
    world.nowMs += 1;
    const client = "who" in step ? (world.clients[step.who] as Client) : undefined;
    if (step.kind === "reset") {
      const topicId = topicIds[step.topic] as string;
      world.commit(
        decideReset(
          world.group,
          { offsets: [{ topicId, partition: step.partition, offset: 1_000 * world.nowMs }] },
          world.context,
        ),
      );
    } else if (step.kind === "topics") {
      if (step.count === 0) world.counts.delete(`t${step.topic + 1}`);
      else world.counts.set(`t${step.topic + 1}`, Math.max(step.count, world.counts.get(`t${step.topic + 1}`) ?? 0));
      world.commit(decideTopicsChanged(world.group, world.context));
    } else if (client !== undefined) {
      if (step.kind === "join") world.join(client);
      else if (client.memberId === "") continue;
      else if (step.kind === "beat") world.heartbeat(client, step.isAnswerLost);
      else if (step.kind === "leave") {
        world.commit(
          decideLeave(world.group, { ...world.claim(client), mode: step.isAway ? "away" : "gone" }, world.context),
        );
      } else if (step.kind === "expire") world.commit(decideRemove(world.group, [client.memberId], world.context));
      else commitAll(world, client);
    }
  }
  return world;
}

/** It commits what it believes to have, one further than it was. */
function commitAll(world: GroupWorld, client: Client): void {
  const offsets = [...pairsOf(client.held)].map(([topicId, partition]) => {
    const offset = (client.positions.get(`${topicId}/${partition}`) ?? 0) + 1;
    client.positions.set(`${topicId}/${partition}`, offset);
    return { topicId, partition, offset, leaderEpoch: 3, metadata: "" };
  });
  const before = world.group;
  world.commit(decideCommit(before, { claim: world.claim(client), offsets }, world.context));
  for (const { topicId, partition, offset } of offsets) {
    const was = offsetOf(before, topicId, partition);
    const is = offsetOf(world.group, topicId, partition);
    // A commit never goes back: not behind a reset, and not behind what another member has committed since.
    if (is?.offset === offset && was !== undefined) expect(offset).toBeGreaterThanOrEqual(was.offset);
  }
}

/** Everybody who is a member hears and says everything until nothing changes. */
function settleDown(world: GroupWorld): void {
  for (const member of world.group.members.values()) {
    const isClient = world.clients.some(({ memberId }) => memberId === member.memberId);
    if (!isClient || member.epoch === -2) world.commit(decideRemove(world.group, [member.memberId], world.context));
  }
  for (let round = 0; round < 20; round += 1) {
    for (const client of world.clients) {
      const member = world.group.members.get(client.memberId);
      if (member === undefined) continue;
      // Its epoch is lost to it: it joins again, with nothing.
      if (member.epoch !== client.epoch && member.previousEpoch !== client.epoch) world.join(client);
      else world.heartbeat(client, false);
    }
  }
}

describe("a group of members that come and go", () => {
  const anything = [
    wishes,
    fc.constantFrom<AssignorName>("cooperative-sticky", "range", "round-robin"),
    steps,
  ] as const;

  it("never gives a partition to two members, and no commit of an old generation lands", () => {
    fc.assert(
      fc.property(...anything, (topics, assignor, happenings) => void run(topics, assignor, happenings)),
      {
        numRuns: 300,
      },
    );
  });

  it("is the same when it is read back from what compaction left, in any order", () => {
    fc.assert(
      fc.property(...anything, (topics, assignor, happenings) => {
        const world = run(topics, assignor, happenings);
        expect(world.reloaded()).toEqual(world.group);
      }),
      { numRuns: 300 },
    );
  });

  it("comes to rest: everything that somebody wants has an owner, who knows it", () => {
    fc.assert(
      fc.property(...anything, (topics, assignor, happenings) => {
        const world = run(topics, assignor, happenings);
        settleDown(world);
        const { group } = world;
        if (group.members.size === 0) return;
        expect(phaseOf(group)).toBe("stable");
        const wanted = new Set(
          world.clients.filter(({ memberId }) => group.members.has(memberId)).flatMap((client) => client.topics),
        );
        const all = [...wanted].reduce((sum, name) => sum + (world.counts.get(name) ?? 0), 0);
        const shares = [...group.members.values()];
        expect(shares.reduce((sum, { assigned }) => sum + sizeOf(assigned), 0)).toBe(all);
        for (const { memberId, held } of world.clients) {
          const member = group.members.get(memberId);
          if (member === undefined) continue;
          expect(sizeOf(difference(member.assigned, held)) + sizeOf(difference(held, member.assigned))).toBe(0);
        }
      }),
      { numRuns: 300 },
    );
  });
});
