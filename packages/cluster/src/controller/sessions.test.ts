import { describe, expect, it } from "vitest";
import { replayAll } from "./replay.ts";
import type { MetadataRecord } from "./records.ts";
import { beginSessions, beginShutdown, expireSessions, mayStop, touchSession } from "./sessions.ts";
import { emptyImage } from "./state.ts";
import type { ControllerImage } from "./state.ts";

const times = { heartbeatMs: 500, sessionMs: 3_000 };

/** Brokers 1 to `count`, registered with epochs 1 to `count`; unfenced unless named. */
function cluster(count: number, ...fenced: number[]): ControllerImage {
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  const registered = ids.map((brokerId): MetadataRecord => ({
    type: "RegisterBroker",
    brokerId,
    brokerEpoch: brokerId,
    incarnationId: String(brokerId).repeat(32),
    endpoints: [],
    rack: "",
    dirs: [String(brokerId).repeat(32)],
    features: [],
    fenced: true,
  }));
  const letIn = ids
    .filter((id) => !fenced.includes(id))
    .map((brokerId): MetadataRecord => ({ type: "BrokerChange", brokerId, brokerEpoch: brokerId, fenced: 0 }));
  return replayAll(emptyImage, [...registered, ...letIn]);
}

const said = (brokerEpoch: number, metadataOffset = 0) => ({ brokerEpoch, metadataOffset });

describe("sessions of brokers (C-8)", () => {
  it("a new controller gives everybody a whole session; who speaks lives, who is silent for longer is expired", () => {
    const image = cluster(3, 3);
    let sessions = beginSessions(image, 0);
    const expiredAt = (nowMs: number): number[] => {
      const looked = expireSessions(sessions, image, nowMs, times);
      sessions = looked.sessions;
      return looked.expired.map(({ brokerId }) => brokerId);
    };
    for (let now = 500; now <= 3_000; now += 500) {
      sessions = touchSession(sessions, 1, said(1), now);
      expect(expiredAt(now)).toEqual([]);
    }
    expect(expiredAt(3_001)).toEqual([2]);
    // Until the record is there it is told again: the command may not have come through.
    expect(expiredAt(3_500)).toEqual([2]);
  });

  it("after a stall of its own it expires nobody", () => {
    const image = cluster(1);
    const { sessions, expired } = expireSessions(beginSessions(image, 0), image, 60_000, times);
    expect(expired).toEqual([]);
    expect(expireSessions(sessions, image, 60_900, times).expired).toEqual([]);
  });

  it("what a former incarnation said counts for nothing, and a new one has a session of its own", () => {
    const image = cluster(1);
    const sessions = touchSession(beginSessions(image, 0), 1, said(99), 0);
    const looked = expireSessions({ ...sessions, lookedMs: 3_900 }, image, 4_000, times);
    expect(looked.expired).toEqual([]);
    expect(looked.sessions.lives.get(1)).toMatchObject({ brokerEpoch: 1, heardMs: 4_000 });
  });

  it("B-7: it may stop when it leads nothing and every unfenced broker has seen that", () => {
    const image = cluster(3, 3);
    let sessions = touchSession(beginSessions(image, 0), 1, said(1, 9), 0);
    expect(mayStop(sessions, image, 1)).toBe(false);
    sessions = beginShutdown(sessions, 1, 10);
    // Once and for all: later ones do not move it away.
    sessions = beginShutdown(sessions, 1, 50);
    expect(mayStop(sessions, image, 1)).toBe(false);
    sessions = touchSession(sessions, 1, said(1, 10), 1);
    expect(mayStop(sessions, image, 1)).toBe(false);
    sessions = touchSession(sessions, 2, said(2, 12), 1);
    expect(mayStop(sessions, image, 1)).toBe(true);
  });
});
