// Which brokers are alive, as the active controller sees it (C-8): volatile, by one monotonic clock, forgotten with its leadership.
// Pure: every function makes the next state.
//
//   begin ──> touch, touch, … ──> expire: who was silent for a whole session ── its owner fences them, one command each (B-5)

import { brokerOf } from "./image.ts";
import type { ControllerImage } from "./state.ts";

export interface BrokerLife {
  readonly brokerEpoch: number;
  readonly heardMs: number;
  /** `offset` of the broker's own image when it last spoke. */
  readonly metadataOffset: number;
  /** B-7: what everybody must have seen before it may stop; remembered once. Undefined: it does not want to. */
  readonly shutdownOffset: number | undefined;
}

export interface Sessions {
  readonly lives: ReadonlyMap<number, BrokerLife>;
  /** When the clock was last looked at. */
  readonly lookedMs: number;
}

export interface SessionTimes {
  readonly heartbeatMs: number;
  readonly sessionMs: number;
}

/** Of a controller that has become active: every unfenced broker has a whole session before it. */
export function beginSessions(image: ControllerImage, nowMs: number): Sessions {
  const unfenced = [...image.brokers.values()].filter(({ fenced }) => !fenced);
  const lives = unfenced.map(({ brokerId, brokerEpoch }): [number, BrokerLife] => [
    brokerId,
    { brokerEpoch, heardMs: nowMs, metadataOffset: -1, shutdownOffset: undefined },
  ]);
  return { lives: new Map(lives), lookedMs: nowMs };
}

/** A broker spoke. */
export function touchSession(
  sessions: Sessions,
  brokerId: number,
  said: { readonly brokerEpoch: number; readonly metadataOffset: number },
  nowMs: number,
): Sessions {
  const before = sessions.lives.get(brokerId);
  const shutdownOffset = before?.brokerEpoch === said.brokerEpoch ? before.shutdownOffset : undefined;
  return withLife(sessions, brokerId, { ...said, heardMs: nowMs, shutdownOffset });
}

/** B-7: its partitions are handed over by the records up to `offset`. The first one counts. */
export function beginShutdown(sessions: Sessions, brokerId: number, offset: number): Sessions {
  const life = sessions.lives.get(brokerId);
  if (life === undefined || life.shutdownOffset !== undefined) return sessions;
  return withLife(sessions, brokerId, { ...life, shutdownOffset: offset });
}

/** B-7: it leads nothing, and every active broker knows. */
export function mayStop(sessions: Sessions, image: ControllerImage, brokerId: number): boolean {
  const offset = sessions.lives.get(brokerId)?.shutdownOffset;
  if (offset === undefined) return false;
  for (const topic of image.topics.values()) {
    if (topic.partitions.some(({ leader }) => leader === brokerId)) return false;
  }
  return [...image.brokers.values()].every(
    (broker) => broker.fenced || (sessions.lives.get(broker.brokerId)?.metadataOffset ?? -1) >= offset,
  );
}

/**
 * Who is to be fenced: unfenced, and silent for a session. After a stall of its own a controller has heard nobody, which says nothing of
 * them: everybody begins anew.
 */
export function expireSessions(
  sessions: Sessions,
  image: ControllerImage,
  nowMs: number,
  { heartbeatMs, sessionMs }: SessionTimes,
): { readonly sessions: Sessions; readonly expired: readonly { brokerId: number; brokerEpoch: number }[] } {
  if (nowMs - sessions.lookedMs > 2 * heartbeatMs) {
    const lives = [...sessions.lives].map(([id, life]): [number, BrokerLife] => [id, { ...life, heardMs: nowMs }]);
    return { sessions: { lives: new Map(lives), lookedMs: nowMs }, expired: [] };
  }
  const lives = new Map<number, BrokerLife>();
  const expired: { brokerId: number; brokerEpoch: number }[] = [];
  for (const { brokerId, brokerEpoch, fenced } of image.brokers.values()) {
    const life = sessions.lives.get(brokerId);
    if (fenced) continue;
    if (life?.brokerEpoch === brokerEpoch && nowMs - life.heardMs > sessionMs) expired.push({ brokerId, brokerEpoch });
    // One that was let in and has not spoken yet begins its session now.
    lives.set(
      brokerId,
      life?.brokerEpoch === brokerEpoch
        ? life
        : { brokerEpoch, heardMs: nowMs, metadataOffset: -1, shutdownOffset: undefined },
    );
  }
  // What fenced brokers last said is of use when they want in.
  for (const [brokerId, life] of sessions.lives) {
    if (!lives.has(brokerId) && brokerOf(image, brokerId)?.brokerEpoch === life.brokerEpoch) lives.set(brokerId, life);
  }
  return { sessions: { lives, lookedMs: nowMs }, expired };
}

function withLife(sessions: Sessions, brokerId: number, life: BrokerLife): Sessions {
  return { ...sessions, lives: new Map(sessions.lives).set(brokerId, life) };
}
