/**
 * The network between the nodes of a cluster world: lanes that are cut and slow apart from each other, as real connections are.
 *
 *   raft     messages of the metadata group: lost, repeated, overtaking each other
 *   control  commands and signs of life, over connections: in order, or broken
 *   bulk     replication streams
 *   clients  producers, consumers, people
 *
 * Invariant: a cut is directed and belongs to one lane; what is cut while it is under way does not arrive.
 */
import type { Random, SimulatedTime } from "@varve/log/testing";

export const lanes = ["raft", "control", "bulk", "clients"] as const;
export type Lane = (typeof lanes)[number];

export interface Weather {
  /** Longest usual delay of a message, in ms. */
  readonly delayMsMax: number;
  /** Of raft messages, and of answers of the controller. */
  readonly lossChance: number;
  readonly repeatChance: number;
}

export class ClusterNetwork {
  weather: Weather;
  readonly #time: SimulatedTime;
  readonly #random: Random;
  readonly #cuts = new Set<string>();
  /** How many times as long everything from or to a node takes. */
  readonly #slowness = new Map<number, number>();

  constructor(time: SimulatedTime, random: Random, weather: Weather) {
    this.#time = time;
    this.#random = random;
    this.weather = weather;
  }

  passes(lane: Lane, from: number, to: number): boolean {
    return !this.#cuts.has(`${lane} ${from}>${to}`);
  }

  cut(lane: Lane, from: number, to: number): void {
    this.#cuts.add(`${lane} ${from}>${to}`);
  }

  /** Both ways. */
  mend(lane: Lane, a: number, b: number): void {
    this.#cuts.delete(`${lane} ${a}>${b}`);
    this.#cuts.delete(`${lane} ${b}>${a}`);
  }

  slow(node: number, times: number): void {
    this.#slowness.set(node, times);
  }

  heal(): void {
    this.#cuts.clear();
    this.#slowness.clear();
  }

  delayMs(from: number, to: number): number {
    const random = this.#random;
    const times = Math.max(this.#slowness.get(from) ?? 1, this.#slowness.get(to) ?? 1);
    const rarely = random.chance(0.02) ? 10 : 1;
    return random.next() * this.weather.delayMsMax * times * rarely + 0.02;
  }

  /** A message that may be lost, come twice, and overtake others. */
  send(lane: Lane, from: number, to: number, deliver: () => void): void {
    const { lossChance, repeatChance } = this.weather;
    if (this.#random.chance(lossChance)) return;
    const copies = this.#random.chance(repeatChance) ? 2 : 1;
    for (let copy = 0; copy < copies; copy++) {
      this.#time.after(this.delayMs(from, to), () => {
        if (this.passes(lane, from, to)) deliver();
      });
    }
  }

  /** Whether something that usually arrives is lost. */
  loses(): boolean {
    return this.#random.chance(this.weather.lossChance);
  }
}
