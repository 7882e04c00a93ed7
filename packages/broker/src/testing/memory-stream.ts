/**
 * A stream between two nodes in memory, on virtual time: messages are encoded, take a while, stay in order, and are lost with
 * whatever is behind them when one side goes or the network between them is cut.
 */
import {
  type ReplicaAnswer,
  type ReplicateRequest,
  decodeReplicateRequest,
  decodeReplicateResponse,
  encodeReplicateRequest,
} from "@varve/api";
import type { SimulatedTime } from "@varve/log/testing";
import type { PeerStream } from "../drivers/replication/peer-stream.ts";

export interface MemoryWire {
  readonly time: SimulatedTime;
  /** Of the next message, in ms. */
  readonly delayMs: () => number;
  /** Whether a message gets through now; one that does not ends the stream. */
  readonly isOpen: () => boolean;
  /** How what arrives gets into either process. @default at once */
  readonly enter?: { readonly follower: Enter; readonly leader: Enter };
}

type Enter = (run: () => void) => void;
const atOnce: Enter = (run) => run();

type Listener = (value: never) => void;

/** The follower's end and the leader's end. */
export function memoryStreams(wire: MemoryWire): {
  readonly follower: PeerStream<readonly ReplicaAnswer[], ReplicateRequest>;
  readonly leader: PeerStream<ReplicateRequest, Uint8Array>;
  /** Both ends hear that the connection is gone. */
  cut(): void;
} {
  const enter = wire.enter ?? { follower: atOnce, leader: atOnce };
  const follower = new MemoryEnd<readonly ReplicaAnswer[], ReplicateRequest>(
    wire,
    enter.follower,
    encodeReplicateRequest,
  );
  const leader = new MemoryEnd<ReplicateRequest, Uint8Array>(wire, enter.leader, (bytes) => Buffer.from(bytes));
  follower.to = (bytes) => enter.leader(() => leader.receive(() => decodeReplicateRequest(bytes)));
  leader.to = (bytes) => enter.follower(() => follower.receive(() => decodeReplicateResponse(bytes)));
  follower.other = leader;
  leader.other = follower;
  const cut = (): void => {
    follower.fail("the network is cut");
    leader.fail("the network is cut");
  };
  return { follower, leader, cut };
}

class MemoryEnd<In, Out> implements PeerStream<In, Out> {
  to: (bytes: Uint8Array) => void = () => {};
  other: { fail(why: string): void; receiveEnd(): void } | undefined;
  readonly #wire: MemoryWire;
  readonly #enter: Enter;
  readonly #encode: (message: Out) => Uint8Array;
  readonly #listeners = new Map<string, Listener[]>();
  readonly #paused: (() => In)[] = [];
  #isPaused = false;
  #isOver = false;
  #arrivesMs = 0;

  constructor(wire: MemoryWire, enter: Enter, encode: (message: Out) => Uint8Array) {
    this.#wire = wire;
    this.#enter = enter;
    this.#encode = encode;
  }

  on(event: string, listener: (value: never) => void): void {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
  }

  write(message: Out, done?: () => void): boolean {
    const bytes = this.#encode(message);
    this.#later(() => {
      if (!this.#wire.isOpen()) this.fail("the message did not get through");
      else if (!this.#isOver) this.to(bytes);
      if (done !== undefined) this.#enter(done);
    });
    return true;
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#later(() => this.other?.receiveEnd());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    while (!this.#isPaused && this.#paused.length > 0) this.#emit("data", this.#paused.shift()?.() as never);
  }

  receive(decode: () => In): void {
    if (this.#isOver) return;
    if (this.#isPaused) this.#paused.push(decode);
    else this.#emit("data", decode() as never);
  }

  receiveEnd(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#enter(() => this.#emit("end", undefined as never));
  }

  fail(why: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#enter(() => this.#emit("error", new Error(why) as never));
    this.#later(() => this.other?.fail(why));
  }

  #later(run: () => void): void {
    const { time, delayMs } = this.#wire;
    this.#arrivesMs = Math.max(this.#arrivesMs, time.nowMs + delayMs());
    time.after(this.#arrivesMs - time.nowMs, run);
  }

  #emit(event: string, value: never): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(value);
  }
}
