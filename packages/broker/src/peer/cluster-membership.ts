/**
 * The metadata group for operators, from any node: what this node knows, and changes through whoever is the active controller.
 */
import type { ServiceDefinition, ServiceError } from "@grpc/grpc-js";
import { type ReplaceMemberRequestMessage, type ReplaceMemberResponseOutput, errorFromStatus } from "@varve/api";
import { isReason } from "@varve/format";
import type { Controller } from "../drivers/controller.ts";
import type { ControllerMember, ControllerMembership, PeerClients, ReplacedDirectory } from "../ports/peers.ts";
import { type Refusal, refuse } from "../refusal.ts";

export interface ClusterMembershipOptions {
  readonly controller: Controller;
  /** Undefined when a log was handed in that is no group. */
  readonly local: ControllerMembership | undefined;
  /** Undefined: a cluster of one. */
  readonly peers: PeerClients | undefined;
  /** varve.v1.Peer. */
  readonly definition: ServiceDefinition;
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

  replaceDirectory(nodeId: number, validateOnly: boolean): Promise<ReplacedDirectory | Refusal> {
    const { controller, local, peers } = this.#options;
    const { role } = controller;
    if (peers === undefined || local === undefined) {
      const why = "Cannot replace a controller: this node is alone, and with its disk goes the cluster";
      return Promise.resolve(refuse("INVALID_REQUEST", why));
    }
    if (role.kind === "leader") return local.replaceDirectory(nodeId, validateOnly);
    const client = role.leaderId === undefined ? undefined : peers.client(role.leaderId, "control");
    if (client === undefined) {
      const why = "Cannot replace a controller now: no active controller is known";
      return Promise.resolve(refuse("NOT_CONTROLLER", why, { outcome: "not-done" }));
    }
    const method = this.#options.definition["ReplaceMember"] as ServiceDefinition[string];
    return new Promise((resolve) => {
      client.makeUnaryRequest<ReplaceMemberRequestMessage, ReplaceMemberResponseOutput>(
        method.path,
        method.requestSerialize,
        method.responseDeserialize as (bytes: Buffer) => ReplaceMemberResponseOutput,
        { nodeId, validateOnly },
        { deadline: Date.now() + patienceMs },
        (error, answer) => resolve(error === null && answer !== undefined ? answer : refusalOf(error)),
      );
    });
  }
}

function refusalOf(error: ServiceError | null): Refusal {
  if (error === null) return refuse("INTERNAL", "The controller gave no answer");
  const { reason, message, metadata } = errorFromStatus(error);
  return { reason: isReason(reason) ? reason : "NOT_CONTROLLER", message, metadata };
}
