/**
 * Bytes of messages that have begun to arrive and are not whole yet. grpc-js keeps them outside of every budget of ours: a
 * stranger who opens a thousand calls and sends all but the last byte of 8 MiB on each would take 8 GiB.
 *
 *     stream a   [len│······    ]   oldest, first to be cut
 *     stream b   [len│··········]
 *     stream c   [len│··        ]   newest
 *
 * What is on its way is counted per node. Above the limit the stream whose message began longest ago is cut, with
 * ENHANCE_YOUR_CALM, which clients see as RESOURCE_EXHAUSTED: who sends at any pace is never the oldest for long.
 *
 * Invariant: `heldBytes` is the sum over all streams of the frames of their one incomplete message.
 */
import { type ServerHttp2Stream, constants } from "node:http2";

/** A message on the wire: one byte of flags, four of length, then so many bytes. */
const prefixBytes = 5;
/** What a frame costs beyond its bytes: thousands of frames of one byte are more than thousands of bytes. */
const frameOverheadBytes = 128;

/** How far the messages of one stream are. */
class Arrival {
  /** Bytes of the prefix that are there. */
  prefix = 0;
  length = 0;
  /** Bytes that the message still lacks, once its prefix is whole. */
  lacking = 0;
  heldBytes = 0;

  /** Takes one frame; says what is incomplete behind it: nothing, the same message as before, or one that began in it. */
  take(frame: Uint8Array): "none" | "same" | "new" {
    let at = 0;
    let isNew = this.heldBytes === 0;
    while (at < frame.length) {
      if (this.prefix < prefixBytes) {
        // Byte 0 is the flags; the length begins behind it.
        this.length = this.prefix === 0 ? 0 : ((this.length << 8) | (frame[at] ?? 0)) >>> 0;
        this.prefix++;
        at++;
        if (this.prefix < prefixBytes) continue;
        this.lacking = this.length;
      }
      const taken = Math.min(this.lacking, frame.length - at);
      this.lacking -= taken;
      at += taken;
      if (this.lacking > 0) break;
      this.prefix = 0;
      this.heldBytes = 0;
      isNew = true;
    }
    if (this.prefix === 0) return "none";
    this.heldBytes += frame.length + frameOverheadBytes;
    return isNew ? "new" : "same";
  }
}

export class IncompleteMessages {
  readonly #bytesMax: number;
  readonly #onCut: () => void;
  /** Streams with an incomplete message, the one that began first in front. */
  readonly #arriving = new Map<ServerHttp2Stream, Arrival>();
  #heldBytes = 0;

  /** `onCut` is called after each stream that was cut. */
  constructor(bytesMax: number, onCut: () => void = () => undefined) {
    this.#bytesMax = bytesMax;
    this.#onCut = onCut;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Watches a stream until it closes. To be called when the stream is new, before anything reads it. */
  watch(stream: ServerHttp2Stream): void {
    const arrival = new Arrival();
    // Whoever answers the call decides when it flows; a listener that comes first would make it flow at once.
    process.nextTick(() => {
      if (stream.destroyed) return;
      stream.on("data", (frame: Uint8Array) => this.#took(stream, arrival, frame));
    });
    stream.once("close", () => this.#forget(stream, arrival));
  }

  #took(stream: ServerHttp2Stream, arrival: Arrival, frame: Uint8Array): void {
    const before = arrival.heldBytes;
    const incomplete = arrival.take(frame);
    if (incomplete !== "same" && before > 0) this.#arriving.delete(stream);
    if (incomplete === "new") this.#arriving.set(stream, arrival);
    this.#heldBytes += arrival.heldBytes - before;
    while (this.#heldBytes > this.#bytesMax) {
      const [oldest] = this.#arriving;
      if (oldest === undefined) return;
      this.#forget(...oldest);
      oldest[0].close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      this.#onCut();
    }
  }

  #forget(stream: ServerHttp2Stream, arrival: Arrival): void {
    this.#arriving.delete(stream);
    this.#heldBytes -= arrival.heldBytes;
    arrival.heldBytes = 0;
  }
}
