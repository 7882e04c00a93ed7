// SPDX-License-Identifier: Apache-2.0
// A member of a group on the real network, on loopback: a listener, a transport, and a record of what came in. For tests of the
// transport.

import type { PeerAddress, PeerId, PeerMessage } from "../core/types.ts";
import { systemClock } from "../runtime/clock.ts";
import type { SnapshotOffer, SnapshotStaging, TransportHandlers } from "../runtime/ports.ts";
import { GrpcTransport } from "../transport/grpc-transport.ts";
import { RaftListener } from "../transport/raft-listener.ts";
import { RaftService } from "../transport/raft-service.ts";
import type { TransportLimits } from "../transport/transport-limits.ts";
import type { TransportSecurity } from "../transport/transport-security.ts";

export interface MemberOptions {
  readonly id: PeerId;
  readonly clusterId?: string;
  readonly port?: number;
  readonly limits?: Partial<TransportLimits>;
  readonly security?: TransportSecurity;
  readonly connectionsMax?: number;
}

export class LoopbackMember {
  readonly id: PeerId;
  readonly service: RaftService;
  readonly listener: RaftListener;
  readonly transport: GrpcTransport;
  readonly received: PeerMessage[] = [];
  readonly unreachable: PeerId[] = [];
  readonly refusals: string[] = [];
  /** What `onMessage` returns, beside recording. */
  onMessage: (message: PeerMessage) => Promise<void> | undefined = () => undefined;
  onSnapshot: (offer: SnapshotOffer) => Promise<SnapshotStaging | null> = () => Promise.resolve(null);

  private constructor(options: MemberOptions, service: RaftService, listener: RaftListener) {
    this.id = options.id;
    this.service = service;
    this.listener = listener;
    this.transport = new GrpcTransport({
      service,
      self: options.id,
      clusterId: options.clusterId ?? "cluster",
      address: listener.address,
      clock: systemClock,
      random: () => 0.5,
      onRefused: (_peer, details) => this.refusals.push(details),
      ...(options.limits === undefined ? {} : { limits: options.limits }),
    });
  }

  static async start(options: MemberOptions): Promise<LoopbackMember> {
    const service = new RaftService({ security: options.security ?? { kind: "plaintext" } });
    const listener = await RaftListener.open({
      port: options.port ?? 0,
      service,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      ...(options.connectionsMax === undefined ? {} : { connectionsMax: options.connectionsMax }),
    });
    const member = new LoopbackMember(options, service, listener);
    const handlers: TransportHandlers = {
      onMessage: (message) => {
        member.received.push(message);
        return member.onMessage(message);
      },
      onUnreachable: (peer) => member.unreachable.push(peer),
      onSnapshot: (offer) => member.onSnapshot(offer),
    };
    await member.transport.start(handlers);
    return member;
  }

  get address(): PeerAddress {
    return { id: this.id, address: this.listener.address };
  }

  /** A counter of the transport. */
  count(name: string): number {
    return this.transport.metrics()[name] ?? Number.NaN;
  }

  async stop(): Promise<void> {
    await this.transport.stop();
    await this.listener.close();
  }
}

/** Waits for a condition that something under way will bring about. */
export async function until(condition: () => boolean, what: string, withinMs = 20_000): Promise<void> {
  const deadlineMs = performance.now() + withinMs;
  while (!condition()) {
    if (performance.now() > deadlineMs) throw new Error(`Waited ${withinMs} ms in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
