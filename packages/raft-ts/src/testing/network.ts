// SPDX-License-Identifier: Apache-2.0
/**
 * A network that breaks every promise but one: it never alters or invents a message.
 *
 *   send ──▶ cut? drop? queue full? ──▶ delay (base + exponential tail), in order or not ──▶ cut meanwhile? ──▶ deliver
 *                     └──▶ a copy soon after (duplicate), a copy minutes later (replay)
 *
 * Links are directed, so a cut can be one-way. A clogged link holds everything back until it is free again; its queue is
 * bounded like every other.
 *
 * Invariant: what arrives was sent, by this sender to this receiver. Everything else depends on the weather.
 */
import type { RandomStream } from "./random-stream.ts";
import type { Scheduler } from "./scheduler.ts";

/** What the network does to messages. Durations in µs, chances per message in [0, 1]. */
export interface Weather {
  readonly delayBase: number;
  /** Mean of the exponential part of the delay. */
  readonly delayTail: number;
  readonly dropChance: number;
  readonly duplicateChance: number;
  /** Chance that a message may overtake those before it on its link. */
  readonly reorderChance: number;
  /** Chance that a copy arrives again, up to `replayDelayMax` later. */
  readonly replayChance: number;
  readonly replayDelayMax: number;
  /** How many messages one link may hold. */
  readonly queueMax: number;
}

export const calmWeather: Weather = {
  delayBase: 500,
  delayTail: 200,
  dropChance: 0,
  duplicateChance: 0,
  reorderChance: 0,
  replayChance: 0,
  replayDelayMax: 0,
  queueMax: 10_000,
};

/** Injected faults, by kind. */
export interface NetworkCounts {
  sent: number;
  delivered: number;
  dropped: number;
  duplicated: number;
  reordered: number;
  replayed: number;
  cut: number;
  overflowed: number;
  clogged: number;
}

interface Link {
  queued: number;
  /** Nothing in order arrives before this. */
  lastArrival: number;
  clogUntil: number;
  /** How many partitions cut it: they may overlap. */
  cuts: number;
}

export interface NetworkOptions<Message> {
  readonly scheduler: Scheduler;
  readonly random: RandomStream;
  readonly weather: Weather;
  /** Receives what arrives. It may send. */
  readonly deliver: (to: string, message: Message, from: string) => void;
}

export class SimulatedNetwork<Message> {
  readonly counts: NetworkCounts = {
    sent: 0,
    delivered: 0,
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    replayed: 0,
    cut: 0,
    overflowed: 0,
    clogged: 0,
  };
  /** May be changed at any time; holds for what is sent from then on. */
  weather: Weather;
  readonly #scheduler: Scheduler;
  readonly #random: RandomStream;
  readonly #deliver: (to: string, message: Message, from: string) => void;
  readonly #links = new Map<string, Map<string, Link>>();
  /** Grows when everything under way is lost. */
  #generation = 0;

  constructor({ scheduler, random, weather, deliver }: NetworkOptions<Message>) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.weather = weather;
    this.#deliver = deliver;
  }

  /**
   * Never throws, never delivers before it returns. False when the message is lost for a reason that the sender's side
   * can see (cut link, full queue), so that a transport may report the receiver as unreachable. What takes an
   * `extraDelay` has a stream of its own (F10): nothing waits behind it.
   */
  send(from: string, to: string, message: Message, extraDelay = 0): boolean {
    const link = this.#link(from, to);
    const { weather, counts } = this;
    const random = this.#random;
    counts.sent++;
    if (link.cuts > 0) {
      counts.cut++;
      return false;
    }
    if (link.queued >= weather.queueMax) {
      counts.overflowed++;
      return false;
    }
    if (random.chance(weather.dropChance)) {
      counts.dropped++;
      return true;
    }
    let arrival = this.#scheduler.now + weather.delayBase + extraDelay + random.exponential(weather.delayTail);
    if (random.chance(weather.reorderChance)) counts.reordered++;
    else if (extraDelay === 0) {
      arrival = Math.max(arrival, link.lastArrival);
      link.lastArrival = arrival;
    }
    this.#arrive(from, to, link, message, arrival);
    if (random.chance(weather.duplicateChance)) {
      counts.duplicated++;
      this.#arrive(from, to, link, message, arrival + random.exponential(weather.delayBase + weather.delayTail));
    }
    if (random.chance(weather.replayChance)) {
      counts.replayed++;
      this.#arrive(from, to, link, message, arrival + random.below(weather.replayDelayMax));
    }
    return true;
  }

  /** From now on nothing passes from `from` to `to`, neither what is under way. */
  cut(from: string, to: string): void {
    this.#link(from, to).cuts++;
  }

  /** Takes one cut back; what is sent from then on passes again, unless another cut is left. */
  mend(from: string, to: string): void {
    const link = this.#link(from, to);
    link.cuts = Math.max(0, link.cuts - 1);
  }

  /** No link is cut or clogged any more. */
  mendAll(): void {
    for (const links of this.#links.values()) {
      for (const link of links.values()) {
        link.cuts = 0;
        link.clogUntil = 0;
      }
    }
  }

  /** Nothing arrives on the link for `duration` µs; then everything that it still holds does. */
  clog(from: string, to: string, duration: number): void {
    const link = this.#link(from, to);
    link.clogUntil = Math.max(link.clogUntil, this.#scheduler.now + duration);
    this.counts.clogged++;
  }

  isCut(from: string, to: string): boolean {
    return this.#link(from, to).cuts > 0;
  }

  /** Everything that is under way is lost. */
  loseAll(): void {
    this.#generation++;
  }

  #arrive(from: string, to: string, link: Link, message: Message, time: number): void {
    const generation = this.#generation;
    link.queued++;
    this.#scheduler.at(time, () => {
      link.queued--;
      if (generation !== this.#generation) return;
      if (link.cuts > 0) {
        this.counts.cut++;
        return;
      }
      if (link.clogUntil > this.#scheduler.now) {
        this.#arrive(from, to, link, message, link.clogUntil);
        return;
      }
      this.counts.delivered++;
      this.#deliver(to, message, from);
    });
  }

  #link(from: string, to: string): Link {
    let links = this.#links.get(from);
    if (links === undefined) this.#links.set(from, (links = new Map()));
    let link = links.get(to);
    if (link === undefined) links.set(to, (link = { queued: 0, lastArrival: 0, clogUntil: 0, cuts: 0 }));
    return link;
  }
}
