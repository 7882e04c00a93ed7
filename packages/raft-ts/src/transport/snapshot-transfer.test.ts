// SPDX-License-Identifier: Apache-2.0
import { afterEach, describe, expect, it } from "vitest";
import type { SnapshotDescription, SnapshotOffer, SnapshotReader, SnapshotStaging } from "../runtime/ports.ts";
import { crc32c } from "../storage/crc32c.ts";
import { LoopbackMember, type MemberOptions, until } from "../testing/loopback-member.ts";

const members: LoopbackMember[] = [];
const config = { voters: ["a@1", "b@1"], votersOutgoing: [], learners: [], learnersNext: [], addresses: [] };
const never = new AbortController().signal;

async function member(id: string, options: Omit<MemberOptions, "id"> = {}): Promise<LoopbackMember> {
  const started = await LoopbackMember.start({ id, ...options });
  members.push(started);
  return started;
}

afterEach(async () => {
  for (const started of members.splice(0)) await started.stop();
});

/** A snapshot of so many bytes, read in pieces of 64 KiB. */
class Source implements SnapshotReader {
  readonly bytes: Uint8Array;
  readonly description: SnapshotDescription;
  /** Bytes handed out so far, and a wish to stop before some byte until it is released. */
  handedOut = 0;
  stopAt = Infinity;
  startedAt = -1;

  constructor(sizeBytes: number) {
    this.bytes = Uint8Array.from({ length: sizeBytes }, (_, at) => (at * 31) >> 3);
    const meta = { index: 7, term: 2, config };
    this.description = { meta, id: "snapshot-1", chain: 0xfedcba98, sizeBytes, crc: crc32c(this.bytes) };
  }

  async *chunks(fromByte: number): AsyncGenerator<Uint8Array> {
    this.startedAt = fromByte;
    for (let at = fromByte; at < this.bytes.length; at += 1 << 16) {
      if (at >= this.stopAt) await new Promise(() => undefined);
      this.handedOut = at + (1 << 16);
      yield this.bytes.slice(at, at + (1 << 16));
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Keeps what came, over several attempts. */
class Stage {
  readonly offers: SnapshotOffer[] = [];
  readonly chunks: Uint8Array[] = [];
  finished = 0;
  closed = 0;

  get sizeBytes(): number {
    return this.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  open(offer: SnapshotOffer): Promise<SnapshotStaging> {
    this.offers.push(offer);
    const finish = (): Promise<string> => {
      this.finished += 1;
      const whole = Buffer.concat(this.chunks);
      if (crc32c(whole) !== offer.description.crc) return Promise.reject(new Error("the checksum is wrong"));
      return Promise.resolve("stage-1");
    };
    return Promise.resolve({
      offsetBytes: this.sizeBytes,
      write: (chunk) => {
        this.chunks.push(chunk);
        return Promise.resolve();
      },
      finish,
      close: () => {
        this.closed += 1;
        return Promise.resolve();
      },
    });
  }
}

async function pair(options: Omit<MemberOptions, "id"> = {}): Promise<[LoopbackMember, LoopbackMember, Stage]> {
  const [a, b] = [await member("a@1", options), await member("b@1", options)];
  a.transport.setPeers([b.address]);
  b.transport.setPeers([a.address]);
  const stage = new Stage();
  b.onSnapshot = (offer) => stage.open(offer);
  return [a, b, stage];
}

describe("GrpcTransport.sendSnapshot()", () => {
  it.each([0, 1, 1 << 16, 3_000_000])(
    "brings a snapshot of %i bytes, checked, and then resolves (S5)",
    async (size) => {
      const [a, , stage] = await pair();
      const source = new Source(size);
      await a.transport.sendSnapshot("b@1", 3, source, never);
      expect(stage.offers).toEqual([{ from: "a@1", term: 3, description: source.description }]);
      expect(Buffer.concat(stage.chunks).equals(source.bytes)).toBe(true);
      expect([stage.finished, stage.closed]).toEqual([1, 0]);
    },
  );

  it("goes on where a broken transfer ended (S5)", async () => {
    const [a, , stage] = await pair();
    const source = new Source(1_000_000);
    source.stopAt = 300_000;
    const controller = new AbortController();
    const broken = a.transport.sendSnapshot("b@1", 3, source, controller.signal);
    await until(() => stage.sizeBytes >= 300_000, "a part is there");
    controller.abort(new Error("enough"));
    await expect(broken).rejects.toThrow("enough");
    await until(() => stage.closed === 1, "the stage is closed");
    source.stopAt = Infinity;
    await a.transport.sendSnapshot("b@1", 3, source, never);
    expect(source.startedAt).toBe(327_680);
    expect(Buffer.concat(stage.chunks).equals(source.bytes)).toBe(true);
  });

  it("rejects when the receiver does not want it, breaks off, or finds it wrong", async () => {
    const [a, b, stage] = await pair();
    b.onSnapshot = () => Promise.resolve(null);
    await expect(a.transport.sendSnapshot("b@1", 3, new Source(10), never)).rejects.toThrow("not wanted");
    b.onSnapshot = () => Promise.reject(new Error("the disk is gone"));
    await expect(a.transport.sendSnapshot("b@1", 3, new Source(10), never)).rejects.toThrow("the disk is gone");
    b.onSnapshot = (offer) => stage.open(offer);
    const wrong = new Source(100_000);
    wrong.bytes[5]! ^= 1;
    await expect(a.transport.sendSnapshot("b@1", 3, wrong, never)).rejects.toThrow("the checksum is wrong");
    expect(stage.closed).toBe(1);
    await expect(a.transport.sendSnapshot("c@1", 3, new Source(10), never)).rejects.toThrow("no address");
  });

  it("takes one at a time; another sender is told to come later", async () => {
    const [a, b, stage] = await pair();
    const c = await member("c@1");
    c.transport.setPeers([b.address]);
    const source = new Source(1_000_000);
    source.stopAt = 300_000;
    const first = a.transport.sendSnapshot("b@1", 3, source, never);
    await until(() => stage.sizeBytes > 0, "one is coming in");
    await expect(c.transport.sendSnapshot("b@1", 3, new Source(10), never)).rejects.toThrow("another snapshot");
    await Promise.all([expect(first).rejects.toThrow("stops"), a.stop()]);
    await until(() => stage.closed === 1, "the stage is closed");
    await expect(c.transport.sendSnapshot("b@1", 3, new Source(0), never)).rejects.toThrow();
  });

  it("is cut by the receiver when nothing comes, and by the sender when nothing is taken", async () => {
    const [a, b, stage] = await pair({ limits: { snapshotIdleMs: 50 } });
    const source = new Source(1_000_000);
    source.stopAt = 0;
    // On a busy machine the offer itself may come too late.
    const endMs = performance.now() + 60_000;
    while (stage.offers.length === 0) {
      if (performance.now() > endMs) throw new Error("Waited 60 s in vain for an offer that comes in time");
      await expect(a.transport.sendSnapshot("b@1", 3, source, AbortSignal.timeout(5000))).rejects.toThrow();
    }
    await until(() => stage.closed === stage.offers.length, "the stage is closed");
    b.onSnapshot = () => new Promise(() => undefined);
    const silent = a.transport.sendSnapshot("b@1", 3, new Source(10), never);
    await expect(silent).rejects.toThrow(/nothing (came )?for 50 ms/);
  });

  it("keeps to its rate (S4)", async () => {
    const [a] = await pair({ limits: { snapshotBytesPerSecond: 1 << 17 } });
    const began = performance.now();
    await a.transport.sendSnapshot("b@1", 3, new Source(1 << 17), never);
    expect(performance.now() - began).toBeGreaterThan(900);
  });
});
