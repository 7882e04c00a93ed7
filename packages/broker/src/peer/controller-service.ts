/**
 * The controller's side of varve.v1.Peer: commands of other nodes, their signs of life, and the metadata that they follow.
 *
 * Invariant: a command is submitted once and answered with what became of it. A broker speaks for itself alone: what it says of its
 * epoch is looked at by the decisions, who it is was proved by the server.
 */
import type { ServerDuplexStream, ServerUnaryCall, ServiceDefinition, sendUnaryData } from "@grpc/grpc-js";
import type {
  HeartbeatRequestOutput,
  HeartbeatResponseMessage,
  ReplaceMemberRequestOutput,
  ReplaceMemberResponseMessage,
  SubmitRequestOutput,
  SubmitResponseMessage,
} from "@varve/api";
import { type Command, type CommandReplies, type Outcome, decodeCommand, encodeOutcome } from "@varve/cluster";
import { FormatError } from "@varve/format";
import type { Controller } from "../drivers/controller.ts";
import type { ControllerDuty } from "../drivers/controller-duty.ts";
import { statusOf } from "../grpc/answer.ts";
import type { CallerOf, ControllerMembership, PeerService } from "../ports/peers.ts";
import { isRefusal, refuse } from "../refusal.ts";
import type { FollowCall, MetadataFeed } from "./metadata-feed.ts";

/** Signs of life of one broker that wait for their answer; it sends far fewer. */
const beatsMax = 16;

type AnyOutcome = Outcome<CommandReplies[keyof CommandReplies]["reply"]>;
type Submit = ServerUnaryCall<SubmitRequestOutput, SubmitResponseMessage>;
type Replace = ServerUnaryCall<ReplaceMemberRequestOutput, ReplaceMemberResponseMessage>;
type Beats = ServerDuplexStream<HeartbeatRequestOutput, HeartbeatResponseMessage>;

export function controllerService(
  definition: ServiceDefinition,
  {
    controller,
    duty,
    membership,
    feed,
  }: {
    readonly controller: Controller;
    readonly duty: ControllerDuty;
    readonly membership: ControllerMembership;
    readonly feed: MetadataFeed;
  },
): PeerService {
  return {
    definition,
    implementation: (callerOf) => ({
      Submit: (call: Submit, callback: sendUnaryData<SubmitResponseMessage>) => {
        void answerCommand(controller, { bytes: call.request.command, from: callerOf(call).nodeId }, callback);
      },
      Heartbeat: (call: Beats) => takeBeats(duty, call, callerOf),
      FollowMetadata: (call: FollowCall) => feed.open(call),
      ReplaceMember: (call: Replace, callback: sendUnaryData<ReplaceMemberResponseMessage>) => {
        void answerReplace(membership, call.request, callback);
      },
    }),
  };
}

interface Sent {
  readonly bytes: Uint8Array;
  /** The node that sent it. */
  readonly from: number;
}

async function answerCommand(
  controller: Controller,
  sent: Sent,
  callback: sendUnaryData<SubmitResponseMessage>,
): Promise<void> {
  let answer: SubmitResponseMessage;
  try {
    answer = await submit(controller, sent);
  } catch (error) {
    callback(statusOf(refuse("INTERNAL", `Cannot answer a command: ${String(error)}`)));
    return;
  }
  callback(null, answer);
}

async function submit(controller: Controller, { bytes, from }: Sent): Promise<SubmitResponseMessage> {
  let command: Command;
  try {
    command = decodeCommand(bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return refusedAnswer(`Cannot read the command: ${error.message}`);
  }
  if ("brokerId" in command && command.brokerId !== from) {
    return refusedAnswer(`Cannot take a command of broker ${command.brokerId} from node ${from}`);
  }
  const outcome: AnyOutcome = await controller.submit(command);
  return {
    outcome: asBuffer(encodeOutcome(command.kind, outcome)),
    term: controller.role.term,
    metadataOffset: controller.image.offset,
  };
}

function refusedAnswer(why: string): SubmitResponseMessage {
  const refusal = refuse("INVALID_REQUEST", why, { outcome: "not-done" });
  return { outcome: asBuffer(encodeOutcome("fenceBroker", { kind: "refused", refusal })) };
}

async function answerReplace(
  membership: ControllerMembership,
  { nodeId, validateOnly }: ReplaceMemberRequestOutput,
  callback: sendUnaryData<ReplaceMemberResponseMessage>,
): Promise<void> {
  const replaced = await membership.replaceDirectory(nodeId, validateOnly);
  if (isRefusal(replaced)) callback(statusOf(replaced));
  else callback(null, replaced);
}

function takeBeats(duty: ControllerDuty, call: Beats, callerOf: CallerOf): void {
  const { nodeId } = callerOf(call);
  let brokerEpoch = -1;
  let waiting = 0;
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    if (brokerEpoch >= 0) duty.heartbeatsEnded(nodeId, brokerEpoch);
  };
  call.on("data", (beat: HeartbeatRequestOutput) => {
    if (isOver || waiting >= beatsMax) return;
    brokerEpoch = beat.brokerEpoch;
    waiting += 1;
    void duty.beat(nodeId, beat).then((answer) => {
      waiting -= 1;
      if (isOver) return;
      // Who is no active controller takes no more of them: the broker looks for the one that is.
      if (isRefusal(answer) && answer.reason === "NOT_CONTROLLER") call.emit("error", statusOf(answer));
      else if (!isRefusal(answer)) call.write(answer);
    });
  });
  call.on("end", () => {
    end();
    call.end();
  });
  call.on("cancelled", end);
  call.on("error", end);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
