/**
 * The control connections of a cluster world, shaped as grpc-js shapes them: what `Heartbeats` and `ClusterController` call on one
 * side, and the handlers of `controllerService` on the other, on virtual time.
 *
 * Invariants
 * - A call reaches the process that its sender meant, once, or nobody; its answer arrives once, or the caller hears of an error.
 * - Whether a call that broke was handled is open, as on a real network.
 */
import {
  type Client,
  Metadata,
  type ServiceDefinition,
  type UntypedServiceImplementation,
  status,
} from "@grpc/grpc-js";
import { loadServices } from "@varve/api";
import type { Random, SimulatedTime } from "@varve/log/testing";
import type { PeerCaller, PeerClients } from "../../ports/peers.ts";
import type { ClusterNetwork } from "./network.ts";
import type { ProcessGate } from "./process-gate.ts";

/** A running process, as its peers reach it. */
export interface PeerProcess {
  readonly gate: ProcessGate;
  /** By name of the call; empty until it serves. */
  handlers: UntypedServiceImplementation;
}

/** A machine: its process comes and goes. */
export interface PeerMachine {
  readonly id: number;
  readonly process: PeerProcess | undefined;
}

export interface PeersWorld {
  readonly time: SimulatedTime;
  readonly random: Random;
  readonly network: ClusterNetwork;
  machine(id: number): PeerMachine | undefined;
}

/** What `callerOf` of a handler finds. */
export interface CalledBy {
  readonly caller: PeerCaller;
}

const services = loadServices();

export type Tell = (error: Error | null, answer?: unknown) => void;
type Unary = (call: object, tell: Tell) => void;
type Streaming = (call: Stream) => void;

export class MemoryPeers {
  readonly #world: PeersWorld;
  /** Calls and streams under way: how they break. */
  readonly #underWay = new Map<() => void, readonly [from: number, to: number]>();

  constructor(world: PeersWorld) {
    this.#world = world;
  }

  /** The connections of one process. */
  clientsOf(id: number, process: PeerProcess): PeerClients {
    const clients = new Map<number, Client>();
    return {
      client: (nodeId, lane) => {
        if (nodeId === id || lane !== "control" || this.#world.machine(nodeId) === undefined) return undefined;
        let client = clients.get(nodeId);
        if (client === undefined) {
          // Four methods of it are all that the callers use.
          client = new MemoryClient(this.#world, {
            id,
            process,
            to: nodeId,
            underWay: this.#underWay,
          }) as unknown as Client;
          clients.set(nodeId, client);
        }
        return client;
      },
    };
  }

  /** What is under way from or to `node`, or between two nodes, is broken: both ends that still run hear of it. */
  break(node: number, other?: number): void {
    for (const [fail, ends] of this.#underWay) {
      if (ends.includes(node) && (other === undefined || ends.includes(other))) fail();
    }
  }
}

interface ClientEnds {
  readonly id: number;
  readonly process: PeerProcess;
  readonly to: number;
  readonly underWay: Map<() => void, readonly [number, number]>;
}

class MemoryClient {
  readonly #world: PeersWorld;
  readonly #ends: ClientEnds;

  constructor(world: PeersWorld, ends: ClientEnds) {
    this.#world = world;
    this.#ends = ends;
  }

  waitForReady(_deadline: number, tell: (error?: Error) => void): void {
    const { id, to, process } = this.#ends;
    const { network, time } = this.#world;
    time.after(2 * network.delayMs(id, to), () => {
      const isReady = this.#passes() && this.#server() !== undefined;
      if (isReady) process.gate.enter(() => tell());
      else process.gate.setTimer(500, () => tell(failure(status.DEADLINE_EXCEEDED, "no connection")));
    });
  }

  makeUnaryRequest(
    path: string,
    _serialize: unknown,
    _deserialize: unknown,
    request: unknown,
    _metadata: unknown,
    _options: unknown,
    tell: Tell,
  ): { cancel(): void } {
    const { id, to, process, underWay } = this.#ends;
    const { network, time } = this.#world;
    const server = this.#server();
    let isOver = false;
    const end: Tell = (error, answer) => {
      if (isOver) return;
      isOver = true;
      underWay.delete(broken);
      process.gate.enter(() => tell(error, answer));
    };
    const broken = (): void => {
      time.after(network.delayMs(id, to), () => end(failure(status.UNAVAILABLE, "the connection broke")));
    };
    underWay.set(broken, [id, to]);
    const answer: Tell = (error, value) => {
      if (network.loses()) return broken();
      time.after(network.delayMs(to, id), () => {
        if (this.#passes()) end(error, value);
      });
    };
    time.after(network.delayMs(id, to), () => {
      // What a cut swallows is never answered.
      if (!this.#passes()) return;
      if (server === undefined || server !== this.#server()) return broken();
      server.gate.enter(() => {
        const handler = server.handlers[nameOf(path)] as Unary | undefined;
        const call = { request, caller: { nodeId: id, brokerEpoch: -1 } };
        if (handler === undefined) answer(failure(status.UNIMPLEMENTED, "it does not serve yet"));
        else handler(call, answer);
      });
    });
    return { cancel: () => void time.after(0, () => end(failure(status.CANCELLED, "cancelled"))) };
  }

  makeServerStreamRequest(
    path: string,
    _serialize: unknown,
    deserialize: (bytes: Buffer) => unknown,
    request: object,
  ): Stream {
    const { responseSerialize } = services.peer[nameOf(path)] as ServiceDefinition[string];
    return this.#open(path, { request, translate: (message) => deserialize(responseSerialize(message)) });
  }

  makeBidiStreamRequest(path: string): Stream {
    return this.#open(path, {});
  }

  #open(path: string, { request, translate }: Pick<Stream, "request" | "translate">): Stream {
    const { id, to, process, underWay } = this.#ends;
    const server = this.#server();
    const wire = {
      world: this.#world,
      passes: () => this.#passes() && server !== undefined && server === this.#server(),
    };
    const near = new Stream(wire, process.gate, { nodeId: to, brokerEpoch: -1 });
    const far = new Stream(wire, server?.gate ?? process.gate, { nodeId: id, brokerEpoch: -1 });
    far.request = request;
    far.translate = translate;
    near.join(far, id, to);
    far.join(near, to, id);
    const broken = (): void => {
      underWay.delete(broken);
      near.break();
      far.break();
    };
    underWay.set(broken, [id, to]);
    const handler = server?.handlers[nameOf(path)] as Streaming | undefined;
    if (handler === undefined) this.#world.time.after(0.1, broken);
    else server?.gate.enter(() => handler(far));
    return near;
  }

  #server(): PeerProcess | undefined {
    return this.#world.machine(this.#ends.to)?.process;
  }

  #passes(): boolean {
    const { id, to } = this.#ends;
    const { network } = this.#world;
    return network.passes("control", id, to) && network.passes("control", to, id);
  }
}

interface Wire {
  readonly world: PeersWorld;
  /** Both processes are those of the beginning, and the network between them is whole. */
  passes(): boolean;
}

/** One end of a stream of messages; grpc-js's client and server ends in one. */
class Stream implements CalledBy {
  readonly caller: PeerCaller;
  /** At the serving end of a call with one request. */
  request?: object | undefined;
  /** What becomes of a message on its way; without it both ends see the same object. */
  translate?: ((message: unknown) => unknown) | undefined;
  readonly #wire: Wire;
  readonly #gate: ProcessGate;
  readonly #listeners = new Map<string, ((value: never) => void)[]>();
  #other: Stream | undefined;
  #delayMs: () => number = () => 0;
  #arrivesMs = 0;
  #isOver = false;

  constructor(wire: Wire, gate: ProcessGate, caller: PeerCaller) {
    this.#wire = wire;
    this.#gate = gate;
    this.caller = caller;
  }

  join(other: Stream, from: number, to: number): void {
    this.#other = other;
    this.#delayMs = () => this.#wire.world.network.delayMs(from, to);
  }

  on(event: string, listener: (value: never) => void): this {
    this.#listeners.set(event, [...(this.#listeners.get(event) ?? []), listener]);
    return this;
  }

  /** At the serving end an error is the answer to the other. */
  emit(event: string, value?: unknown): void {
    this.#tell(event, value);
    if (event !== "error" || this.#isOver) return;
    this.#isOver = true;
    this.#later((other) => other.finish("error", value));
  }

  write(message: unknown, taken: () => void = () => undefined): boolean {
    const sent = this.translate?.(message) ?? message;
    this.#later((other) => {
      this.#gate.enter(taken);
      other.receive(sent);
    });
    return true;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#later((other) => other.finish("cancelled"));
  }

  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#later((other) => other.finish("end"));
  }

  receive(message: unknown): void {
    this.#gate.enter(() => {
      if (!this.#isOver) this.#tell("data", message);
    });
  }

  finish(event: string, value?: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#gate.enter(() => {
      this.#tell(event, value);
      this.#tell("close", undefined);
    });
  }

  break(): void {
    this.finish("error", failure(status.UNAVAILABLE, "the connection broke"));
  }

  #later(run: (other: Stream) => void): void {
    const { time } = this.#wire.world;
    this.#arrivesMs = Math.max(this.#arrivesMs, time.nowMs + this.#delayMs());
    time.after(this.#arrivesMs - time.nowMs, () => {
      const other = this.#other;
      if (other === undefined) return;
      if (this.#wire.passes()) return run(other);
      this.break();
      other.break();
    });
  }

  #tell(event: string, value: unknown): void {
    for (const listener of this.#listeners.get(event) ?? []) listener(value as never);
  }
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function failure(code: status, details: string): Error {
  return Object.assign(new Error(details), { code, details, metadata: new Metadata() });
}
