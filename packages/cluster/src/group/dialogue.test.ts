// Dialogues with a group: testdata/group/*.txt. Each step is one of
//
//   topics a=4 b=2                         what there is; members hear of it with the next step that says so
//   join NAME topics=a,b [pattern=x] [assignor=…] [instance=…] [id=NAME]     NAME stands for the member's id from then on
//   beat NAME [owned=a:0,a:1] [epoch=N] [topics=…]      without `owned` it says nothing of what it has
//   leave NAME [away]        remove NAME        metadata        the topics have changed
//   commit NAME a:0=17 … [epoch=N]              commit - a:0=17       nobody's
//   reset a:0=5 …            forget a           expire after=MS       delete
//   wait ms=N                                    show                 the group as it is
//   reload                                       the group is built anew from what compaction left
//
// Printed: what was refused, or each fact that changed.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runDialogue } from "../testing/dialogue.ts";
import { assignmentOf, pairsOf } from "./assignment.ts";
import type { Assignment } from "./assignment.ts";
import type { GroupContext, GroupDecision } from "./decision.ts";
import { decideHeartbeat, decideJoin, decideLeave, decideRemove, decideTopicsChanged } from "./membership.ts";
import { decideCommit, decideDelete, decideExpire, decideForgetTopic, decideReset } from "./offsets.ts";
import { decodeGroupRecord, encodeGroupRecord } from "./records.ts";
import type { GroupRecord, StoredGroupRecord } from "./records.ts";
import { emptyGroup, offsetsOf, phaseOf, replayGroup } from "./state.ts";
import type { AssignorName, Group } from "./state.ts";

const directory = fileURLToPath(new URL("../../testdata/group/", import.meta.url));

class Conversation {
  #group: Group = emptyGroup("g");
  readonly #topics = new Map<string, number>();
  readonly #memberIds = new Map<string, string>();
  readonly #kept = new Map<string, StoredGroupRecord>();
  #nowMs = 0;

  answer(line: string): string[] {
    const [kind = "", ...words] = line.split(/\s+/);
    const flags = new Set(words.filter((word) => !word.includes("=")));
    const fields = new Map(
      words.filter((word) => word.includes("=")).map((word) => word.split("=") as [string, string]),
    );
    const name = [...flags].find((word) => word !== "away") ?? "";
    const topics = (fields.get("topics") ?? "").split(",").filter((topic) => topic !== "");
    const claim = {
      memberId: this.#memberIds.get(name) ?? name,
      instanceId: fields.get("instance") ?? "",
      epoch: Number(fields.get("epoch") ?? this.#member(name)?.epoch ?? 0),
    };
    switch (kind) {
      case "topics":
        for (const [topic, count] of fields) this.#topics.set(topic, Number(count));
        for (const topic of flags) this.#topics.delete(topic);
        return [];
      case "wait":
        this.#nowMs += Number(fields.get("ms"));
        return [];
      case "show":
        return this.#show();
      case "reload":
        this.#group = [...this.#kept.values()]
          .reverse()
          .reduce((group, stored) => replayGroup(group, decodeGroupRecord(stored)), emptyGroup("g"));
        return this.#show();
      case "join":
        this.#memberIds.set(name, this.#memberIds.get(fields.get("id") ?? name) ?? name);
        return this.#do(
          decideJoin(
            this.#group,
            {
              memberId: this.#memberIds.get(name) ?? name,
              instanceId: fields.get("instance") ?? "",
              clientId: name,
              clientHost: "",
              topics,
              pattern: fields.get("pattern") ?? "",
              assignor: (fields.get("assignor") ?? "cooperative-sticky") as AssignorName,
              sessionTimeoutMs: Number(fields.get("session") ?? 1_000),
              rebalanceTimeoutMs: 1_000,
            },
            this.#context,
          ),
        );
      case "beat": {
        const owned = fields.has("owned") ? { owned: ownedOf(fields.get("owned") ?? "") } : {};
        const wishes = topics.length === 0 ? {} : { wishes: { topics, pattern: "" } };
        return this.#do(decideHeartbeat(this.#group, { ...claim, ...owned, ...wishes }, this.#context));
      }
      case "leave":
        return this.#do(
          decideLeave(this.#group, { ...claim, mode: flags.has("away") ? "away" : "gone" }, this.#context),
        );
      case "remove":
        return this.#do(decideRemove(this.#group, [claim.memberId], this.#context));
      case "metadata":
        return this.#do(decideTopicsChanged(this.#group, this.#context));
      case "commit": {
        const offsets = placesOf(fields).map((place) => ({
          ...place,
          leaderEpoch: 0,
          metadata: fields.get("text") ?? "",
        }));
        const decision = decideCommit(this.#group, { claim: name === "-" ? undefined : claim, offsets }, this.#context);
        const verdicts = "refusal" in decision ? [] : decision.reply;
        return [
          ...this.#do(decision),
          ...verdicts.flatMap((no) => (no === undefined ? [] : [`${no.reason}: ${no.message}`])),
        ];
      }
      case "reset":
        return this.#do(decideReset(this.#group, { offsets: placesOf(fields) }, this.#context));
      case "forget":
        return this.#do(decideForgetTopic(this.#group, idOf(name)));
      case "expire":
        return this.#do(decideExpire(this.#group, { nowMs: this.#nowMs, retentionMs: Number(fields.get("after")) }));
      case "delete":
        return this.#do(decideDelete(this.#group));
      default:
        throw new Error(`There is no step "${kind}"`);
    }
  }

  get #context(): GroupContext {
    const named = (name: string) => {
      const partitions = this.#topics.get(name);
      return partitions === undefined ? undefined : { topicId: idOf(name), partitions };
    };
    return {
      nowMs: this.#nowMs,
      newUuid: () => "1",
      topics: {
        named,
        matching: (pattern) =>
          [...this.#topics.keys()].filter((name) => name.startsWith(pattern)).flatMap((name) => named(name) ?? []),
        isGone: (topicId) => ![...this.#topics.keys()].some((name) => idOf(name) === topicId),
      },
      limits: { membersMax: 3, sessionTimeoutMsMin: 100, sessionTimeoutMsMax: 60_000, metadataBytesMax: 10 },
    };
  }

  #member(name: string) {
    return this.#group.members.get(this.#memberIds.get(name) ?? name);
  }

  #do(decision: GroupDecision<unknown>): string[] {
    if ("refusal" in decision) return [`${decision.refusal.reason}: ${decision.refusal.message}`];
    for (const record of decision.records) {
      const stored = encodeGroupRecord(record);
      const key = Buffer.from(stored.key).toString("hex");
      if (stored.value === null) this.#kept.delete(key);
      else this.#kept.set(key, stored);
    }
    this.#group = decision.group;
    return decision.records.map(printRecord);
  }

  #show(): string[] {
    const { epoch, targetEpoch, assignor, members } = this.#group;
    const shown = [...members.values()].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
    return [
      `${phaseOf(this.#group)} epoch ${epoch}, target of ${targetEpoch} by ${assignor}`,
      ...shown.map(({ memberId, epoch: own, assigned, revoking }) => {
        return `  ${memberId} epoch ${own} has ${print(assigned)}${revoking.size === 0 ? "" : `, gives back ${print(revoking)}`}`;
      }),
      ...[...offsetsOf(this.#group)]
        .map(([topicId, partition, { offset }]) => `  ${nameOf(topicId)}:${partition} at ${offset}`)
        .sort(),
    ];
  }
}

function printRecord({ type, key, value }: GroupRecord): string {
  const fields: Record<string, unknown> = { ...key, ...value };
  delete fields["groupId"];
  const words = Object.entries(fields)
    .filter(([, field]) => field !== "" && !(Array.isArray(field) && field.length === 0))
    .map(([name, field]) => `${name}=${printField(name, field)}`);
  return value === null ? `${type} ${words.join(" ")} gone` : `${type} ${words.join(" ")}`;
}

function printField(name: string, field: unknown): string {
  if (name === "topicId") return nameOf(String(field));
  if (!Array.isArray(field)) return String(field);
  if (name === "topics") return field.join(",");
  const shares = field as readonly { readonly topicId: string; readonly partitions: readonly number[] }[];
  return print(new Map(shares.map(({ topicId, partitions }) => [topicId, partitions])));
}

function print(share: Assignment): string {
  return [...pairsOf(share)].map(([topicId, partition]) => `${nameOf(topicId)}:${partition}`).join(",") || "nothing";
}

/** Topics of one letter have ids of their own. */
function idOf(name: string): string {
  return Buffer.from(name).toString("hex").padStart(32, "0");
}

function nameOf(topicId: string): string {
  return Buffer.from(topicId.replace(/^(00)+/, ""), "hex").toString();
}

function ownedOf(text: string): Assignment {
  const places = text.split(",").filter((place) => place.includes(":"));
  return assignmentOf(places.map((place) => [idOf(place.split(":")[0] as string), Number(place.split(":")[1])]));
}

function placesOf(fields: ReadonlyMap<string, string>) {
  return [...fields]
    .filter(([name]) => name.includes(":"))
    .map(([name, offset]) => {
      const [topic = "", partition] = name.split(":");
      return { topicId: idOf(topic), partition: Number(partition), offset: Number(offset) };
    });
}

describe("group dialogues", () => {
  it.each(readdirSync(directory).filter((name) => name.endsWith(".txt")))("%s", async (name) => {
    const conversation = new Conversation();
    const update = process.env["UPDATE"] === "1";
    const { expected, actual } = await runDialogue(`${directory}${name}`, (line) => conversation.answer(line), update);
    expect(actual).toBe(expected);
  });
});
