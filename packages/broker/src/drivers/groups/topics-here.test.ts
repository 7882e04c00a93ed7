import { emptyImage } from "@varve/cluster";
import { expect, test } from "vitest";
import { TopicsHere } from "./topics-here.ts";

test("TopicsHere remembers the answers of so many patterns, and forgets those before", () => {
  const topic = { id: "a".repeat(32), name: "orders", partitions: [{ partition: 0 }] } as unknown as Parameters<
    typeof emptyImage.topics.set
  >[1];
  const image = {
    ...emptyImage,
    topics: emptyImage.topics.set(topic.id, topic),
    topicIds: emptyImage.topicIds.set(topic.name, topic.id),
  };
  const topics = new TopicsHere(() => image);
  const first = topics.matching("orders|0");
  expect(first).toEqual([{ topicId: topic.id, partitions: 1 }]);
  expect(topics.matching("orders|0")).toBe(first);
  for (let pattern = 1; pattern <= 256; pattern++) topics.matching(`orders|${pattern}`);
  expect(topics.matching("orders|0")).not.toBe(first);
  expect(topics.matching("orders|0")).toEqual(first);
});
