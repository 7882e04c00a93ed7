// SPDX-License-Identifier: Apache-2.0
// Where a load goes: every partition of a topic, at its leader.

import type { Target } from "./load-types.ts";
import type { Nodes } from "./nodes.ts";

export async function targetsOf(nodes: Nodes, topic: string): Promise<Target[]> {
  const placed = await nodes.describe(topic);
  return placed.map(({ partition, leader: { address } }) => ({ address, topic, partition }));
}
