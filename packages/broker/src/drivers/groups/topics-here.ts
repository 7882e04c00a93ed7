/** What there is to be consumed, from this node's committed metadata, as the group machine wants it. */
import { type ControllerImage, type GroupTopic, type TopicsView, topicNamed, topicsByName } from "@varve/cluster";
import { TopicPatterns } from "./topic-patterns.ts";

/** Patterns whose answers are remembered; the one that was asked first goes. */
const matchedMax = 256;

export class TopicsHere implements TopicsView {
  readonly #image: () => ControllerImage;
  readonly patterns = new TopicPatterns();
  /** Answers by pattern, good while the topics are these. */
  readonly #matched = new Map<string, readonly GroupTopic[]>();
  #topics: ControllerImage["topics"] | undefined;

  constructor(image: () => ControllerImage) {
    this.#image = image;
  }

  named(name: string): GroupTopic | undefined {
    const topic = topicNamed(this.#image(), name);
    return topic && { topicId: topic.id, partitions: topic.partitions.length };
  }

  /** Topics that the cluster keeps for itself match no pattern, and cannot be named either (`CommitTranslator.subscriptionFault`). */
  matching(pattern: string): readonly GroupTopic[] {
    const image = this.#image();
    if (this.#topics !== image.topics) {
      this.#topics = image.topics;
      this.#matched.clear();
    }
    let matched = this.#matched.get(pattern);
    if (matched === undefined) {
      const names = topicsByName(image).flatMap(({ name }) => (name.startsWith("__") ? [] : [name]));
      matched = this.patterns
        .matching(pattern, names)
        .flatMap((name) => this.named(name) ?? [])
        .sort((a, b) => (a.topicId < b.topicId ? -1 : 1));
      this.#matched.set(pattern, matched);
      if (this.#matched.size > matchedMax) this.#matched.delete(this.#matched.keys().next().value as string);
    }
    return matched;
  }

  nameOf(topicId: string): string | undefined {
    return this.#image().topics.get(topicId)?.name;
  }

  isGone(topicId: string): boolean {
    return this.#image().topics.get(topicId) === undefined;
  }
}
