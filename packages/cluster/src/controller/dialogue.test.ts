// The controller's dialogues: testdata/*.txt. A step is a command of commands.ts with its fields as key=value, or one of
//
//   advance ms=…        the clock moves          restart   the image is built anew from the committed batches
//   image [topic=…]     prints the state         compact   the image is built anew from a snapshot
//
// `broker=N` stands for the broker's id and present epoch; short hex ids are padded; `config.x=` and `set.x=` make maps;
// `commits=N`: the controller dies when the first N records of the command are committed.

import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { runDialogue } from "../testing/dialogue.ts";
import { decodeBatch, encodeBatch, replayBatch } from "./batch.ts";
import { decide } from "./commands.ts";
import type { Command } from "./commands.ts";
import { brokerOf, clusterOverrides, topicNamed, topicOverrides, topicsByName } from "./image.ts";
import type { MetadataRecord } from "./records.ts";
import { decodeSnapshot, encodeSnapshot } from "./snapshot.ts";
import { emptyImage } from "./state.ts";
import type { ControllerImage } from "./state.ts";

const directory = fileURLToPath(new URL("../../testdata/", import.meta.url));

class Conversation {
  #image: ControllerImage = emptyImage;
  readonly #log: Uint8Array[] = [];
  #nowMs = 0;
  #ids = 0;

  answer(line: string): string[] {
    const [kind = "", ...words] = line.split(/\s+/);
    const fields = new Map(words.map((word) => [word.slice(0, word.indexOf("=")), word.slice(word.indexOf("=") + 1)]));
    switch (kind) {
      case "advance":
        this.#nowMs += Number(fields.get("ms"));
        return [];
      case "restart":
        this.#image = this.#log.reduce((image, bytes) => replayBatch(image, decodeBatch(bytes)), emptyImage);
        return [`offset ${this.#image.offset}`];
      case "compact":
        this.#image = decodeSnapshot(encodeSnapshot(this.#image));
        return [`offset ${this.#image.offset}`];
      case "image":
        return this.#describe(fields.get("topic"));
      default:
        return this.#command(kind, fields);
    }
  }

  #command(kind: string, fields: Map<string, string>): string[] {
    const commits = Number(fields.get("commits") ?? Infinity);
    fields.delete("commits");
    return this.#run({ kind, ...this.#fieldsOf(fields) } as Command, commits);
  }

  #run(command: Command, commits: number): string[] {
    const newUuid = (): string => padded((++this.#ids).toString(16));
    const decision = decide(this.#image, command, { nowMs: this.#nowMs, newUuid });
    if ("refusal" in decision) {
      const { reason, message, metadata } = decision.refusal;
      return [`refused ${reason}: ${message}`, ...(Object.keys(metadata).length === 0 ? [] : [`  ${print(metadata)}`])];
    }
    const records = decision.records.slice(0, commits);
    if (records.length > 0) {
      const bytes = encodeBatch({ firstOffset: this.#image.offset + 1, writtenAtMs: this.#nowMs, records });
      this.#log.push(bytes);
      this.#image = replayBatch(this.#image, decodeBatch(bytes));
    }
    const isWhole = records.length === decision.records.length;
    const end = isWhole ? `done ${print(withoutConfigs(decision.reply))}`.trimEnd() : "nobody answers";
    return [...records.map(printRecord), end];
  }

  #fieldsOf(fields: ReadonlyMap<string, string>): Record<string, unknown> {
    const command: Record<string, unknown> = {};
    const configs: Record<string, string> = {};
    const changes: { key: string; value: string | null }[] = [];
    for (const [name, text] of fields) {
      if (name === "broker") Object.assign(command, this.#brokerFields(Number(text)));
      else if (name === "incarnationId" || name === "topicId") command[name] = padded(text);
      else if (name === "topicNamed") command["topicId"] = topicNamed(this.#image, text)?.id ?? padded("0");
      else if (name === "dirs") command[name] = text.split(",").map(padded);
      else if (name === "endpoints") command[name] = text.split(",").map(endpointOf);
      else if (name.startsWith("config.")) configs[name.slice(7)] = text;
      else if (name.startsWith("set.")) changes.push({ key: name.slice(4), value: text === "null" ? null : text });
      else command[name] = /^-?\d+$/.test(text) ? Number(text) : text === "true" ? true : text;
    }
    if (Object.keys(configs).length > 0) command["configs"] = configs;
    if (changes.length > 0) command["changes"] = changes;
    return command;
  }

  #brokerFields(brokerId: number): Record<string, number> {
    const brokerEpoch = brokerOf(this.#image, brokerId)?.brokerEpoch ?? -1;
    return { brokerId, brokerEpoch, metadataOffset: this.#image.offset };
  }

  #describe(name: string | undefined): string[] {
    const image = this.#image;
    if (name === undefined) {
      const brokers = [...image.brokers.values()].map(
        ({ brokerId, brokerEpoch, fenced }) =>
          `broker ${brokerId} epoch=${brokerEpoch} ${fenced ? "fenced" : "active"}`,
      );
      const topics = topicsByName(image).map((topic) => `topic ${topic.name} partitions=${topic.partitions.length}`);
      const cluster =
        Object.keys(clusterOverrides(image)).length === 0 ? [] : [`cluster ${print(clusterOverrides(image))}`];
      return [`offset ${image.offset}`, ...brokers.sort(), ...topics, ...cluster];
    }
    const topic = topicNamed(image, name);
    if (topic === undefined) return ["no such topic"];
    return [
      `topic ${topic.name} id=${short(topic.id)} ${print(topicOverrides(image, topic.id))}`.trimEnd(),
      ...topic.partitions.map(
        (p) =>
          `  ${p.partition}: leader=${p.leader} epoch=${p.leaderEpoch} version=${p.partitionEpoch} ` +
          `replicas=${p.replicas.join(",")} isr=${p.isr.join(",")} minIsr=${p.minIsr} flush=${p.flush}`,
      ),
    ];
  }
}

/** In a change an empty list says something: nobody is in it any more. */
function printRecord({ type, ...fields }: MetadataRecord): string {
  const shown = Object.entries(fields).map(([name, value]): [string, unknown] => {
    return [name, type === "PartitionChange" && Array.isArray(value) && value.length === 0 ? "nobody" : value];
  });
  return `${type} ${print(Object.fromEntries(shown))}`;
}

/** `name=value` of every field that says anything, ids shortened. */
function print(fields: object): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0))
    .map(([name, value]) => `${name}=${printValue(value)}`)
    .join(" ");
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(printValue).join(",");
  if (typeof value === "object" && value !== null) return `{${print(value)}}`;
  return short(String(value));
}

function withoutConfigs(reply: object): object {
  return Object.fromEntries(Object.entries(reply).filter(([name]) => name !== "configs"));
}

function endpointOf(text: string): { name: string; host: string; port: number } {
  const [host = "", port] = text.split(":");
  return { name: "grpc", host, port: Number(port) };
}

function padded(id: string): string {
  return id.padStart(32, "0");
}

function short(text: string): string {
  return /^[0-9a-f]{32}$/.test(text) ? `#${text.replace(/^0+(?=.)/, "")}` : text;
}

describe("controller dialogues", () => {
  it.each(readdirSync(directory).filter((name) => name.endsWith(".txt")))("%s", async (name) => {
    const conversation = new Conversation();
    const update = process.env["UPDATE"] === "1";
    const { expected, actual } = await runDialogue(`${directory}${name}`, (line) => conversation.answer(line), update);
    expect(actual).toBe(expected);
  });
});
