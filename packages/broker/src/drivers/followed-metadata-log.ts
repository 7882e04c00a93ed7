/**
 * The metadata log of a broker that is no controller: it follows one of the controllers, and goes to another when that one is silent,
 * knows less than it does, or has not heard of an active controller for long.
 *
 *     controllers, in turn ── FollowMetadata{what I have} ──> snapshot, batches ──> listener.onSnapshot, onCommitted
 *                                                        └──> who is active     ──> listener.onRole
 *
 * Invariants
 * - Only committed records come here, so nothing is ever taken back; what is behind this broker is not listened to.
 * - It never leads: `propose` is refused, commands go to the active controller by way of `ControllerClient`.
 * - One stream at a time. An image that differs from the controller's at the same record ends the node (C-2).
 */
import { type ClientReadableStream, type ServiceDefinition, type ServiceError, status } from "@grpc/grpc-js";
import type { FollowMetadataRequestMessage, FollowMetadataResponseOutput } from "@varve/api";
import { type ControllerImage, printDigest } from "@varve/cluster";
import { InvariantError, invariant } from "@varve/format";
import type { Clock, Timer } from "@varve/log";
import { MetadataLogError } from "../ports/metadata-log.ts";
import type { MetadataLog, MetadataLogListener, MetadataRole } from "../ports/metadata-log.ts";
import type { PeerClients } from "../ports/peers.ts";

export interface FollowedMetadataLogOptions {
  /** Node ids of the controllers. */
  readonly controllers: readonly number[];
  readonly peers: PeerClients;
  /** varve.v1.Peer. */
  readonly definition: ServiceDefinition;
  readonly clock: Clock;
  /** A stream that was silent for so long is given up, and so is a controller that knew of no active one for so long, in ms. */
  readonly sessionMs: number;
  /** What this node has by now. */
  readonly image: () => ControllerImage;
  /** Ends the wait for a first controller. */
  readonly signal: AbortSignal;
  readonly onWaiting: (why: string) => void;
  /** A controller does not want this node. Comes with every try. */
  readonly onRefused: (controllerId: number, why: string) => void;
}

/** Before the next controller is asked, in ms. */
const pauseMs = 200;
const snapshotBytesMax = 512 * 1024 * 1024;

type Call = ClientReadableStream<FollowMetadataResponseOutput>;

interface Following {
  readonly controllerId: number;
  readonly call: Call;
  pieces: Buffer[];
  snapshotBytes: number;
  heardMs: number;
  /** When it last named an active controller. */
  ledMs: number;
}

export class FollowedMetadataLog implements MetadataLog {
  readonly #options: FollowedMetadataLogOptions;
  #listener: MetadataLogListener | undefined;
  #role: MetadataRole = { kind: "follower", term: 0, leaderId: undefined };
  #following: Following | undefined;
  #next = 0;
  #timer: Timer | undefined;
  #tellKnown: () => void = () => undefined;
  #failed: MetadataLogError | undefined;
  #isClosed = false;

  constructor(options: FollowedMetadataLogOptions) {
    this.#options = options;
  }

  /** Resolves once this node has what a controller had. Rejects with the signal's reason, or a MetadataLogError. */
  async start(listener: MetadataLogListener): Promise<void> {
    invariant(this.#listener === undefined, "a metadata log is started once");
    this.#listener = listener;
    const { signal, onWaiting } = this.#options;
    signal.throwIfAborted();
    onWaiting("no controller has answered yet");
    const known = new Promise<void>((resolve) => (this.#tellKnown = resolve));
    const stop = (): void => this.#tellKnown();
    signal.addEventListener("abort", stop, { once: true });
    this.#follow();
    await known;
    signal.removeEventListener("abort", stop);
    signal.throwIfAborted();
    if (this.#failed !== undefined) throw this.#failed;
  }

  propose(): Promise<number> {
    return Promise.reject(
      new MetadataLogError("NOT_LEADER", "Cannot write to the metadata log: this node is no controller."),
    );
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    this.#leave();
    this.#tellKnown();
    return Promise.resolve();
  }

  /** Asks the next controller; looks now and then whether it is still there. */
  #follow(): void {
    const { controllers, peers, clock, definition, image, onRefused } = this.#options;
    this.#leave();
    const controllerId = controllers[this.#next++ % controllers.length] as number;
    const client = peers.client(controllerId, "control");
    if (client === undefined) return this.#followLater();
    const { path, requestSerialize, responseDeserialize } = definition["FollowMetadata"] as ServiceDefinition[string];
    const { offset, digest } = image();
    const call = client.makeServerStreamRequest<FollowMetadataRequestMessage, FollowMetadataResponseOutput>(
      path,
      requestSerialize,
      responseDeserialize as (bytes: Buffer) => FollowMetadataResponseOutput,
      { metadataOffset: offset, digest: printDigest(digest) },
    );
    const nowMs = clock.monotonicMs();
    const following: Following = { controllerId, call, pieces: [], snapshotBytes: 0, heardMs: nowMs, ledMs: nowMs };
    this.#following = following;
    call.on("data", (message: FollowMetadataResponseOutput) => {
      if (this.#following === following) this.#take(following, message);
    });
    const end = (): void => {
      if (this.#following === following) this.#followLater();
    };
    call.on("error", ({ code, details }: ServiceError) => {
      if (code === status.UNAUTHENTICATED || code === status.FAILED_PRECONDITION) onRefused(controllerId, details);
      end();
    });
    call.on("end", end);
    this.#watch(following);
  }

  #followLater(): void {
    this.#leave();
    this.#timer?.cancel();
    if (this.#isClosed || this.#failed !== undefined) return;
    this.#timer = this.#options.clock.setTimer(pauseMs, () => this.#follow());
  }

  #leave(): void {
    this.#following?.call.cancel();
    this.#following = undefined;
  }

  #watch(following: Following): void {
    const { clock, sessionMs } = this.#options;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(sessionMs / 4, () => {
      if (this.#following !== following) return;
      const nowMs = clock.monotonicMs();
      const isSilent = nowMs - following.heardMs > sessionMs;
      if (isSilent || nowMs - following.ledMs > sessionMs) this.#followLater();
      else this.#watch(following);
    });
  }

  #take(following: Following, message: FollowMetadataResponseOutput): void {
    const { clock, image } = this.#options;
    const nowMs = clock.monotonicMs();
    following.heardMs = nowMs;
    if (message.controllerId >= 0) following.ledMs = nowMs;
    if (message.metadataOffset < image().offset && message.snapshot.length === 0) return this.#followLater();
    try {
      this.#apply(following, message);
    } catch (error) {
      this.#fail(error);
      return;
    }
    this.#changeRole(message);
  }

  #apply(following: Following, message: FollowMetadataResponseOutput): void {
    const { batch, snapshot, snapshotEnds, metadataOffset, digest } = message;
    if (snapshot.length > 0) {
      following.pieces.push(snapshot);
      following.snapshotBytes += snapshot.length;
      if (following.snapshotBytes > snapshotBytesMax) return this.#followLater();
      if (!snapshotEnds) return;
      const bytes = Buffer.concat(following.pieces);
      following.pieces = [];
      following.snapshotBytes = 0;
      this.#listener?.onSnapshot(bytes);
    } else if (batch.length > 0) {
      this.#listener?.onCommitted([{ index: metadataOffset, bytes: batch }]);
    }
    this.#tellKnown();
    // Before the start has ended the image is not there to be compared.
    const mine = this.#options.image();
    invariant(
      mine.offset !== metadataOffset || printDigest(mine.digest) === digest,
      `the metadata of this broker are those of controller ${following.controllerId} at record ${metadataOffset}`,
    );
  }

  #changeRole({ term, controllerId }: FollowMetadataResponseOutput): void {
    // C-6: what a controller of the past says of who is active is of the past.
    if (term < this.#role.term) return;
    const leaderId = controllerId < 0 ? undefined : controllerId;
    const { kind, ...last } = this.#role;
    if (term === last.term && kind === "follower" && "leaderId" in last && last.leaderId === leaderId) return;
    this.#role = { kind: "follower", term, leaderId };
    this.#listener?.onRole(this.#role);
  }

  #fail(error: unknown): void {
    if (this.#failed !== undefined) return;
    const why = error instanceof Error ? error.message : String(error);
    const what = error instanceof InvariantError ? "it differs from the controllers'" : "it cannot be read";
    this.#failed = new MetadataLogError(
      "FORMAT",
      `Cannot follow the metadata log: ${what}: ${why} Run releases that belong together on all nodes.`,
      { cause: error },
    );
    this.#leave();
    this.#timer?.cancel();
    this.#tellKnown();
    this.#listener?.onFatal(this.#failed);
  }
}
