// Coordinators on a disk that is full, and on one that fails a write: nothing is acknowledged that is not kept, and all goes on after.
import { nodeFileSystem } from "@varve/log";
import { expect, test } from "vitest";
import { TestBroker, until } from "../../testing/test-broker.ts";
import { TestMember } from "../../testing/test-member.ts";
import { troubledFileSystem } from "../../testing/troubled-file-system.ts";

const at = (offset: number) => ({ topic: "t", partition: 0, offset, leaderEpoch: -1, metadata: "" });

async function committed(server: TestBroker, group: string): Promise<number | undefined> {
  const { offsets } = await server.group("FetchOffsets", { group, partitions: [] });
  return offsets[0]?.offset;
}

test("while the disk is full nothing is decided for groups, and afterwards members begin and commit", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs });
  await server.createTopic("t");
  await server.group("CommitOffsets", { group: "plain", offsets: [at(1)] });
  const waiting = await TestMember.join(server, { group: "waits", topics: ["later"], start: { earliest: true } }, 0);
  await server.createTopic("later");
  await waiting.has(["later/0"]);
  troubles.freeBytes = 1_000;
  let refused: unknown;
  let offset = 1;
  await until("the disk counts as full", async () => {
    refused = await server.group("CommitOffsets", { group: "plain", offsets: [at(++offset)] }).then(
      () => undefined,
      (error: unknown) => error,
    );
    return refused !== undefined;
  });
  expect(refused).toMatchObject({ reason: "STORAGE_FULL", retriable: true });
  expect(await committed(server, "plain")).toBe(offset - 1);
  const joining = new TestMember(server, { group: "full", topics: ["t"] });
  await until("the join is refused", () => joining.ended !== undefined);
  expect(joining.ended?.error).toMatchObject({ reason: "STORAGE_FULL" });
  // The session that was there is still there.
  expect(waiting.ended).toBeUndefined();
  troubles.freeBytes = undefined;
  await until("commits are taken again", () =>
    server.group("CommitOffsets", { group: "plain", offsets: [at(1_000)] }).then(
      () => true,
      () => false,
    ),
  );
  expect(await committed(server, "plain")).toBe(1_000);
  const result = await waiting.commit([{ topic: "later", partition: 0, offset: 0 }]);
  expect(result.error).toBeNull();
  const member = await TestMember.join(server, { group: "full", topics: ["t"], start: { earliest: true } }, 1);
  await Promise.all([member.leave(), waiting.leave()]);
});

test("what a failed write takes away was acknowledged to nobody, and the groups are loaded anew", async () => {
  const { fs, troubles } = troubledFileSystem(nodeFileSystem());
  await using server = await TestBroker.start({ fs, topicDefaults: { flush: "os" }, groups: { partitions: 1 } });
  await server.createTopic("t");
  await server.group("CommitOffsets", { group: "g", offsets: [at(1)] });
  troubles.noSpaceOn = /topics\/__consumer_offsets.*\.log$/;
  const lost = await server.group("CommitOffsets", { group: "g", offsets: [at(2)] }).then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(lost).toMatchObject({ retriable: true });
  troubles.noSpaceOn = undefined;
  await until("the groups are there again", () =>
    committed(server, "g").then(
      () => true,
      () => false,
    ),
  );
  expect(await committed(server, "g")).toBe(1);
  await until("commits are taken again", () =>
    server.group("CommitOffsets", { group: "g", offsets: [at(3)] }).then(
      () => true,
      () => false,
    ),
  );
  expect(await committed(server, "g")).toBe(3);
});
