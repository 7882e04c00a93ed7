import { expect, test } from "vitest";
import { whyOutside } from "./directory-watch.ts";

const self = { clusterId: "c", nodeId: 3, directoryId: "present" };

test.each([
  ["counts this directory", { nodeId: "1", clusterId: "c", members: ["1@a", "3@present"] }],
  ["is about to exchange it", { nodeId: "1", clusterId: "c", members: ["3@next", "3@present"] }],
  ["does not know the node", { nodeId: "1", clusterId: "c", members: ["1@a"] }],
  ["belongs to no cluster", { nodeId: "1", clusterId: null, members: [] }],
])("a peer that %s says nothing against it", (_, answer) => {
  expect(whyOutside(self, answer)).toBeUndefined();
});

test("a peer that counts another directory says that this one was replaced (M11)", () => {
  const why = whyOutside(self, { nodeId: "2", clusterId: "c", members: ["1@a", "3@other"] });
  expect(why).toContain("was replaced: node 2 counts directory other as that of node 3");
  expect(why).toContain("Stop this process");
});

test("a peer of another cluster says that one of the two is wrong there", () => {
  const why = whyOutside(self, { nodeId: "2", clusterId: "d", members: ["3@present"] });
  expect(why).toContain('belongs to cluster "c", and node 2 among its peers to "d"');
  expect(why).toContain("--peers");
});
