/**
 * This broker's signs of life, to whoever is the active controller: to this very node without a detour, to another over one stream.
 *
 *   every `heartbeatMs`, and whenever something changes ──> beat ──> answer ──> `onAnswer`
 *
 * Invariant: one stream at a time, to the controller that is known now; what is not answered within a session is given up, and
 * never more than `unansweredMax` are on their way.
 */
import type { Client, ClientDuplexStream, ServiceDefinition } from "@grpc/grpc-js";
import type { HeartbeatRequestMessage, HeartbeatResponseOutput } from "@varve/api";
import type { Clock, Timer } from "@varve/log";
import type { PeerClients } from "../ports/peers.ts";
import { isRefusal } from "../refusal.ts";
import type { Controller } from "./controller.ts";
import type { ControllerDuty, Heartbeat, HeartbeatAnswer } from "./controller-duty.ts";

export interface HeartbeatsOptions {
  readonly nodeId: number;
  readonly controller: Controller;
  readonly duty: ControllerDuty;
  /** Undefined: a cluster of one. */
  readonly peers: PeerClients | undefined;
  /** varve.v1.Peer. */
  readonly definition: ServiceDefinition;
  readonly clock: Clock;
  readonly heartbeatMs: number;
  readonly sessionMs: number;
  /** What to say now; undefined: nothing. */
  readonly heartbeat: () => Heartbeat | undefined;
  readonly onAnswer: (answer: HeartbeatAnswer) => void;
}

const unansweredMax = 8;

type Stream = ClientDuplexStream<HeartbeatRequestMessage, HeartbeatResponseOutput>;

interface OpenStream {
  readonly client: Client;
  readonly stream: Stream;
  readonly openedMs: number;
  unanswered: number;
}

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #stopWatching: () => void;
  #open: OpenStream | undefined;
  #timer: Timer | undefined;
  #isBeatingHere = false;
  /** Monotonic; when the active controller last answered. */
  #heardMs = -Infinity;
  #isClosed = false;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
    // A new controller hears at once who is there.
    this.#stopWatching = options.controller.watchRole(() => this.beat());
    this.#schedule();
  }

  /** H-11. */
  get hearsController(): boolean {
    const { clock, sessionMs } = this.#options;
    return clock.monotonicMs() - this.#heardMs < sessionMs;
  }

  /** Speaks now, whenever it last did. */
  beat(): void {
    const { controller, heartbeat } = this.#options;
    const said = this.#isClosed ? undefined : heartbeat();
    if (said === undefined) return;
    if (controller.role.kind === "leader") {
      this.#hangUp();
      void this.#beatHere(said);
    } else this.#beatThere(said, controller.role.leaderId);
  }

  close(): void {
    this.#isClosed = true;
    this.#stopWatching();
    this.#timer?.cancel();
    this.#hangUp();
  }

  #schedule(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#timer = clock.setTimer(heartbeatMs, () => {
      this.#schedule();
      this.beat();
    });
  }

  async #beatHere(said: Heartbeat): Promise<void> {
    if (this.#isBeatingHere) return;
    this.#isBeatingHere = true;
    const answer = await this.#options.duty.beat(this.#options.nodeId, said);
    this.#isBeatingHere = false;
    if (!isRefusal(answer)) this.#take(answer);
  }

  #beatThere(said: Heartbeat, controllerId: number | undefined): void {
    const { peers, clock, sessionMs } = this.#options;
    const client = controllerId === undefined ? undefined : peers?.client(controllerId, "control");
    if (client === undefined) return this.#hangUp();
    const nowMs = clock.monotonicMs();
    const open = this.#open;
    const isSilent = open !== undefined && nowMs - Math.max(open.openedMs, this.#heardMs) > sessionMs;
    if (open?.client !== client || isSilent) {
      this.#hangUp();
      this.#open = this.#dial(client, nowMs);
    }
    if (this.#open === undefined || this.#open.unanswered >= unansweredMax) return;
    this.#open.unanswered += 1;
    this.#open.stream.write(said);
  }

  #dial(client: Client, openedMs: number): OpenStream {
    const method = this.#options.definition["Heartbeat"] as ServiceDefinition[string];
    const stream = client.makeBidiStreamRequest<HeartbeatRequestMessage, HeartbeatResponseOutput>(
      method.path,
      method.requestSerialize,
      method.responseDeserialize as (bytes: Buffer) => HeartbeatResponseOutput,
    );
    const open: OpenStream = { client, stream, openedMs, unanswered: 0 };
    stream.on("data", (answer: HeartbeatResponseOutput) => {
      if (this.#open !== open) return;
      open.unanswered = Math.max(0, open.unanswered - 1);
      this.#take(answer);
    });
    // The next sign of life goes on a new one, to whoever is in charge then.
    const end = (): void => {
      if (this.#open === open) this.#open = undefined;
    };
    stream.on("error", end);
    stream.on("end", end);
    return open;
  }

  #hangUp(): void {
    const open = this.#open;
    this.#open = undefined;
    open?.stream.cancel();
  }

  #take(answer: HeartbeatAnswer): void {
    if (this.#isClosed) return;
    this.#heardMs = this.#options.clock.monotonicMs();
    this.#options.onAnswer(answer);
  }
}
