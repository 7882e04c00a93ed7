// The topics of a world of groups: names, ids that change when a topic is made again, partitions, and how much is in each.

import type { GroupTopic, TopicsView } from "../group/settle.ts";
import { topicNames } from "./group-plan.ts";

interface WorldTopic {
  readonly topicId: string;
  /** Of each partition, how many records it has. */
  readonly ends: number[];
}

const partitionsMax = 6;

export class WorldTopics implements TopicsView {
  readonly #byName = new Map<string, WorldTopic>();
  readonly #byId = new Map<string, WorldTopic>();
  /** Also of topics that are gone. */
  readonly #names = new Map<string, string>();
  #ids = 0;

  named(name: string): GroupTopic | undefined {
    const topic = this.#byName.get(name);
    return topic === undefined ? undefined : { topicId: topic.topicId, partitions: topic.ends.length };
  }

  /** The name that the topic has, or had. */
  nameOf(topicId: string): string {
    return this.#names.get(topicId) ?? "";
  }

  matching(_pattern: string): readonly GroupTopic[] {
    return [...this.#byName.keys()].map((name) => this.named(name) as GroupTopic);
  }

  isGone(topicId: string): boolean {
    return !this.#byId.has(topicId);
  }

  /** Records in a partition; 0 of one that is gone. */
  end(topicId: string, partition: number): number {
    return this.#byId.get(topicId)?.ends[partition] ?? 0;
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  create(name: string, partitions: number): void {
    if (this.#byName.has(name)) return;
    const topicId = (++this.#ids).toString(16).padStart(32, "0");
    const topic = { topicId, ends: Array.from({ length: partitions }, () => 0) };
    this.#byName.set(name, topic);
    this.#byId.set(topicId, topic);
    this.#names.set(topicId, name);
  }

  /** Makes the next of the names that there is none of. */
  createNext(pick: number): void {
    const name = topicNames.find((one) => !this.#byName.has(one));
    if (name !== undefined) this.create(name, 1 + (pick % 4));
  }

  delete(pick: number): void {
    const name = this.names[pick % Math.max(1, this.#byName.size)];
    const topic = name === undefined ? undefined : this.#byName.get(name);
    if (name === undefined || topic === undefined) return;
    this.#byName.delete(name);
    this.#byId.delete(topic.topicId);
  }

  grow(pick: number): void {
    const topic = [...this.#byName.values()][pick % Math.max(1, this.#byName.size)];
    if (topic !== undefined && topic.ends.length < partitionsMax) topic.ends.push(0);
  }

  produce(pick: number): void {
    const topic = [...this.#byName.values()][pick % Math.max(1, this.#byName.size)];
    if (topic === undefined) return;
    const partition = (pick >>> 4) % topic.ends.length;
    topic.ends[partition] = (topic.ends[partition] as number) + 1 + ((pick >>> 8) % 4);
  }

  *partitions(): Generator<{ readonly topicId: string; readonly partition: number; readonly end: number }> {
    for (const { topicId, ends } of this.#byId.values()) {
      for (const [partition, end] of ends.entries()) yield { topicId, partition, end };
    }
  }
}
