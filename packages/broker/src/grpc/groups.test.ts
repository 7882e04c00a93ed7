import { afterAll, beforeAll, expect, test } from "vitest";
import { TestBroker, bytes, until } from "../testing/test-broker.ts";
import { TestMember } from "../testing/test-member.ts";

let server: TestBroker;
beforeAll(async () => {
  server = await TestBroker.start();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

async function topicWith(topic: string, partitions: number, records = 0): Promise<void> {
  await server.createTopic(topic, { partitions });
  for (let partition = 0; partition < partitions; partition++) {
    for (let at = 0; at < records; at++) {
      await server.produce({ topic, partition, records: [{ value: bytes(String(at)) }] });
    }
  }
}

const at = (topic: string, partition: number, offset: number) => ({ topic, partition, offset });

test("commits for a group without members are kept, and told again", async () => {
  await topicWith("plain", 2);
  expect(await server.group("FetchOffsets", { group: "plain-group", partitions: [] })).toEqual({ offsets: [] });
  const { offsets } = await server.group("CommitOffsets", {
    group: "plain-group",
    offsets: [
      { topic: "plain", partition: 1, offset: 5, leaderEpoch: 0, metadata: "note" },
      { topic: "nowhere", partition: 0, offset: 5 },
      { topic: "plain", partition: 2, offset: 5 },
      { topic: "plain", partition: 0, offset: -1 },
    ],
  });
  expect(offsets.map(({ error }) => error?.reason)).toEqual([
    undefined,
    "UNKNOWN_TOPIC",
    "UNKNOWN_PARTITION",
    "INVALID_REQUEST",
  ]);
  const fetched = await server.group("FetchOffsets", { group: "plain-group", partitions: [] });
  expect(fetched.offsets).toMatchObject([
    { topic: "plain", partition: 1, offset: 5, metadata: "note", leaderEpoch: 0 },
  ]);
  const { groups } = await server.group("ListGroups", { prefix: "plain" });
  expect(groups).toEqual([{ group: "plain-group", state: "GROUP_STATE_EMPTY", memberCount: 0 }]);
});

test("members share the partitions of a topic, hand them over, and commit under their generation", async () => {
  await topicWith("shared", 4, 3);
  const group = "sharing";
  const subscription = { group, topics: ["shared"], start: { earliest: true }, clientId: "test" };
  const first = await TestMember.join(server, subscription, 4);
  expect([...first.held.values()]).toEqual([0, 0, 0, 0]);
  await first.commit([at("shared", 0, 2)]);
  const second = await TestMember.join(server, subscription, 2);
  expect(first.held.size).toBe(2);
  const all = [...first.held.keys(), ...second.held.keys()].sort();
  expect(all).toEqual(["shared/0", "shared/1", "shared/2", "shared/3"]);
  const mine = Number([...first.held.keys()][0]?.split("/")[1]);
  const theirs = Number([...second.held.keys()][0]?.split("/")[1]);
  const result = await first.commit([at("shared", mine, 3), at("shared", theirs, 3)]);
  expect(result.offsets.map(({ error }) => error?.reason)).toEqual([undefined, "NOT_ASSIGNED"]);
  const zombie = await first.commit([at("shared", mine, 1)], 1);
  expect(zombie.error?.reason).toBe("STALE_MEMBER_EPOCH");
  const described = await server.group("DescribeGroup", { group });
  expect(described).toMatchObject({ group, state: "GROUP_STATE_STABLE", assignor: "cooperative-sticky" });
  expect(described.members.map(({ memberId }) => memberId).sort()).toEqual([first.memberId, second.memberId].sort());
  expect(described.lags.find(({ partition }) => partition === mine)).toMatchObject({
    committedOffset: 3,
    highWatermark: 3,
    lag: 0,
    memberId: first.memberId,
  });
  await expect(server.group("DeleteGroup", { group })).rejects.toMatchObject({ reason: "NON_EMPTY_GROUP" });
  await first.leave();
  await second.has(4);
  expect(second.held.get(`shared/${mine}`)).toBe(3);
  await second.leave();
  await server.group("DeleteGroup", { group });
  await expect(server.group("DescribeGroup", { group })).rejects.toMatchObject({ reason: "UNKNOWN_GROUP" });
});

test("what nobody has committed begins where the member says, and that is committed at once", async () => {
  await topicWith("begun", 1, 4);
  const member = await TestMember.join(server, { group: "beginning", topics: ["begun"], start: { last: 1 } }, 1);
  expect(member.held.get("begun/0")).toBe(3);
  const { offsets } = await server.group("FetchOffsets", { group: "beginning", partitions: [] });
  expect(offsets).toMatchObject([{ topic: "begun", partition: 0, offset: 3 }]);
  await member.leave();
});

test("a member whose connection breaks comes back with its id, and keeps what it has", async () => {
  await topicWith("kept", 2, 1);
  const subscription = { group: "returning", topics: ["kept"], start: { earliest: true } };
  const member = await TestMember.join(server, subscription, 2);
  member.break();
  const owned = [0, 1].map((partition) => ({ topic: "kept", partition }));
  const again = await TestMember.join(server, { ...subscription, memberId: member.memberId, owned }, 2);
  expect(again.memberId).toBe(member.memberId);
  expect(again.generation).toBe(member.generation);
  await again.leave();
});

test("a member that comes back to a topic that was made again begins where the group is in the new one", async () => {
  await topicWith("remade", 1, 9);
  const subscription = { group: "remaking", topics: ["remade"], start: { earliest: true } };
  const member = await TestMember.join(server, subscription, 1);
  const former = member.topicIds.get("remade/0");
  expect((await member.commit([at("remade", 0, 8)])).offsets[0]?.error).toBeNull();
  member.break();
  await server.call("DeleteTopic", { topic: "remade" });
  await topicWith("remade", 1, 3);
  // Somebody has read of the new one already.
  const other = await TestMember.join(server, subscription, 0);
  const moves = await server.group("ResetOffsets", { group: "remaking", topic: "remade", position: { offset: 2 } });
  expect(moves.moves).toMatchObject([{ toOffset: 2 }]);
  const owned = [{ topic: "remade", partition: 0, topicId: former ?? "" }];
  const again = new TestMember(server, { ...subscription, memberId: member.memberId, owned });
  await until("it is told where it is", () => again.generation >= 0);
  const [first] = again.heard.flatMap(({ assignment }) => (assignment ? [assignment] : []));
  expect(first?.lost).toEqual(owned);
  await other.leave();
  await again.has(["remade/0"]);
  expect(again.held.get("remade/0")).toBe(2);
  expect(again.topicIds.get("remade/0")).not.toBe(former);
  await again.leave();
});

test("what a member had before it came back is not committed before it is told that it has it", async () => {
  await topicWith("hearsay", 2, 9);
  const subscription = { group: "hearsaying", topics: ["hearsay"], start: { earliest: true } };
  const member = await TestMember.join(server, subscription, 2);
  const { generation } = member;
  expect(member.heard[0]?.joined?.generation).toBe(-1);
  member.break();
  await server.group("ResetOffsets", { group: "hearsaying", topic: "hearsay", position: { offset: 4 } });
  const owned = [0, 1].map((partition) => ({ topic: "hearsay", partition }));
  const again = new TestMember(server, { ...subscription, memberId: member.memberId, owned });
  await until("it has joined", () => again.heard.length > 0);
  const { joined } = again.heard[0] ?? {};
  const hasty = await again.commit([at("hearsay", 0, 1), at("hearsay", 1, 1)], joined?.generation);
  expect(hasty.error).toMatchObject({ reason: "STALE_MEMBER_EPOCH", retriable: true });
  expect((await again.commit([at("hearsay", 0, 1)], generation)).error?.reason).toBe("STALE_MEMBER_EPOCH");
  await again.has(2);
  expect([...again.held.values()]).toEqual([4, 4]);
  expect((await again.commit([at("hearsay", 0, 5)])).offsets[0]?.error).toBeNull();
  await again.leave();
});

test("a join that is sent again under an id of the client's own is the same member", async () => {
  await topicWith("own-ids", 2, 1);
  const group = "owning-ids";
  const subscription = { group, topics: ["own-ids"], start: { earliest: true }, newMemberId: "0123456789abcdef" };
  // Its answer is lost on the way.
  const unheard = new TestMember(server, subscription);
  await until("it is a member", async () => {
    const described = await server.group("DescribeGroup", { group }).catch(() => undefined);
    return described?.members.length === 1;
  });
  unheard.break();
  const member = await TestMember.join(server, subscription, 2);
  expect(member.memberId).toBe("0123456789abcdef");
  const { members } = await server.group("DescribeGroup", { group });
  expect(members.map(({ memberId }) => memberId)).toEqual(["0123456789abcdef"]);
  await member.leave();
  // It was a member, and is none: it has lost everything.
  const back = new TestMember(server, { ...subscription, memberId: member.memberId });
  await until("it is refused", () => back.ended !== undefined);
  expect(back.ended?.error).toMatchObject({ reason: "UNKNOWN_MEMBER_ID" });
});

test("a member that is silent for its session is given up, and its stream ends", async () => {
  await topicWith("silent", 1);
  const subscription = { group: "silence", topics: ["silent"], sessionTimeoutMs: 500, start: { earliest: true } };
  const silent = await TestMember.join(server, subscription, 1);
  const other = await TestMember.join(server, { ...subscription, sessionTimeoutMs: 0 }, 0);
  await other.has(["silent/0"]);
  await until("the session ends", () => silent.ended !== undefined);
  expect(silent.ended?.error).toMatchObject({ reason: "UNKNOWN_MEMBER_ID" });
  await other.leave();
});

test("a member may take as long as the broker allows to give back, whatever it says", async () => {
  await topicWith("patient", 1);
  const member = await TestMember.join(
    server,
    { group: "patience", topics: ["patient"], rebalanceTimeoutMs: 2 ** 32 - 1, start: { earliest: true } },
    1,
  );
  await member.leave();
});

test("heartbeats keep a member, and are answered", async () => {
  await topicWith("beating", 1);
  const member = await TestMember.join(
    server,
    { group: "beats", topics: ["beating"], sessionTimeoutMs: 1_000, start: { earliest: true } },
    1,
  );
  member.say({ heartbeat: {} });
  await until("the heartbeat is answered", () => member.heard.some(({ message }) => message === "heartbeat"));
  await member.leave();
});

test("a pattern takes in topics that come later", async () => {
  await topicWith("orders-eu", 1);
  const member = await TestMember.join(server, { group: "patterns", topicPattern: "orders-.*" }, ["orders-eu/0"]);
  await topicWith("orders-us", 1);
  await topicWith("reorders-us", 1);
  await member.has(["orders-eu/0", "orders-us/0"]);
  await server.call("DeleteTopic", { topic: "orders-eu" });
  await member.has(["orders-us/0"]);
  const lost = member.heard.flatMap(({ assignment }) => assignment?.lost ?? []);
  expect(lost).toMatchObject([{ topic: "orders-eu", partition: 0 }]);
  await member.leave();
});

test("a reset moves a group while its members run, and nothing of before lands", async () => {
  await topicWith("rewound", 2, 5);
  const group = "rewinding";
  const member = await TestMember.join(server, { group, topics: ["rewound"], start: { latest: true } }, 2);
  expect([...member.held.values()]).toEqual([5, 5]);
  const { generation } = member;
  const wish = { group, topic: "rewound", partitions: [1], position: { offset: 2 } };
  const dry = await server.group("ResetOffsets", { ...wish, validateOnly: true });
  const moves = [{ topic: "rewound", partition: 1, fromOffset: 5, toOffset: 2, skipped: 0, seenAgain: 3 }];
  expect(dry.moves).toMatchObject(moves);
  expect(member.held.get("rewound/1")).toBe(5);
  expect((await server.group("ResetOffsets", wish)).moves).toMatchObject(moves);
  await until("the member is moved", () => member.held.get("rewound/1") === 2);
  expect(member.held.get("rewound/0")).toBe(5);
  const late = await member.commit([at("rewound", 1, 5)], generation);
  expect(late.error?.reason).toBe("STALE_MEMBER_EPOCH");
  const { offsets } = await server.group("FetchOffsets", { group, partitions: [{ topic: "rewound", partition: 1 }] });
  expect(offsets).toMatchObject([{ offset: 2 }]);
  const forward = await server.group("ResetOffsets", { group, position: { latest: true } });
  expect(forward.moves.map(({ partition, skipped }) => [partition, skipped])).toEqual([
    [0, 0],
    [1, 3],
  ]);
  await until("the member is moved on", () => member.held.get("rewound/1") === 5);
  await member.leave();
});

test("a reset that cannot be done anywhere is done nowhere", async () => {
  await topicWith("stays", 2, 1);
  await server.produce({ topic: "stays", partition: 0, records: [{ value: bytes("more") }] });
  const group = "staying";
  const offsets = [0, 1].map((partition) => ({ topic: "stays", partition, offset: 1, leaderEpoch: -1, metadata: "" }));
  await server.group("CommitOffsets", { group, offsets });
  const { moves } = await server.group("ResetOffsets", { group, topic: "stays", position: { offset: 2 } });
  expect(moves.map(({ error }) => error?.reason)).toEqual([undefined, "OFFSET_OUT_OF_RANGE"]);
  const fetched = await server.group("FetchOffsets", { group, partitions: [] });
  expect(fetched.offsets.map(({ offset }) => offset)).toEqual([1, 1]);
  for (const [request, reason] of [
    [{ group }, "INVALID_REQUEST"],
    [{ group: "nobody", position: { earliest: true } }, "UNKNOWN_GROUP"],
    [{ group, topic: "none", position: { earliest: true } }, "UNKNOWN_TOPIC"],
    [{ group, topic: "stays", partitions: [2], position: { earliest: true } }, "UNKNOWN_PARTITION"],
    [{ group, partitions: [0], position: { earliest: true } }, "INVALID_REQUEST"],
  ] as const) {
    await expect(server.group("ResetOffsets", request as object)).rejects.toMatchObject({ reason });
  }
});

test("a fork begins where it is told, ends by itself, and leaves the other group alone", async () => {
  await topicWith("replayed", 2, 4);
  const offsets = [0, 1].map((partition) => ({
    topic: "replayed",
    partition,
    offset: 4,
    leaderEpoch: -1,
    metadata: "",
  }));
  await server.group("CommitOffsets", { group: "live", offsets });
  const wish = { group: "live", newGroup: "beside", position: { offset: 1 }, end: { latestAtStart: true } };
  const { partitions } = await server.group("ForkGroup", wish);
  expect(partitions).toMatchObject([
    { topic: "replayed", partition: 0, offset: 1, endOffset: 4 },
    { topic: "replayed", partition: 1, offset: 1, endOffset: 4 },
  ]);
  await expect(server.group("ForkGroup", wish)).rejects.toMatchObject({ reason: "GROUP_ALREADY_EXISTS" });
  await server.produce({ topic: "replayed", partition: 0, records: [{ value: bytes("later") }] });
  const member = await TestMember.join(server, { group: "beside", topics: ["replayed"] }, 2);
  const told = member.heard.flatMap(({ assignment }) => assignment?.assign ?? []);
  expect(told.map(({ offset, endOffset }) => [offset, endOffset])).toEqual([
    [1, 4],
    [1, 4],
  ]);
  await member.commit([at("replayed", 0, 4)]);
  expect((await server.group("DescribeGroup", { group: "beside" })).state).toBe("GROUP_STATE_STABLE");
  await member.commit([at("replayed", 1, 4)]);
  await until("the session ends in order", () => member.ended !== undefined);
  expect(member.ended?.error).toBeUndefined();
  expect(member.heard.at(-1)?.finished).toEqual({});
  expect(await server.group("DescribeGroup", { group: "beside" })).toMatchObject({ state: "GROUP_STATE_FINISHED" });
  const live = await server.group("FetchOffsets", { group: "live", partitions: [] });
  expect(live.offsets.map(({ offset }) => offset)).toEqual([4, 4]);
  for (const [request, reason] of [
    [{ ...wish, newGroup: "other", end: { count: 3 } }, "INVALID_REQUEST"],
    [{ ...wish, newGroup: "" }, "INVALID_REQUEST"],
    [{ ...wish, newGroup: "other", group: "nobody" }, "UNKNOWN_GROUP"],
    [{ ...wish, newGroup: "other", topics: ["none"] }, "UNKNOWN_TOPIC"],
  ] as const) {
    await expect(server.group("ForkGroup", request as object)).rejects.toMatchObject({ reason });
  }
});

test("a fork without a position begins where the other group is", async () => {
  await topicWith("copied", 2, 3);
  await server.group("CommitOffsets", { group: "original", offsets: [at("copied", 1, 2)] });
  const rate = { recordsPerSecond: 5 };
  const { partitions } = await server.group("ForkGroup", { group: "original", newGroup: "copy", rate });
  expect(partitions).toMatchObject([{ topic: "copied", partition: 1, offset: 2 }]);
  expect((await server.group("DescribeGroup", { group: "copy" })).rate).toMatchObject(rate);
  await server.group("DeleteGroup", { group: "copy" });
  expect((await server.group("ConfigureGroup", { group: "copy" })).rate).toMatchObject({ recordsPerSecond: 0 });
});

test("a fork that is refused, or only tried, leaves nothing behind", async () => {
  await topicWith("tried", 2, 4);
  await server.group("CommitOffsets", { group: "trying", offsets: [at("tried", 0, 2), at("tried", 1, 4)] });
  const rate = { recordsPerSecond: 5, bytesPerSecond: 0 };
  const rateOf = async (group: string) => (await server.group("ConfigureGroup", { group })).rate;
  const unlimited = { recordsPerSecond: 0, bytesPerSecond: 0 };
  const wish = { group: "trying", newGroup: "tried-out", rate };
  const { partitions } = await server.group("ForkGroup", { ...wish, end: { offset: 3 }, validateOnly: true });
  // Where its end lies before its start there is nothing to read.
  expect(partitions).toMatchObject([
    { partition: 0, offset: 2, endOffset: 3 },
    { partition: 1, offset: 4, endOffset: 4 },
  ]);
  await expect(server.group("DescribeGroup", { group: "tried-out" })).rejects.toMatchObject({
    reason: "UNKNOWN_GROUP",
  });
  await expect(server.group("ForkGroup", { ...wish, end: { offset: 1 } })).rejects.toMatchObject({
    reason: "INVALID_REQUEST",
    message: expect.stringContaining("end lies before its start"),
  });
  expect(await rateOf("tried-out")).toEqual(unlimited);
  // Two at once: one is made, and has its rate.
  const twice = await Promise.allSettled([
    server.group("ForkGroup", wish),
    server.group("ForkGroup", { ...wish, rate: { recordsPerSecond: 9, bytesPerSecond: 0 } }),
  ]);
  const refused = twice.flatMap((one) => (one.status === "rejected" ? [one.reason as { reason: string }] : []));
  expect(["BUSY", "GROUP_ALREADY_EXISTS"]).toContain(refused[0]?.reason);
  expect(refused).toHaveLength(1);
  const made = twice[0].status === "fulfilled" ? 5 : 9;
  expect(await rateOf("tried-out")).toMatchObject({ recordsPerSecond: made });
});

test("answers that no message can hold are refused, and say how to ask", async () => {
  const topic = "noted";
  await server.createTopic(topic, { partitions: 1_100 });
  const metadata = "n".repeat(4_000);
  const note = (from: number) =>
    server.group("CommitOffsets", {
      group: "noting",
      offsets: Array.from({ length: 110 }, (_, index) => ({
        ...at(topic, from + index, 0),
        leaderEpoch: -1,
        metadata,
      })),
    });
  for (let from = 0; from < 1_100; from += 110) await note(from);
  const all = { group: "noting", partitions: [] };
  await expect(server.group("FetchOffsets", all)).rejects.toMatchObject({
    reason: "INVALID_REQUEST",
    message: expect.stringContaining("without notes"),
  });
  const { offsets } = await server.group("FetchOffsets", { ...all, withoutNotes: true });
  expect(offsets).toHaveLength(1_100);
  expect(offsets[0]).toMatchObject({ offset: 0, metadata: "" });
  const some = await server.group("FetchOffsets", { group: "noting", partitions: [{ topic, partition: 7 }] });
  expect(some.offsets).toMatchObject([{ partition: 7, metadata }]);
  // A member hears of them in several messages, each of which a client takes, and commits once it has heard them all.
  const member = await TestMember.join(server, { group: "noting", topics: [topic] }, 1_100);
  const told = member.heard.flatMap(({ assignment }) => (assignment ? [assignment] : []));
  expect(told.length).toBeGreaterThan(1);
  expect(told.map(({ generation }) => generation)).toEqual([...told.slice(1).map(() => -1), member.generation]);
  await member.has(1_100);
  expect((await member.commit([at(topic, 0, 0)])).offsets[0]?.error).toBeNull();
  await member.leave();
});

test("a rate holds back the reads of a group, and only those, until it is taken away", async () => {
  await topicWith("slow", 1);
  const value = Buffer.alloc(500);
  for (let batch = 0; batch < 20; batch++) {
    await server.produce({ topic: "slow", partition: 0, records: [{ value }, { value }] });
  }
  const read = { topic: "slow", partition: 0, start: { kind: "earliest" }, format: "records" } as const;
  const rate = { recordsPerSecond: 0, bytesPerSecond: 1 };
  expect((await server.group("ConfigureGroup", { group: "slowly", rate })).rate).toEqual(rate);
  const first = await server.fetch({ ...read, group: "slowly" });
  expect(first.records.length).toBeGreaterThan(0);
  // What was read has to be paid off first.
  expect((await server.fetch({ ...read, group: "slowly" })).records).toHaveLength(0);
  expect((await server.fetch({ ...read, group: "another" })).records).toHaveLength(40);
  let consumed = 0;
  const all = server
    .consumeAll({ topic: "slow", start: { kind: "earliest" }, end: { kind: "offset", offset: 40 }, group: "slowly" })
    .then((messages) => {
      for (const { records } of messages) consumed += records.length;
    });
  expect((await server.fetch({ ...read, group: "slowly" })).records).toHaveLength(0);
  await server.group("ConfigureGroup", { group: "slowly", rate: { recordsPerSecond: 0, bytesPerSecond: 0 } });
  await all;
  expect(consumed).toBe(40);
});

test("a group's lag is told in records and in time, to people and in the metrics", async () => {
  await topicWith("behind", 1);
  const agoMs = 60_000;
  for (const timestampMs of [Date.now() - 2 * agoMs, Date.now() - agoMs, Date.now()]) {
    await server.produce({ topic: "behind", partition: 0, records: [{ value: bytes("v"), timestampMs }] });
  }
  await server.group("CommitOffsets", { group: "lags", offsets: [at("behind", 0, 1)] });
  const { lags } = await server.group("DescribeGroup", { group: "lags" });
  expect(lags).toMatchObject([{ topic: "behind", partition: 0, committedOffset: 1, highWatermark: 3, lag: 2 }]);
  expect(lags[0]?.lagMs).toBeGreaterThanOrEqual(agoMs);
  expect(lags[0]?.lagMs).toBeLessThan(2 * agoMs);
  const metrics = await server.broker.metrics.metrics();
  const place = '{group="lags",topic="behind",partition="0"}';
  expect(metrics).toContain(`varve_group_lag_records${place} 2\n`);
  expect(metrics).toContain(`varve_group_committed_offset${place} 1\n`);
  expect(Number(new RegExp(`varve_group_lag_seconds${place} (\\S+)`).exec(metrics)?.[1])).toBeGreaterThanOrEqual(60);
  expect(metrics).toMatch(/varve_groups\{state="empty"\} [1-9]/);
  expect(metrics).toMatch(/varve_group_rebalances_total\{cause="join"\} [1-9]/);
  expect(metrics).toMatch(/varve_offset_commits_total [1-9]/);
  expect(metrics).toMatch(/varve_offset_commit_seconds_count [1-9]/);
});

test("what is no subscription is refused", async () => {
  for (const [join, reason] of [
    [{ group: "", topics: ["t"] }, "INVALID_REQUEST"],
    [{ group: "g" }, "INVALID_REQUEST"],
    [{ group: "g", topicPattern: "(" }, "INVALID_REQUEST"],
    [{ group: "g", topicPattern: "((a{100}){100}){100}" }, "INVALID_REQUEST"],
    [{ group: "g", topics: ["t"], assignor: "best" }, "UNSUPPORTED_ASSIGNOR"],
    [{ group: "g", topics: ["t"], sessionTimeoutMs: 1 }, "INVALID_SESSION_TIMEOUT"],
    [{ group: "g", topics: ["t"], start: { offset: -1 } }, "INVALID_REQUEST"],
    [{ group: "g", topics: ["t"], newMemberId: "short" }, "INVALID_REQUEST"],
    [{ group: "g", topics: ["t", "__consumer_offsets"] }, "INVALID_TOPIC"],
  ] as const) {
    const member = new TestMember(server, join as object);
    await until("it is refused", () => member.ended !== undefined);
    expect(member.ended?.error).toMatchObject({ reason });
  }
});

test("the topic of groups is the cluster's own", async () => {
  const records = [{ value: bytes("v") }];
  const topic = "__consumer_offsets";
  const refused = { reason: "POLICY_VIOLATION" };
  await expect(server.produce({ topic, partition: 0, records })).rejects.toMatchObject(refused);
  await expect(server.call("DeleteTopic", { topic })).rejects.toMatchObject(refused);
  await expect(server.call("AddPartitions", { topic, totalCount: 99 })).rejects.toMatchObject(refused);
  await expect(server.call("AlterTopicConfig", { topic, operations: [] })).rejects.toMatchObject(refused);
  const deletion = { topic, partitions: [{ partition: 0, before: { offset: 1 } }] };
  await expect(server.call("DeleteRecords", deletion)).rejects.toMatchObject(refused);
  const described = (await server.call("DescribeTopic", { topic })) as {
    topic: { configs: object; internal: boolean };
  };
  expect(described.topic).toMatchObject({ internal: true, configs: { "cleanup.policy": "compact" } });
});

test("groups are there again after a restart", async () => {
  await topicWith("lasting", 1);
  const offsets = [{ topic: "lasting", partition: 0, offset: 7, leaderEpoch: -1, metadata: "" }];
  await server.group("CommitOffsets", { group: "lasts", offsets });
  await server.restart();
  const fetched = await server.group("FetchOffsets", { group: "lasts", partitions: [] });
  expect(fetched.offsets).toMatchObject([{ topic: "lasting", partition: 0, offset: 7 }]);
});
