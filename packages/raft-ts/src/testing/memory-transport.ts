// SPDX-License-Identifier: Apache-2.0
/**
 * `Transport` between nodes of one process: for tests, examples and worlds.
 *
 *   send ──▶ bounded queue of the link ──carrier──▶ onMessage of the receiver; its promise holds the link back
 *   sendSnapshot ──▶ offer ──▶ chunks, each a hop and a write ──▶ finish ──▶ resolves at the sender
 *
 * Invariant: what arrives was sent by this sender to this receiver, and is the same object (nothing is changed once it was
 * handed over, see the core's types).
 */
import type { PeerAddress, PeerId, PeerMessage } from "../core/types.ts";
import type { SnapshotReader, Transport, TransportHandlers } from "../runtime/ports.ts";

/** How things travel. A world gives its own weather. */
export interface Carrier {
  /** Calls `deliver` later: once, never, or several times. False when the sender's side can see that it is lost. */
  carry(from: PeerId, to: PeerId, deliver: () => void): boolean;
  /** One step of a stream in order, there or back. Rejects when the stream breaks. */
  hop(from: PeerId, to: PeerId): Promise<void>;
}

const queueMax = 1024;

export class MemoryNetwork {
  readonly #nodes = new Map<PeerId, MemoryTransport>();
  readonly #cuts = new Set<string>();
  readonly #carrier: Carrier;

  /** By default everything arrives in order, in a later turn of the event loop. */
  constructor(carrier?: Carrier) {
    this.#carrier = carrier ?? {
      carry: (from, to, deliver) => {
        if (!this.passes(from, to)) return false;
        setImmediate(() => {
          if (this.passes(from, to)) deliver();
        });
        return true;
      },
      hop: async (from, to) => {
        await new Promise((resolve) => setImmediate(resolve));
        if (!this.passes(from, to)) throw new Error(`The stream from "${from}" to "${to}" broke`);
      },
    };
  }

  transport(self: PeerId): MemoryTransport {
    return new MemoryTransport(self, this, this.#carrier);
  }

  /** Nothing passes between `id` and anybody else until `mend`. */
  isolate(id: PeerId): void {
    this.#cuts.add(id);
  }

  mend(): void {
    this.#cuts.clear();
  }

  passes(from: PeerId, to: PeerId): boolean {
    return !this.#cuts.has(from) && !this.#cuts.has(to);
  }

  at(id: PeerId): MemoryTransport | undefined {
    return this.#nodes.get(id);
  }

  plug(transport: MemoryTransport): void {
    this.#nodes.set(transport.self, transport);
  }

  /** As a process that dies: nothing arrives there any more. */
  unplug(transport: MemoryTransport): void {
    if (this.#nodes.get(transport.self) === transport) this.#nodes.delete(transport.self);
  }
}

interface Link {
  queue: PeerMessage[];
  /** On their way or held back. */
  isBlocked: boolean;
}

export class MemoryTransport implements Transport {
  readonly self: PeerId;
  readonly #network: MemoryNetwork;
  readonly #carrier: Carrier;
  #handlers: TransportHandlers | undefined;
  #peers: ReadonlySet<PeerId> = new Set();
  /** Messages that arrived while this node asked their sender to hold back. */
  readonly #arrived = new Map<PeerId, Link>();

  constructor(self: PeerId, network: MemoryNetwork, carrier: Carrier) {
    this.self = self;
    this.#network = network;
    this.#carrier = carrier;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
    this.#network.plug(this);
  }

  setPeers(peers: readonly PeerAddress[]): void {
    this.#peers = new Set(peers.map(({ id }) => id));
  }

  send(messages: readonly PeerMessage[]): void {
    for (const message of messages) {
      const { to } = message;
      // Answers find their way to strangers too, as they would on the stranger's own connection.
      const isKnown = this.#peers.has(to) || message.type.endsWith("Resp");
      const isCarried =
        isKnown && this.#carrier.carry(this.self, to, () => this.#network.at(to)?.arrive(this.self, message));
      if (!isCarried || this.#network.at(to) === undefined) this.#handlers?.onUnreachable(to);
    }
  }

  async sendSnapshot(to: PeerId, term: number, reader: SnapshotReader, signal: AbortSignal): Promise<void> {
    const { self } = this;
    const receiver = this.#network.at(to);
    const hop = async (from: PeerId, to: PeerId): Promise<void> => {
      await this.#carrier.hop(from, to);
      signal.throwIfAborted();
      if (this.#network.at(self) !== this || this.#network.at(receiver?.self ?? "") !== receiver) {
        throw new Error(`The stream from "${from}" to "${to}" broke: one of them is gone`);
      }
    };
    /** What the receiver does. If it dies meanwhile its promise never settles, but the stream breaks. */
    const remotely = async <T>(work: Promise<T>): Promise<T> => {
      const over = new AbortController();
      const watch = async (): Promise<never> => {
        while (!over.signal.aborted) await hop(to, self);
        return new Promise(() => {});
      };
      return Promise.race([work.finally(() => over.abort()), watch()]);
    };
    await hop(self, to);
    if (receiver === undefined) throw new Error(`"${to}" is not there`);
    const { description } = reader;
    const staging = await remotely(receiver.offered({ from: self, term, description }));
    if (staging === null) throw new Error(`"${to}" does not want the snapshot`);
    try {
      for await (const chunk of reader.chunks(staging.offsetBytes)) {
        await hop(self, to);
        await remotely(staging.write(chunk));
      }
      await remotely(staging.finish());
    } finally {
      await staging.close();
    }
    await hop(to, self);
  }

  async stop(): Promise<void> {
    this.#handlers = undefined;
    this.#arrived.clear();
    this.#network.unplug(this);
  }

  /** From the network. */
  arrive(from: PeerId, message: PeerMessage): void {
    let link = this.#arrived.get(from);
    if (link === undefined) this.#arrived.set(from, (link = { queue: [], isBlocked: false }));
    if (link.queue.length >= queueMax) return;
    link.queue.push(message);
    if (!link.isBlocked) this.#drain(link);
  }

  /** From the network. */
  async offered(offer: Parameters<TransportHandlers["onSnapshot"]>[0]): ReturnType<TransportHandlers["onSnapshot"]> {
    return (await this.#handlers?.onSnapshot(offer)) ?? null;
  }

  #drain(link: Link): void {
    link.isBlocked = false;
    for (let message = link.queue.shift(); message !== undefined; message = link.queue.shift()) {
      const held = this.#handlers?.onMessage(message);
      if (held === undefined) continue;
      link.isBlocked = true;
      void held.then(() => this.#drain(link));
      return;
    }
  }
}
