/**
 * The metadata group for operators, from any node: what this node knows, and changes through whoever is the active controller.
 */
import type { ServiceDefinition, ServiceError } from "@grpc/grpc-js";
import { type ReplaceMemberRequestMessage, type ReplaceMemberResponseOutput, errorFromStatus } from "@varve/api";
import { isReason } from "@varve/format";
import type { Clock } from "@varve/log";
import type { Controller } from "../drivers/controller.ts";
import type { ControllerMember, ControllerMembership, PeerClients, ReplacedDirectory } from "../ports/peers.ts";
import { type Refusal, refuse } from "../refusal.ts";
import { callPeer } from "./peer-call.ts";

export interface ClusterMembershipOptions {
  readonly controller: Controller;
  /** Undefined on a node that is no controller. */
  readonly local: ControllerMembership | undefined;
  /** Undefined: a cluster of one. */
  readonly peers: PeerClients | undefined;
  /** varve.v1.Peer. */
  readonly definition: ServiceDefinition;
  readonly clock: Pick<Clock, "setTimer">;
}

/** Longer than the active controller takes at most. */
const patienceMs = 70_000;

export class ClusterMembership implements ControllerMembership {
  readonly #options: ClusterMembershipOptions;

  constructor(options: ClusterMembershipOptions) {
    this.#options = options;
  }

  members(): readonly ControllerMember[] {
    return this.#options.local?.members() ?? [];
  }

  async replaceDirectory(nodeId: number, validateOnly: boolean): Promise<ReplacedDirectory | Refusal> {
    const { controller, local, peers, clock } = this.#options;
    const { role } = controller;
    if (peers === undefined) {
      const why = "Cannot replace a controller: this node is alone, and with its disk goes the cluster";
      return refuse("INVALID_REQUEST", why);
    }
    if (role.kind === "leader" && local !== undefined) return local.replaceDirectory(nodeId, validateOnly);
    const leaderId = role.kind === "leader" ? undefined : role.leaderId;
    const client = leaderId === undefined ? undefined : peers.client(leaderId, "control");
    if (client === undefined) {
      const why = "Cannot replace a controller now: no active controller is known";
      return refuse("NOT_CONTROLLER", why, { outcome: "not-done" });
    }
    const called = await callPeer<ReplaceMemberRequestMessage, ReplaceMemberResponseOutput>(
      client,
      this.#options.definition["ReplaceMember"] as ServiceDefinition[string],
      { nodeId, validateOnly },
      { clock, timeoutMs: patienceMs },
    );
    return called.kind === "answer" ? called.answer : refusalOf(called.error);
  }
}

function refusalOf(error: ServiceError): Refusal {
  const { reason, message, metadata } = errorFromStatus(error);
  return { reason: isReason(reason) ? reason : "NOT_CONTROLLER", message, metadata };
}
