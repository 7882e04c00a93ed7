import type { GroupCommand } from "@varve/cluster";
import { expect, test } from "vitest";
import { type Refusal, refuse } from "../../refusal.ts";
import type { CommitTranslator } from "./commit-translator.ts";
import type { GroupPartition } from "./group-partition.ts";
import { MemberSession } from "./member-session.ts";

/** A session whose coordinator answers when the test says so. */
async function sessionHere() {
  const calls: { readonly command: GroupCommand; readonly answer: (refusal?: Refusal) => Promise<void> }[] = [];
  const timers: (() => void)[] = [];
  const reply = { memberId: "m", epoch: 1, assigned: new Map(), revoking: new Map() };
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  const member = { ...reply, previousEpoch: 0, topics: [], pattern: "", instanceId: "", clientId: "", clientHost: "" };
  const timeouts = { sessionTimeoutMs: 9, rebalanceTimeoutMs: 9, assignor: "range" as const };
  const members = new Map([["m", { ...member, ...timeouts }]]);
  const coordinator = {
    groups: new Map([["g", { members, ends: new Map(), offsets: new Map() }]]),
    supersede: () => undefined,
    attach: () => undefined,
    detach: () => undefined,
    heard: () => undefined,
    call: (_: string, command: GroupCommand) =>
      new Promise((resolve) => {
        const answer = async (refusal?: Refusal): Promise<void> => {
          resolve(refusal ?? reply);
          await turn();
        };
        calls.push({ command, answer });
      }),
  };
  const join = { memberId: "m", instanceId: "", clientId: "", clientHost: "", topics: ["t"], pattern: "", ...timeouts };
  const session = new MemberSession(
    { groupId: "g", join, owned: [], position: { kind: "latest" }, hasHeartbeats: true },
    {
      coordinator: coordinator as unknown as GroupPartition,
      port: { send: () => true, pause: () => undefined, resume: () => undefined, end: () => undefined },
      translator: { topicId: () => undefined, subscriptionFault: () => undefined } as unknown as CommitTranslator,
      wheel: {
        schedule: (_: number, run: () => void) => {
          timers.push(run);
          return { cancel: () => undefined };
        },
      } as never,
      topicName: () => undefined,
      leaderOf: () => undefined,
      resolve: async () => [],
    },
  );
  const opened = session.open();
  await calls.shift()?.answer();
  await opened;
  const wants = (topic: string): void => {
    session.receive({ message: "topics", topics: { topics: [topic], topicPattern: "" } });
  };
  /** What the next call to the coordinator says to want. */
  const next = () => {
    const call = calls.shift();
    if (call?.command.kind !== "beat") throw new Error("No beat was said");
    return { wanted: call.command.beat.wishes?.topics, answer: call.answer };
  };
  return { wants, next, calls, timers };
}

const busy = refuse("BUSY", "Slow down", {});

test.each([
  { refused: [true, false], said: [undefined] },
  { refused: [false, true], said: [["b"]] },
  { refused: [true, true], said: [["b"]] },
])("what a member wanted before it wants something else is not said again ($refused)", async ({ refused, said }) => {
  const { wants, next, calls, timers } = await sessionHere();
  wants("a");
  wants("b");
  const both = [next(), next()];
  expect(both.map(({ wanted }) => wanted)).toEqual([["a"], ["b"]]);
  for (const [at, { answer }] of both.entries()) await answer(refused[at] === true ? busy : undefined);
  for (const run of timers.splice(0)) run();
  for (const wanted of said) {
    const again = next();
    expect(again.wanted).toEqual(wanted);
    await again.answer();
  }
  expect({ calls, timers }).toEqual({ calls: [], timers: [] });
});
