/**
 * The committed metadata for brokers that are no controllers: what they lack, then every batch as it is committed.
 *
 *     FollowMetadata ── knows the same ──────> nothing but where we are
 *                    ├─ knows something else ─> a snapshot, in pieces
 *                    └─ knows more ───────────> where we are, and the end: it goes to another controller
 *     then: each committed batch, each change of the active controller, a sign of life in between
 *
 * Invariant: a broker is sent committed records alone, in order and without gaps; one that takes too long is cut off and comes again.
 */
import { type ServerWritableStream, status } from "@grpc/grpc-js";
import type { FollowMetadataRequestOutput, FollowMetadataResponseMessage } from "@varve/api";
import { type ControllerImage, type MetadataRecord, encodeBatch, encodeSnapshot, printDigest } from "@varve/cluster";
import type { Clock, Timer } from "@varve/log";
import type { Controller } from "../drivers/controller.ts";

export interface MetadataFeedOptions {
  /** Of this node. */
  readonly nodeId: number;
  readonly controller: Controller;
  readonly clock: Clock;
  /** Between two signs of life, in ms. */
  readonly heartbeatMs: number;
}

export type FollowCall = ServerWritableStream<FollowMetadataRequestOutput, FollowMetadataResponseMessage>;

const pieceBytes = 256 * 1024;
/** What a message takes in memory beside what it carries, about. */
const messageBytes = 1_024;
/** Written and not taken by the network, for one broker. */
const unsentBytesMax = 64 * 1024 * 1024;
/** More brokers than a cluster has. */
const followersMax = 1_000;

interface Follower {
  readonly call: FollowCall;
  unsentBytes: number;
}

export class MetadataFeed {
  readonly #options: MetadataFeedOptions;
  readonly #followers = new Set<Follower>();
  readonly #stopWatching: readonly (() => void)[];
  #timer: Timer | undefined;

  constructor(options: MetadataFeedOptions) {
    this.#options = options;
    const { controller } = options;
    this.#stopWatching = [
      controller.subscribe((image, records) => this.#committed(image, records)),
      controller.watchRole(() => this.#tellAll({})),
    ];
    this.#signLater();
  }

  /** A broker asks. */
  open(call: FollowCall): void {
    const { image } = this.#options.controller;
    const { metadataOffset, digest } = call.request;
    call.on("error", () => undefined);
    if (this.#followers.size >= followersMax) {
      call.emit("error", {
        code: status.RESOURCE_EXHAUSTED,
        details: `${followersMax} brokers follow this controller`,
      });
      return;
    }
    const follower: Follower = { call, unsentBytes: 0 };
    if (image.offset < metadataOffset) {
      this.#tell(follower, {});
      call.end();
      return;
    }
    this.#followers.add(follower);
    const gone = (): void => void this.#followers.delete(follower);
    call.on("cancelled", gone);
    call.on("close", gone);
    if (image.offset === metadataOffset && printDigest(image.digest) === digest) this.#tell(follower, {});
    else this.#tellSnapshot(follower, image);
  }

  close(): void {
    for (const stop of this.#stopWatching) stop();
    this.#timer?.cancel();
    for (const { call } of this.#followers) call.end();
    this.#followers.clear();
  }

  #committed(image: ControllerImage, records: readonly MetadataRecord[]): void {
    if (this.#followers.size === 0) return;
    if (records.length === 0) {
      // This controller was itself given a snapshot: what lies between nobody here knows.
      for (const follower of this.#followers) this.#tellSnapshot(follower, image);
      return;
    }
    const firstOffset = image.offset - records.length + 1;
    const batch = encodeBatch({ firstOffset, writtenAtMs: this.#options.clock.nowMs(), records });
    this.#tellAll({ batch: Buffer.from(batch) });
  }

  #tellSnapshot(follower: Follower, image: ControllerImage): void {
    const bytes = Buffer.from(encodeSnapshot(image));
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const end = at + pieceBytes;
      this.#tell(follower, { snapshot: bytes.subarray(at, end), snapshotEnds: end >= bytes.length });
    }
  }

  #tellAll(what: Pick<FollowMetadataResponseMessage, "batch">): void {
    for (const follower of this.#followers) this.#tell(follower, what);
  }

  #tell(follower: Follower, what: Pick<FollowMetadataResponseMessage, "batch" | "snapshot" | "snapshotEnds">): void {
    const { image, role } = this.#options.controller;
    const { call } = follower;
    const bytes = messageBytes + (what.batch?.length ?? 0) + (what.snapshot?.length ?? 0);
    follower.unsentBytes += bytes;
    // One snapshot always goes through, however large.
    if (follower.unsentBytes > unsentBytesMax && follower.unsentBytes > bytes && what.snapshot === undefined) {
      this.#followers.delete(follower);
      call.emit("error", { code: status.RESOURCE_EXHAUSTED, details: "The broker does not take what it follows" });
      return;
    }
    const message = {
      ...what,
      term: role.term,
      controllerId: role.kind === "leader" ? this.#options.nodeId : (role.leaderId ?? -1),
      metadataOffset: image.offset,
      digest: printDigest(image.digest),
    };
    call.write(message, () => {
      follower.unsentBytes -= bytes;
    });
  }

  #signLater(): void {
    const { clock, heartbeatMs } = this.#options;
    this.#timer = clock.setTimer(heartbeatMs, () => {
      this.#signLater();
      this.#tellAll({});
    });
  }
}
