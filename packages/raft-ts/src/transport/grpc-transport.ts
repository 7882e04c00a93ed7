// SPDX-License-Identifier: Apache-2.0
// The Transport on gRPC: two streams out to each peer (F10), two in from each, and snapshots on calls of their own.
//
// Invariant: after `stop` no stream, connection or timer of the transport is left; the service and its listener are the host's.

import type { PeerAddress, PeerId, PeerMessage } from "../core/types.ts";
import type { Clock, SnapshotReader, Transport, TransportHandlers } from "../runtime/ports.ts";
import { InboundStreams } from "./inbound-streams.ts";
import { PeerLane } from "./peer-lane.ts";
import type { Lane } from "./raft-methods.ts";
import type { RaftService } from "./raft-service.ts";
import { SnapshotReceiver } from "./snapshot-receiver.ts";
import { streamSnapshot } from "./snapshot-sender.ts";
import { type TransportLimits, transportLimits } from "./transport-limits.ts";

export interface GrpcTransportOptions {
  /** Takes the streams of peers; on a server of the host's, or on a `RaftListener`. */
  readonly service: RaftService;
  readonly self: PeerId;
  readonly clusterId: string;
  /** Where peers reach this node, `host:port`. */
  readonly address: string;
  readonly clock: Clock;
  /** In [0, 1): spreads attempts to reconnect. */
  readonly random: () => number;
  readonly limits?: Partial<TransportLimits>;
  /** A peer will not have this node, and says why. Comes with every attempt. For logs. */
  readonly onRefused?: (peer: PeerId, details: string) => void;
}

interface PeerLinks {
  readonly address: string;
  readonly lanes: Readonly<Record<Lane, PeerLane>>;
}

export class GrpcTransport implements Transport {
  readonly #options: GrpcTransportOptions;
  readonly #limits: TransportLimits;
  /** Those of `setPeers`. */
  readonly #peers = new Map<PeerId, PeerLinks>();
  /** Senders that nobody announced: links back to them, as long as their streams last (X2). */
  readonly #guests = new Map<PeerId, PeerLinks>();
  readonly #unreachable = new Set<PeerId>();
  readonly #transfers = new Map<AbortController, Promise<void>>();
  #running: { handlers: TransportHandlers; inbound: InboundStreams; receiver: SnapshotReceiver } | null = null;
  #stopping: Promise<void> | null = null;

  constructor(options: GrpcTransportOptions) {
    this.#options = options;
    this.#limits = transportLimits(options.limits);
  }

  async start(handlers: TransportHandlers): Promise<void> {
    if (this.#running !== null || this.#stopping !== null) {
      throw new Error("Cannot start the Raft transport: it was started before; make another one");
    }
    const { service, clusterId, self, clock } = this.#options;
    const { counters, security } = service;
    const inbound = new InboundStreams({
      clusterId,
      self,
      unknownSendersMax: this.#limits.unknownSendersMax,
      security,
      counters,
      handlers,
      isKnown: (peer) => this.#peers.has(peer),
      onSender: (peer, remote) => this.#met(peer, remote),
      onGone: (peer) => this.#forget(peer),
    });
    const receiver = new SnapshotReceiver({ limits: this.#limits, clock, counters, handlers });
    this.#running = { handlers, inbound, receiver };
    service.attach({
      takeLane: (lane, call, end) => inbound.take(lane, call, end),
      takeSnapshot: (call, end) => {
        const met = inbound.introduction(call);
        if (!met.ok) return end(met.fault);
        service.onProven(call.getPeer());
        receiver.take(met.introduction.sender, call, end);
      },
    });
  }

  /** Nothing before `start` and after `stop`. */
  setPeers(peers: readonly PeerAddress[]): void {
    if (this.#running === null) return;
    const wanted = new Map(peers.filter(({ id }) => id !== this.#options.self).map(({ id, address }) => [id, address]));
    for (const [id, links] of this.#peers) {
      if (wanted.get(id) === links.address) continue;
      closeLinks(links);
      this.#peers.delete(id);
      if (!wanted.has(id)) this.#welcome(id);
    }
    for (const [id, address] of wanted) {
      if (this.#peers.has(id)) continue;
      this.#forget(id);
      this.#peers.set(id, this.#open(id, address));
    }
  }

  send(messages: readonly PeerMessage[]): void {
    const touched = new Set<PeerLane>();
    for (const message of messages) {
      const links = this.#peers.get(message.to) ?? this.#guests.get(message.to);
      if (links === undefined) {
        this.#options.service.counters.droppedUnknown += 1;
        this.#report(message.to);
        continue;
      }
      // All Appends on one stream: an empty one that overtakes what it follows is refused, and costs a probe.
      const lane = links.lanes[message.type === "Append" ? "bulk" : "control"];
      lane.push(message);
      touched.add(lane);
    }
    for (const lane of touched) lane.flush();
  }

  /** The caller closes the reader, whatever the outcome. */
  async sendSnapshot(to: PeerId, term: number, reader: SnapshotReader, signal: AbortSignal): Promise<void> {
    const links = this.#peers.get(to);
    if (this.#running === null || links === undefined) {
      throw new Error(`Cannot send a snapshot to "${to}": this node is told of no address of it`);
    }
    const { service, clock, address: ownAddress } = this.#options;
    const { security, counters } = service;
    const controller = new AbortController();
    const sent = streamSnapshot({
      introduction: this.#introduction(to),
      address: links.address,
      ownAddress,
      term,
      reader,
      signal: AbortSignal.any([signal, controller.signal]),
      limits: this.#limits,
      security,
      counters,
      clock,
    });
    this.#transfers.set(controller, sent);
    try {
      await sent;
    } finally {
      this.#transfers.delete(controller);
    }
  }

  /** Counters that only grow, and the number of streams that are open. */
  metrics(): Readonly<Record<string, number>> {
    let outboundStreams = 0;
    for (const links of [...this.#peers.values(), ...this.#guests.values()]) {
      for (const lane of [links.lanes.control, links.lanes.bulk]) if (lane.isUp) outboundStreams += 1;
    }
    const inboundStreams = this.#running?.inbound.count ?? 0;
    return { ...this.#options.service.counters.snapshot(), outboundStreams, inboundStreams };
  }

  /** Bounded by `stopMs`. Idempotent. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    this.#options.service.attach(null);
    for (const links of [...this.#peers.values(), ...this.#guests.values()]) closeLinks(links);
    this.#peers.clear();
    this.#guests.clear();
    this.#unreachable.clear();
    running.inbound.close();
    const why = new Error("Cannot send a snapshot: the transport stops");
    for (const controller of this.#transfers.keys()) controller.abort(why);
    const ended = Promise.allSettled([...this.#transfers.values(), running.receiver.close()]);
    await new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(this.#limits.stopMs, resolve);
      void ended.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  #open(target: PeerId, address: string): PeerLinks {
    return {
      address,
      lanes: { control: this.#lane("control", target, address), bulk: this.#lane("bulk", target, address) },
    };
  }

  #lane(lane: Lane, target: PeerId, address: string): PeerLane {
    const { service, clock, random, onRefused, address: ownAddress } = this.#options;
    return new PeerLane({
      lane,
      introduction: this.#introduction(target),
      address,
      ownAddress,
      limits: this.#limits,
      security: service.security,
      counters: service.counters,
      clock,
      random,
      onUnreachable: () => this.#report(target),
      onRefused: (details) => onRefused?.(target, details),
    });
  }

  #introduction(target: PeerId): { clusterId: string; sender: PeerId; target: PeerId } {
    const { clusterId, self } = this.#options;
    return { clusterId, sender: self, target };
  }

  /** A peer that sends is there: what waits to connect to it need not. */
  #met(peer: PeerId, remote: string): void {
    this.#options.service.onProven(remote);
    const links = this.#peers.get(peer) ?? this.#guests.get(peer);
    if (links !== undefined) {
      links.lanes.control.nudge();
      links.lanes.bulk.nudge();
    } else this.#welcome(peer);
  }

  /** A sender that nobody announces, or no longer, is answered as long as its streams last (X2). */
  #welcome(peer: PeerId): void {
    const address = this.#running?.inbound.addressOf(peer) ?? "";
    if (address !== "") this.#guests.set(peer, this.#open(peer, address));
  }

  #forget(peer: PeerId): void {
    const links = this.#guests.get(peer);
    if (links === undefined) return;
    closeLinks(links);
    this.#guests.delete(peer);
  }

  /** Said later and once: whoever calls `send` is not called back out of it. */
  #report(peer: PeerId): void {
    if (this.#running === null) return;
    if (this.#unreachable.size === 0) {
      queueMicrotask(() => {
        const peers = [...this.#unreachable];
        this.#unreachable.clear();
        for (const unreachable of peers) this.#running?.handlers.onUnreachable(unreachable);
      });
    }
    this.#unreachable.add(peer);
  }
}

function closeLinks({ lanes }: PeerLinks): void {
  lanes.control.close();
  lanes.bulk.close();
}
