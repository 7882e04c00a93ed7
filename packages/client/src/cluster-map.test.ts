// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { ClusterMap, type Place } from "./cluster-map.ts";

const brokers = [1, 2, 3].map((nodeId) => ({ nodeId, address: `n${nodeId}:1` }));

function learned(given: readonly string[] = ["n1:1"]): ClusterMap {
  const map = new ClusterMap(given);
  map.heard(map.current, { clusterId: "c", nodeId: 1, brokers }, 0);
  return map;
}

const hint = (nodeId: number, leaderEpoch: number): Parameters<ClusterMap["learnLeader"]>[2] => ({
  nodeId,
  address: `n${nodeId}:1`,
  leaderEpoch,
});

function toProve(map: ClusterMap, partition: number, nowMs = 0): Place {
  const { toProve: place } = map.routeTo("t", partition, nowMs);
  if (place === undefined) throw new Error("Nothing is to be proved");
  return place;
}

describe("ClusterMap.routeTo()", () => {
  it("goes to the leader only once the node there has said that it is that node of that cluster", () => {
    const map = learned();
    map.learnLeader("t", 0, hint(2, 5));
    expect(map.routeTo("t", 0, 0)).toMatchObject({ place: { address: "n1:1" }, isLeader: false });
    const place = toProve(map, 0);
    expect(place.address).toBe("n2:1");
    place.standing = "proving";
    expect(map.routeTo("t", 0, 0).toProve).toBeUndefined();
    expect(map.heard(place, { clusterId: "c", nodeId: 2, brokers: [] }, 0)).toBe(true);
    expect(map.routeTo("t", 0, 0)).toMatchObject({ place: { address: "n2:1" }, isLeader: true });
  });

  it.each([
    ["another cluster", { clusterId: "other", nodeId: 2, brokers: [] }],
    ["another node", { clusterId: "c", nodeId: 3, brokers: [] }],
  ])("leaves an address alone where %s answers, and asks again later", (_what, answer) => {
    const map = learned();
    map.learnLeader("t", 0, hint(2, 5));
    expect(map.heard(toProve(map, 0), answer, 0)).toBe(false);
    expect(map.routeTo("t", 0, 30_000)).toEqual({ place: map.current, isLeader: false });
    expect(toProve(map, 0, 70_000).address).toBe("n2:1");
  });

  it("knows a given address by the node that answered there: the leader needs no second connection", () => {
    const map = learned(["tunnel:7"]);
    map.learnLeader("t", 0, hint(1, 5));
    expect(map.routeTo("t", 0, 0)).toMatchObject({ place: { address: "tunnel:7" }, isLeader: true });
  });

  it("follows a node that has moved to another address, once that is proved", () => {
    const map = learned();
    map.learnLeader("t", 0, hint(2, 5));
    map.heard(toProve(map, 0), { clusterId: "c", nodeId: 2, brokers: [] }, 0);
    map.learnNode(2, "moved:1");
    expect(toProve(map, 0).address).toBe("moved:1");
  });

  it("goes through any node while there is no leader", () => {
    const map = learned();
    map.learnLeader("t", 0, { nodeId: -1, address: "", leaderEpoch: 9 });
    expect(map.routeTo("t", 0, 0)).toEqual({ place: map.current, isLeader: false });
  });
});

describe("ClusterMap.learnLeader()", () => {
  it("believes the later epoch, whatever comes first", () => {
    const map = learned();
    expect(map.learnLeader("t", 0, hint(2, 5))).toBe(true);
    expect(map.learnLeader("t", 0, hint(1, 4))).toBe(false);
    expect(map.learnLeader("t", 0, hint(2, 6))).toBe(false);
    expect(map.leaderOf("t", 0)).toEqual({ nodeId: 2, leaderEpoch: 6 });
  });

  it("begins again with a topic that was made anew, whose epochs are lower", () => {
    const map = learned();
    map.learnTopic("t", { topicId: "a", partitions: [{ partition: 0, leader: hint(2, 50) }] });
    map.learnTopic("t", { topicId: "b", partitions: [{ partition: 0, leader: hint(3, 1) }] });
    expect(map.leaderOf("t", 0)).toEqual({ nodeId: 3, leaderEpoch: 1 });
  });
});

describe("ClusterMap.failed()", () => {
  it("goes on at another given address, else at a learned one that has answered, else nowhere", () => {
    const map = learned(["n1:1", "n9:1"]);
    map.failed(map.current, 0);
    expect(map.current.address).toBe("n9:1");
    const alone = learned();
    alone.failed(alone.current, 0);
    expect(alone.current.address).toBe("n1:1");
    const hopes = alone.lastHopes(0);
    expect(hopes.map(({ address }) => address)).toEqual(["n2:1", "n3:1"]);
    alone.heard(hopes[1] as Place, { clusterId: "c", nodeId: 3, brokers: [] }, 0);
    expect(alone.current.address).toBe("n3:1");
    expect(alone.current.standing).toBe("proved");
  });

  it("goes round all that ever answered while none does", () => {
    const map = learned(["n1:1", "n9:1"]);
    const seen = [0, 1, 2, 3].map(() => {
      map.failed(map.current, 0);
      return map.current.address;
    });
    expect(seen).toEqual(["n9:1", "n1:1", "n9:1", "n1:1"]);
  });

  it("waits longer each time, and for one that answered before at most 5 s", () => {
    const map = learned();
    map.learnLeader("t", 0, hint(2, 5));
    const place = toProve(map, 0);
    map.heard(place, { clusterId: "c", nodeId: 2, brokers: [] }, 0);
    const waits = Array.from({ length: 8 }, () => {
      map.failed(place, 1_000);
      return place.retryAtMs - 1_000;
    });
    expect(waits).toEqual([200, 400, 800, 1600, 3200, 5000, 5000, 5000]);
  });
});
