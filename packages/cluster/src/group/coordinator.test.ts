import { describe, expect, it } from "vitest";
import { refuse } from "../controller/decision.ts";
import { pairsOf } from "./assignment.ts";
import { GroupCoordinator } from "./coordinator.ts";
import type { GroupCommand } from "./group-command.ts";
import { decodeGroupRecord } from "./records.ts";
import type { StoredGroupRecord } from "./records.ts";
import { offsetOf } from "./state.ts";

const topicId = "0".repeat(31) + "1";

type Limits = ConstructorParameters<typeof GroupCoordinator>[0]["limits"];

/** A coordinator with a log: `say` is one turn by itself. */
class World {
  readonly log: StoredGroupRecord[] = [];
  coordinator = this.#fresh();
  nowMs = 0;
  readonly gone = new Set<string>();

  #fresh(limits: Partial<Limits> = {}): GroupCoordinator<string> {
    let ids = 0;
    return new GroupCoordinator<string>({
      limits: {
        membersMax: 10,
        sessionTimeoutMsMin: 1,
        sessionTimeoutMsMax: 60_000,
        metadataBytesMax: 10,
        groupsMax: 3,
        waitingMax: 100,
        batchBytesMax: 1_000_000,
        ...limits,
      },
      newUuid: () => String(++ids),
      topics: {
        named: (name) => (name === "t" ? { topicId, partitions: 2 } : undefined),
        matching: () => [],
        isGone: (id: string) => this.gone.has(id),
      },
    });
  }

  limited(limits: Partial<Limits>): void {
    this.coordinator = this.#fresh(limits);
  }

  /** Another node takes over: it has what the log has up to `end`. */
  failOver(end = this.log.length): void {
    this.coordinator = this.#fresh();
    this.log.length = end;
    for (const record of this.log) this.coordinator.load(decodeGroupRecord(record));
    this.coordinator.loaded(this.nowMs);
  }

  submit(waiter: string, command: GroupCommand, groupId = "g"): void {
    this.coordinator.submit(groupId, command, waiter, this.nowMs);
  }

  /** @returns who was answered at once */
  endTurn(): string[] {
    const { records, answers } = this.coordinator.endTurn();
    this.log.push(...records);
    if (records.length > 0) this.coordinator.appended(this.log.length);
    return answers.map(({ waiter }) => waiter);
  }

  commit(end = this.log.length): string[] {
    return this.coordinator
      .committed(end)
      .answers.map(({ waiter, outcome }) => ("refusal" in outcome ? `${waiter}: ${outcome.refusal.reason}` : waiter));
  }

  offset(partition = 0): number | undefined {
    const group = this.coordinator.visible.get("g");
    return group && offsetOf(group, topicId, partition)?.offset;
  }
}

function commit(offset: number, claim?: { readonly memberId: string; readonly epoch: number }): GroupCommand {
  const offsets = [{ topicId, partition: 0, offset, leaderEpoch: -1, metadata: "" }];
  return { kind: "commit", commit: { claim: claim && { ...claim, instanceId: "" }, offsets } };
}

function join(memberId = ""): GroupCommand {
  return {
    kind: "join",
    join: {
      memberId,
      instanceId: "",
      clientId: "c",
      clientHost: "",
      topics: ["t"],
      pattern: "",
      assignor: "range",
      sessionTimeoutMs: 1_000,
      rebalanceTimeoutMs: 5_000,
    },
  };
}

describe("GroupCoordinator", () => {
  it("gives an answer once its batch is committed, and shows what it did only then", () => {
    const world = new World();
    world.submit("a", commit(5));
    expect(world.endTurn()).toEqual([]);
    expect(world.offset()).toBeUndefined();
    expect(world.commit(0)).toEqual([]);
    expect(world.commit()).toEqual(["a"]);
    expect(world.offset()).toBe(5);
  });

  it("decides on what is appended and not yet committed (O-3), and keeps back a refusal that shows it", () => {
    const world = new World();
    world.submit("joins", join());
    world.endTurn();
    world.submit("stranger", commit(1));
    expect(world.endTurn()).toEqual([]);
    expect(world.commit()).toEqual(["joins", "stranger: UNKNOWN_MEMBER_ID"]);
  });

  it("puts the decisions of one turn into one batch", () => {
    const world = new World();
    world.submit("a", commit(1));
    world.submit("b", commit(2), "h");
    world.endTurn();
    expect(world.log).toHaveLength(2);
    // One batch ends where all of it ends.
    expect(world.commit(1)).toEqual([]);
    expect(world.commit(2)).toEqual(["a", "b"]);
  });

  it("undoes a turn that was not appended", () => {
    const world = new World();
    world.submit("a", commit(1));
    world.endTurn();
    world.commit();
    world.submit("b", commit(2));
    world.submit("c", join());
    expect(world.coordinator.endTurn().records).not.toHaveLength(0);
    const answers = world.coordinator.notAppended(refuse("STORAGE_FULL", "No room", {}).refusal, 0);
    expect(answers.map(({ waiter }) => waiter)).toEqual(["b", "c"]);
    expect(world.coordinator.hasMembers).toBe(false);
    world.submit("d", commit(3));
    world.endTurn();
    expect(world.commit()).toEqual(["d"]);
    expect(world.offset()).toBe(3);
  });

  it("turns nobody away for good for what another one wanted", () => {
    const world = new World();
    const tooLarge = refuse("MESSAGE_TOO_LARGE", "4 MiB at most", {}).refusal;
    const refused = (): unknown[] => {
      world.coordinator.endTurn();
      const answers = world.coordinator.notAppended(tooLarge, 0);
      return answers.map(({ outcome }) => ("refusal" in outcome ? outcome.refusal.reason : outcome));
    };
    world.submit("a", commit(1));
    world.submit("b", commit(2));
    expect(refused()).toEqual(["BUSY", "BUSY"]);
    world.submit("a", commit(1));
    expect(refused()).toEqual(["MESSAGE_TOO_LARGE"]);
  });

  it("refuses for good what no batch can hold, and nothing of what else is asked at the same time", () => {
    const world = new World();
    world.limited({ batchBytesMax: 600, metadataBytesMax: 1_000 });
    const noted = (waiter: string, bytes: number): void => {
      const offsets = [{ topicId, partition: 0, offset: 1, leaderEpoch: -1, metadata: "n".repeat(bytes) }];
      world.submit(waiter, { kind: "commit", commit: { claim: undefined, offsets } }, waiter);
    };
    noted("small", 100);
    noted("oversized", 1_000);
    noted("another", 300);
    // What fits by itself, and not beside the others, has a batch of its own.
    world.endTurn();
    expect(world.log).toHaveLength(1);
    world.endTurn();
    expect(world.log).toHaveLength(2);
    const answers = world.coordinator.committed(2).answers;
    expect(
      answers.map(({ waiter, outcome }) => [waiter, "refusal" in outcome ? outcome.refusal.reason : "done"]),
    ).toEqual([
      ["small", "done"],
      ["oversized", "POLICY_VIOLATION"],
      ["another", "done"],
    ]);
    const [, oversized] = answers;
    expect(oversized?.outcome).toMatchObject({ refusal: { message: expect.stringContaining("Use fewer partitions") } });
  });

  it("keeps no answer waiting behind a turn that was given up", () => {
    const world = new World();
    const late = refuse("REQUEST_TIMED_OUT", "Nobody knows", {}).refusal;
    world.submit("writes", commit(1));
    world.endTurn();
    world.submit("waits", { kind: "topics" });
    world.endTurn();
    expect(world.coordinator.gaveUp(1, late).map(({ waiter }) => waiter)).toEqual(["writes", "waits"]);
    world.submit("asks", { kind: "topics" });
    expect(world.coordinator.endTurn().answers).toEqual([{ waiter: "asks", outcome: { refusal: late } }]);
    expect(world.coordinator.waiting).toBe(0);
    // It may be committed still, and then all is as it was.
    world.commit();
    world.submit("asks", { kind: "topics" });
    expect(world.coordinator.endTurn().answers).toEqual([{ waiter: "asks", outcome: { reply: undefined } }]);
  });

  it("refuses everybody who waits when it resigns, and decides nothing after", () => {
    const world = new World();
    world.submit("a", commit(1));
    world.endTurn();
    world.submit("b", commit(2));
    const refused = world.coordinator.resigned(refuse("NOT_COORDINATOR", "Not any more", {}).refusal);
    expect(refused.map(({ waiter }) => waiter)).toEqual(["a", "b"]);
    world.submit("c", commit(3));
    expect(world.coordinator.endTurn().answers).toMatchObject([
      { outcome: { refusal: { reason: "NOT_COORDINATOR" } } },
    ]);
  });

  it("has after a failover what was committed before it, and takes no commit of a member that is not there (O-1)", () => {
    const world = new World();
    world.submit("joins", join("m"));
    world.endTurn();
    world.commit();
    const end = world.log.length;
    world.submit("mine", commit(7, { memberId: "m", epoch: 1 }));
    world.endTurn();
    world.commit();
    world.submit("lost", commit(9, { memberId: "m", epoch: 1 }));
    world.endTurn();
    world.failOver(end + 1);
    expect(world.offset()).toBe(7);
    expect([...pairsOf(world.coordinator.visible.get("g")!.members.get("m")!.assigned)]).toHaveLength(2);
    world.submit("zombie", commit(8, { memberId: "m", epoch: 0 }));
    expect(world.endTurn()).toEqual(["zombie"]);
    expect(world.offset()).toBe(7);
  });

  it("tells a member that it does not know any more so when it comes back: with what it held it must not join anew", () => {
    const world = new World();
    const wishes = join("m");
    if (wishes.kind !== "join") throw new Error("It is a join");
    world.submit("back", { kind: "return", join: wishes.join, owned: new Map([[topicId, [0]]]) });
    const [answer] = world.coordinator.endTurn().answers;
    expect(answer?.outcome).toMatchObject({ refusal: { reason: "UNKNOWN_MEMBER_ID" } });
    expect(world.log).toEqual([]);
  });

  it("takes a join that comes again under the id that the client made for the same member", () => {
    const world = new World();
    const own = (newMemberId: string): GroupCommand => {
      const { join: wishes } = join() as Extract<GroupCommand, { readonly kind: "join" }>;
      return { kind: "return", join: { ...wishes, memberId: "", newMemberId }, owned: new Map() };
    };
    for (const id of ["mine", "mine", "other"]) world.submit(id, own(id));
    world.endTurn();
    world.commit();
    const members = world.coordinator.visible.get("g")?.members;
    expect([...(members?.keys() ?? [])]).toEqual(["mine", "other"]);
    // Once it was removed, whoever says that it was that member hears that it is none; who says that it is new is new.
    world.submit("removal", { kind: "remove", memberIds: ["mine"] });
    const { join: wishes } = join("mine") as Extract<GroupCommand, { readonly kind: "join" }>;
    world.submit("back", { kind: "return", join: wishes, owned: new Map([[topicId, [0]]]) });
    world.submit("new", own("mine"));
    world.endTurn();
    expect(world.commit()).toEqual(["removal", "back: UNKNOWN_MEMBER_ID", "new"]);
  });

  it("takes no commit of a topic that is gone, of a member that has not heard of that either (O-4)", () => {
    const world = new World();
    world.submit("joins", join("m"));
    world.endTurn();
    world.commit();
    world.gone.add(topicId);
    world.submit("commits", commit(7, { memberId: "m", epoch: 1 }));
    const { records, answers } = world.coordinator.endTurn();
    expect(records).toEqual([]);
    expect(answers).toMatchObject([{ waiter: "commits", outcome: { reply: [{ reason: "UNKNOWN_TOPIC" }] } }]);
  });

  it("refuses what a member commits of places that its session has not told it, each by itself", () => {
    const world = new World();
    world.submit("joins", join("m"));
    world.endTurn();
    const offsets = [0, 1].map((partition) => ({
      topicId,
      partition,
      offset: 3,
      leaderEpoch: -1,
      metadata: "",
      isUntold: partition === 1,
    }));
    const claim = { memberId: "m", epoch: 1, instanceId: "" };
    world.submit("commits", { kind: "commit", commit: { claim, offsets } });
    world.endTurn();
    const { answers } = world.coordinator.committed(world.log.length);
    const verdicts = answers.flatMap(({ outcome }) => ("reply" in outcome ? [outcome.reply] : [])).at(-1);
    expect((verdicts as readonly ({ readonly reason: string } | undefined)[]).map((one) => one?.reason)).toEqual([
      undefined,
      "STALE_MEMBER_EPOCH",
    ]);
    expect([world.offset(0), world.offset(1)]).toEqual([3, undefined]);
    // What it is asked to give back it need not be told again: it is nothing of its own.
    world.submit("second", join("n"));
    world.submit("late", {
      kind: "commit",
      commit: { claim, offsets: offsets.map((one) => ({ ...one, isUntold: true })) },
    });
    world.endTurn();
    const late = world.coordinator.committed(world.log.length).answers.at(-1)?.outcome;
    expect(late).toMatchObject({ reply: [{ reason: "STALE_MEMBER_EPOCH" }, { reason: "NOT_ASSIGNED" }] });
  });

  it("begins nowhere in the name of a member that has gone meanwhile, or has lost the partition", () => {
    const world = new World();
    const begin = (memberId: string): GroupCommand => ({
      kind: "start",
      memberId,
      offsets: [0, 1].map((partition) => ({ topicId, partition, offset: 90, leaderEpoch: -1 })),
    });
    world.submit("gone", begin("m"));
    expect(world.endTurn()).toEqual(["gone"]);
    expect(world.log).toEqual([]);
    for (const memberId of ["m", "n"]) world.submit(memberId, join(memberId));
    world.submit("gives back", { kind: "beat", beat: { memberId: "m", instanceId: "", owned: new Map() } });
    world.submit("begins", begin("n"));
    world.endTurn();
    world.commit();
    expect([world.offset(0), world.offset(1)]).toEqual([undefined, 90]);
  });

  it("removes whoever is silent for a session, and nobody whose connection is there", () => {
    const world = new World();
    for (const memberId of ["m", "n"]) world.submit(memberId, join(memberId));
    world.endTurn();
    world.commit();
    world.coordinator.connected("g", "n");
    expect(world.coordinator.removeDue(999)).toEqual([]);
    expect(world.coordinator.removeDue(1_000)).toEqual([{ groupId: "g", memberId: "m", why: "session" }]);
    world.coordinator.disconnected("g", "n", 2_000);
    expect(world.coordinator.removeDue(2_999)).toEqual([]);
    expect(world.coordinator.removeDue(3_000)).toHaveLength(1);
    expect(world.coordinator.hasMembers).toBe(false);
  });

  it("removes those that fall silent together in one decision: what they had is shared out once", () => {
    const world = new World();
    for (const memberId of ["k", "l", "m", "n"]) world.submit(memberId, join(memberId));
    world.endTurn();
    world.commit();
    world.coordinator.connected("g", "n");
    const epoch = world.coordinator.visible.get("g")?.epoch ?? 0;
    expect(world.coordinator.removeDue(1_000).map(({ memberId }) => memberId)).toEqual(["k", "l", "m"]);
    world.endTurn();
    world.commit();
    const group = world.coordinator.visible.get("g");
    expect({ epoch: group?.epoch, members: [...(group?.members.keys() ?? [])] }).toEqual({
      epoch: epoch + 1,
      members: ["n"],
    });
    expect(world.coordinator.removeDue(1_000)).toEqual([]);
  });

  it("removes as many of those that are due as a batch holds, and the others after them", () => {
    const world = new World();
    world.limited({ batchBytesMax: 4_600 });
    const all = Array.from({ length: 9 }, (_, index) => `${index}-${"m".repeat(200)}`);
    for (const memberId of all) {
      world.submit(memberId, join(memberId));
      world.endTurn();
    }
    world.commit();
    expect(world.coordinator.visible.get("g")?.members.size).toBe(9);
    world.coordinator.connected("g", all[8] as string);
    const removed = new Set<string>();
    for (let looks = 0; looks < 20 && removed.size < 8; looks++) {
      for (const { memberId } of world.coordinator.removeDue(1_000)) removed.add(memberId);
      world.endTurn();
    }
    world.commit();
    expect([...removed]).toEqual(all.slice(0, -1));
    expect([...(world.coordinator.visible.get("g")?.members.keys() ?? [])]).toEqual(all.slice(-1));
    expect(world.coordinator.removeDue(1_000)).toEqual([]);
  });

  it("has those due still whose removal was not appended", () => {
    const world = new World();
    for (const memberId of ["m", "n"]) world.submit(memberId, join(memberId));
    world.endTurn();
    world.commit();
    expect(world.coordinator.removeDue(1_000)).toHaveLength(2);
    world.coordinator.endTurn();
    world.coordinator.notAppended(refuse("STORAGE_FULL", "No room", {}).refusal, 1_000);
    world.coordinator.heard("g", "n", 1_200);
    expect(world.coordinator.removeDue(1_500)).toEqual([{ groupId: "g", memberId: "m", why: "session" }]);
  });

  it("removes who does not give back in time, also when its connection is all its sign of life", () => {
    const world = new World();
    for (const memberId of ["m", "l"]) world.submit(memberId, join(memberId));
    world.endTurn();
    world.commit();
    for (const memberId of ["l", "m"]) world.coordinator.connected("g", memberId);
    expect(world.coordinator.removeDue(4_999)).toEqual([]);
    expect(world.coordinator.removeDue(5_000)).toEqual([{ groupId: "g", memberId: "m", why: "revocation" }]);
  });

  it("gives a member its rebalance timeout for each thing that it is asked for", () => {
    const world = new World();
    world.submit("m", join("m"));
    world.nowMs = 1;
    world.submit("l", join("l"));
    world.endTurn();
    world.commit();
    const revoking = (): unknown => world.coordinator.visible.get("g")?.members.get("m")?.revoking.get(topicId);
    expect(revoking()).toEqual([0]);
    for (const memberId of ["l", "m"]) world.coordinator.connected("g", memberId);
    // Asked for the other one as it gives back the first.
    world.nowMs = 4_000;
    world.submit("k", join("k"));
    const owned = new Map([[topicId, [1]]]);
    world.submit("gives back", { kind: "beat", beat: { memberId: "m", instanceId: "", owned } });
    world.endTurn();
    world.commit();
    expect(revoking()).toEqual([1]);
    world.coordinator.connected("g", "k");
    expect(world.coordinator.removeDue(5_001)).toEqual([]);
    // What is given back of it in part takes no more time.
    expect(world.coordinator.removeDue(9_000)).toEqual([{ groupId: "g", memberId: "m", why: "revocation" }]);
  });

  it("takes a stall of this node for nobody's silence", () => {
    const world = new World();
    world.submit("m", join("m"));
    world.endTurn();
    world.commit();
    world.coordinator.stalled(30_000);
    expect(world.coordinator.removeDue(30_000)).toEqual([]);
    expect(world.coordinator.removeDue(31_000)).toHaveLength(1);
  });

  it("is bounded in groups and in answers that wait", () => {
    const world = new World();
    world.limited({ groupsMax: 1 });
    world.submit("a", commit(1));
    world.submit("b", commit(1), "another");
    world.endTurn();
    expect(world.commit()).toEqual(["a", "b: POLICY_VIOLATION"]);
    world.limited({ waitingMax: 1 });
    world.submit("a", commit(1));
    world.submit("b", commit(2));
    world.endTurn();
    expect(world.commit()).toEqual(["a", "b: BUSY"]);
  });

  it("tells whoever waits too long that nobody knows, and shows it once it is committed", () => {
    const world = new World();
    world.submit("a", commit(1));
    world.endTurn();
    const [given] = world.coordinator.gaveUp(1, refuse("REQUEST_TIMED_OUT", "Too long", {}).refusal);
    expect(given?.waiter).toBe("a");
    expect(world.coordinator.waiting).toBe(0);
    expect(world.commit()).toEqual([]);
    expect(world.offset()).toBe(1);
  });

  it("takes back what is committed of a topic that is gone (O-4)", () => {
    const world = new World();
    world.submit("a", commit(1));
    world.endTurn();
    world.failOver();
    world.gone.add(topicId);
    world.coordinator.topicsChanged(0);
    world.endTurn();
    world.commit();
    expect(world.coordinator.visible.has("g")).toBe(false);
  });

  it.each(["expired", "forgotten"] as const)(
    "has all of a group %s, however much it is and however long its name",
    (how) => {
      const world = new World();
      world.limited({ batchBytesMax: 4 * 1024 * 1024 });
      const group = "\u20ac".repeat(249);
      const count = 10_000;
      for (let from = 0; from < count; from += 2_000) {
        const offsets = Array.from({ length: 2_000 }, (_, index) => from + index).map((partition) => {
          return { topicId, partition, offset: 1, leaderEpoch: -1, metadata: "" };
        });
        world.submit("commits", { kind: "commit", commit: { claim: undefined, offsets } }, group);
        world.endTurn();
      }
      world.commit();
      expect(world.coordinator.visible.get(group)?.offsets.get(topicId)?.size).toBe(count);
      if (how === "forgotten") world.gone.add(topicId);
      for (let looks = 0; looks < 9 && world.coordinator.visible.has(group); looks++) {
        if (how === "expired") world.coordinator.expire(1_000, 1_000);
        else if (looks === 0) expect(world.coordinator.topicsChanged(0)).toEqual([]);
        world.endTurn();
        world.commit();
      }
      expect(world.coordinator.visible.has(group)).toBe(false);
    },
  );

  it("says whether all groups have taken in what became of topics: what was refused is asked again", () => {
    const world = new World();
    world.limited({ waitingMax: 1 });
    world.submit("a", commit(1));
    world.endTurn();
    world.commit();
    world.gone.add(topicId);
    world.submit("b", commit(1), "another");
    expect(world.coordinator.topicsChanged(0)).toMatchObject([{ groupId: "g", refusal: { reason: "BUSY" } }]);
    world.endTurn();
    world.commit();
    expect(world.coordinator.topicsChanged(0)).toEqual([]);
    world.endTurn();
    world.commit();
    expect(world.coordinator.visible.has("g")).toBe(false);
  });

  it("makes several batches of what many groups have to say, each of whole decisions, and undoes the rest of them together", () => {
    const world = new World();
    world.limited({ groupsMax: 10_000 });
    const many = (offset: number): GroupCommand => ({
      kind: "reset",
      reset: { offsets: Array.from({ length: 700 }, (_, partition) => ({ topicId, partition, offset })) },
    });
    for (const group of ["a", "b", "c", "d", "e"]) world.submit(group, many(1), group);
    const { records } = world.coordinator.endTurn();
    expect(new Set(records.map((record) => decodeGroupRecord(record).key.groupId))).toEqual(new Set(["a", "b"]));
    world.coordinator.appended(10);
    expect(world.coordinator.committed(10).answers.map(({ waiter }) => waiter)).toEqual(["a", "b"]);
    expect([...world.coordinator.visible.keys()]).toEqual(["a", "b"]);
    expect(new Set(world.coordinator.endTurn().records.map((record) => decodeGroupRecord(record).key.groupId))).toEqual(
      new Set(["c", "d"]),
    );
    const refused = world.coordinator.notAppended(refuse("STORAGE_FULL", "No room", {}).refusal, 0);
    expect(refused.map(({ waiter }) => waiter)).toEqual(["c", "d", "e"]);
    expect(world.coordinator.endTurn().records).toEqual([]);
    expect(world.coordinator.waiting).toBe(0);
  });
});
