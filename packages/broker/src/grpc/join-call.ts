/**
 * The `Join` call: a member's session, held at the group's coordinator or passed on to it.
 *
 *   first message ──> whose group? ─┬─ ours: MemberSession
 *                                   └─ another's: a stream to that node, message by message, both ways
 *
 * Whatever breaks the stream, the member may come back to any node. Bounded: sessions of the node; each reads no further than it answers.
 */
import { Metadata, type ServerDuplexStream, type ServiceError } from "@grpc/grpc-js";
import {
  type JoinRequestOutput,
  type JoinResponseMessage,
  OversizedRequest,
  type Position,
  PositionError,
  positionFromMessage,
} from "@varve/api";
import { type AssignorName, type JoinGroup, assignorNames } from "@varve/cluster";
import { type ForwardedSession, refusalFrom } from "../drivers/forwarding/forwarding.ts";
import type { GroupPartition } from "../drivers/groups/group-partition.ts";
import { MemberSession } from "../drivers/groups/member-session.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { internal, statusOf } from "./answer.ts";
import { coordinatorOf, groupNameFault, notHere } from "./coordinator-call.ts";
import { limitReadAhead } from "./read-ahead.ts";

type Call = ServerDuplexStream<JoinRequestOutput | OversizedRequest, JoinResponseMessage>;
type Subscription = NonNullable<JoinRequestOutput["join"]>;

/** Where the client is, as the node that it came to saw it. Believed of nodes alone. */
const addressKey = "varve-client-address";
const textCharactersMax = 249;
/** Ids that clients make are chosen by nobody else by chance. */
const newMemberCharactersMin = 16;
/** For a stream that has ended to say that it was cut off. */
const brokenMs = 20;

export class JoinCalls {
  readonly #node: BrokerNode;
  readonly #open = new Set<JoinCall>();

  constructor(node: BrokerNode) {
    this.#node = node;
  }

  readonly open = (call: Call): void => {
    const { stats } = this.#node.groups;
    const max = this.#node.limits.groupSessionsMax;
    const refusal =
      this.#node.stoppedBy() ??
      (stats.openSessions >= max
        ? refuse(
            "BUSY",
            `Cannot open a session now: ${max} are open, which is the limit; try again later, or at another broker`,
          )
        : undefined);
    if (refusal !== undefined) {
      this.#node.counters.countRefusal(refusal);
      call.on("error", () => undefined);
      call.emit("error", statusOf(refusal));
      return;
    }
    limitReadAhead(call);
    stats.openSessions++;
    const session = new JoinCall(this.#node, call, () => {
      stats.openSessions--;
      this.#open.delete(session);
    });
    this.#open.add(session);
  };

  /** The node stops: members look for another one. */
  stop(): void {
    const refusal = refuse("SHUTTING_DOWN", "The broker is stopping; join again, at another one");
    for (const session of this.#open) session.end(refusal);
  }
}

class JoinCall {
  readonly #node: BrokerNode;
  readonly #call: Call;
  readonly #closed: () => void;
  #session: MemberSession | undefined;
  #relay: ForwardedSession | undefined;
  #hasBegun = false;
  #hasHalfClosed = false;
  #isOver = false;

  constructor(node: BrokerNode, call: Call, closed: () => void) {
    this.#node = node;
    this.#call = call;
    this.#closed = closed;
    call.on("data", (request: JoinRequestOutput | OversizedRequest) => this.#received(request));
    // A connection that breaks ends the reading side as well, and says a moment later that it was that.
    call.on("end", () => node.clock.setTimer(brokenMs, () => this.#halfClosed()));
    call.on("drain", () => {
      this.#session?.drained();
      this.#relay?.resume();
    });
    for (const event of ["cancelled", "error", "close"]) call.on(event, () => this.#broken());
  }

  end(refusal: Refusal | undefined): void {
    if (this.#isOver) return;
    this.#over();
    if (refusal === undefined) {
      this.#call.end();
      return;
    }
    this.#node.counters.countRefusal(refusal);
    this.#call.emit("error", statusOf(refusal));
  }

  #received(request: JoinRequestOutput | OversizedRequest): void {
    if (this.#isOver) return;
    if (request instanceof OversizedRequest) {
      this.end(refuse(request.fault.reason, request.fault.message));
      return;
    }
    if (this.#relay !== undefined) {
      if (!this.#relay.write(request)) this.#call.pause();
    } else if (this.#hasBegun) {
      this.#session?.receive(request);
    } else {
      this.#hasBegun = true;
      // Nothing more is read until somebody has the session.
      this.#call.pause();
      this.#begin(request).catch((error: unknown) => this.end(internal(this.#node, "Join", error)));
    }
  }

  async #begin(request: JoinRequestOutput): Promise<void> {
    const { join } = request;
    if (request.message !== "join" || join === undefined || join === null) {
      this.end(refuse("INVALID_REQUEST", "Cannot open a session: the first message has to be join"));
      return;
    }
    const fault = groupNameFault(join.group) ?? this.#subscriptionFault(join);
    if (fault !== undefined) {
      this.end(fault);
      return;
    }
    const found = await coordinatorOf(this.#node, join.group, { isMade: true, isOver: () => this.#isOver });
    if (this.#isOver) return;
    if (isRefusal(found)) this.end(found);
    else if (found.kind === "here") await this.#beginHere(found.coordinator, join);
    else if (found.kind === "elsewhere") this.#beginThere(found.nodeId, request);
    else this.end(notHere(this.#node, -1));
  }

  #subscriptionFault(join: Subscription): Refusal | undefined {
    for (const text of [join.instanceId, join.memberId, join.clientId]) {
      if (text.length > 2 * textCharactersMax) {
        return refuse(
          "INVALID_REQUEST",
          `Cannot join group "${join.group}": a name of ${text.length} characters is too long`,
        );
      }
    }
    const { memberId, newMemberId } = join;
    const length = newMemberId.length;
    if (memberId === "" && length > 0 && (length < newMemberCharactersMin || length > textCharactersMax)) {
      const why = `new_member_id has ${length} characters, and needs ${newMemberCharactersMin} to ${textCharactersMax}, such as a UUID`;
      return refuse("INVALID_REQUEST", `Cannot join group "${join.group}": ${why}; leave it empty to be given one`);
    }
    const tooMany = this.#node.groups.translator.tooMany(join.owned.length);
    return tooMany ?? this.#node.groups.translator.subscriptionFault(join.topics, join.topicPattern);
  }

  async #beginHere(coordinator: GroupPartition, subscription: Subscription): Promise<void> {
    const { groups, wheel } = this.#node;
    const position = positionOf(subscription);
    if (isRefusal(position)) {
      this.end(position);
      return;
    }
    const { translator, topicsHere } = groups;
    const session = new MemberSession(
      {
        groupId: subscription.group,
        join: this.#joinOf(subscription),
        owned: subscription.owned,
        position,
        hasHeartbeats: subscription.sessionTimeoutMs > 0,
      },
      {
        coordinator,
        port: {
          send: (response) => this.#call.write(response),
          pause: () => this.#call.pause(),
          resume: () => this.#call.resume(),
          end: (refusal) => this.end(refusal),
        },
        translator,
        wheel,
        topicName: (topicId) => topicsHere.nameOf(topicId),
        leaderOf: (place) => groups.leaderOf(place),
        resolve: (places, where) => groups.resolve(places, where),
      },
    );
    this.#session = session;
    await session.open();
    if (this.#isOver) return;
    if (this.#hasHalfClosed) await session.leave("gone");
    else this.#call.resume();
  }

  #joinOf(subscription: Subscription): JoinGroup {
    const { settings } = this.#node.groups;
    const { instanceId, memberId, newMemberId, clientId, topics, topicPattern, assignor } = subscription;
    return {
      memberId,
      ...(memberId === "" && newMemberId !== "" ? { newMemberId } : {}),
      instanceId,
      clientId,
      clientHost: this.#clientAddress,
      topics,
      pattern: topicPattern,
      // An unknown one is refused by the group.
      assignor: (assignor === "" ? assignorNames[0] : assignor) as AssignorName,
      sessionTimeoutMs: subscription.sessionTimeoutMs || settings.sessionTimeoutMs,
      rebalanceTimeoutMs: Math.min(
        subscription.rebalanceTimeoutMs || settings.rebalanceTimeoutMs,
        settings.sessionTimeoutMsMax,
      ),
    };
  }

  get #clientAddress(): string {
    // On the node's public listener anybody could say so; there `forwarding` is there, or nobody else is.
    const isPassedOn = this.#node.forwarding === undefined && this.#node.controller.image.brokers.size > 1;
    const [told] = isPassedOn ? this.#call.metadata.get(addressKey) : [];
    return told === undefined ? this.#call.getPeer() : String(told).slice(0, textCharactersMax);
  }

  #beginThere(nodeId: number, request: JoinRequestOutput): void {
    const metadata = new Metadata();
    metadata.set(addressKey, this.#clientAddress);
    const relay = this.#node.forwarding?.session(nodeId, metadata);
    if (relay === undefined) {
      this.end(notHere(this.#node, nodeId));
      return;
    }
    this.#relay = relay;
    relay.on("data", (response: JoinResponseMessage) => {
      if (!this.#isOver && !this.#call.write(response)) relay.pause();
    });
    relay.on("drain", () => {
      if (!this.#isOver) this.#call.resume();
    });
    relay.on("error", (error: ServiceError) => {
      const refusal = refusalFrom("Join", nodeId, error);
      // Whoever kept the group is gone: another one will.
      this.end(refusal.reason === "LEADER_NOT_AVAILABLE" ? notHere(this.#node, nodeId) : refusal);
    });
    relay.on("end", () => this.end(undefined));
    relay.write(request);
    if (this.#hasHalfClosed) relay.end();
    this.#call.resume();
  }

  /** The member leaves: it says so by closing its side. */
  #halfClosed(): void {
    this.#hasHalfClosed = true;
    if (this.#isOver) return;
    if (this.#relay !== undefined) this.#relay.end();
    else if (this.#session !== undefined) void this.#session.leave("gone");
    else if (!this.#hasBegun) this.end(undefined);
  }

  /** The connection is gone; the member may come back. */
  #broken(): void {
    if (!this.#isOver) this.#over();
  }

  #over(): void {
    this.#isOver = true;
    this.#session?.disconnected();
    // Without its member a session over there would be one that never falls silent.
    this.#relay?.cancel();
    this.#closed();
  }
}

function positionOf({ start, group }: Subscription): Position | Refusal {
  try {
    return positionFromMessage(start, { kind: "latest" });
  } catch (error) {
    if (error instanceof PositionError)
      return refuse("INVALID_REQUEST", `Cannot join group "${group}": ${error.message}`);
    throw error;
  }
}
