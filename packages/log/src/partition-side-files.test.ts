import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FileSystemError } from "./file-system.ts";
import type { FileHandle, OpenMode } from "./file-system.ts";
import { decodeLeaderEpochs } from "./leader-epochs-file.ts";
import { nodeFileSystem } from "./node-file-system.ts";
import { PartitionSideFiles } from "./partition-side-files.ts";
import { decodeProducerState } from "./producer-state-file.ts";
import { ProducerState } from "./producer-state.ts";

let directory: string;
let side: PartitionSideFiles;

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "varve-side-files-"));
  side = new PartitionSideFiles(nodeFileSystem(), directory);
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

const epochs = [{ epoch: 1, start: 0 }];

/** Producer 7 has written up to `logEndOffset`. */
function producersAt(logEndOffset: number, producers = new ProducerState({ expiryMs: 1000 })): ProducerState {
  const baseOffset = logEndOffset - 1;
  const batch = { baseOffset, lastOffsetDelta: 0, attributes: 0, maxTimestampMs: 0 };
  producers.append({ ...batch, producerId: 7, producerEpoch: 0, baseSequence: baseOffset }, 0);
  return producers;
}

function snapshots(): string[] {
  return fs.readdirSync(directory).filter((name) => name.startsWith("producer-state"));
}

function save(producers: ProducerState, endOffset: number, highWatermark = endOffset): Promise<void> {
  return side.save({ producers, endOffset, highWatermark, epochs });
}

describe("PartitionSideFiles", () => {
  test("save() writes the state as it was when it was captured, once the segments have it", async () => {
    const producers = producersAt(10_000);
    side.capture({ producers, logEndOffset: 10_000 });
    producersAt(12_000, producers);
    await save(producers, 9_999);
    expect(snapshots()).toEqual([]);
    side.capture({ producers, logEndOffset: 12_000 });
    await save(producers, 11_000);
    expect(snapshots()).toEqual(["producer-state-00000000000000010000"]);
    const read = decodeProducerState(fs.readFileSync(join(directory, snapshots()[0]!)));
    expect(read).toMatchObject({ kind: "ok", offset: 10_000, entries: [{ nextSequence: 10_000 }] });
  });

  test("save() F-10: drops what was captured before a truncation", async () => {
    side.capture({ producers: producersAt(10_000), logEndOffset: 10_000 });
    const rebuilt = producersAt(9_000);
    await save(rebuilt, 20_000);
    expect(snapshots()).toEqual([]);
    side.capture({ producers: producersAt(20_000, rebuilt), logEndOffset: 20_000 });
    await save(rebuilt, 20_000);
    expect(snapshots()).toEqual(["producer-state-00000000000000020000"]);
  });

  test("save() keeps a bounded number of snapshots, one of them at or below the high watermark", async () => {
    const producers = producersAt(10_000);
    for (let end = 10_000; end <= 100_000; end += 10_000) {
      side.capture({ producers: producersAt(end, producers), logEndOffset: end });
      await save(producers, end, 35_000);
    }
    expect(snapshots().map((name) => Number(name.slice(-6)))).toEqual([30_000, 90_000, 100_000]);
  });

  test("captureLast() takes what a start would have to read for, producers or not, and save() writes it once", async () => {
    const producers = new ProducerState({ expiryMs: 1000 });
    const save1 = (sizeBytes: number): Promise<void> => {
      side.captureLast({ producers, logEndOffset: 500, sizeBytes });
      return save(producers, 500);
    };
    await save1(1000);
    expect(snapshots()).toEqual([]);
    await save1(1 << 20);
    expect(snapshots()).toEqual(["producer-state-00000000000000000500"]);
    const path = join(directory, snapshots()[0]!);
    expect(decodeProducerState(fs.readFileSync(path))).toMatchObject({ kind: "ok", offset: 500, entries: [] });
    const { ino } = fs.statSync(path);
    await save1(1 << 20);
    expect(fs.statSync(path).ino).toBe(ino);
  });

  test("capture() waits for enough new offsets, and takes nothing without producers", async () => {
    const producers = producersAt(10_000);
    side.capture({ producers, logEndOffset: 9_999 });
    await save(producers, 20_000);
    side.capture({ producers: new ProducerState({ expiryMs: 1 }), logEndOffset: 50_000 });
    await save(producers, 50_000);
    expect(snapshots()).toEqual([]);
  });

  test("save() J-15: does nothing on a full disk, and all of it when there is room again", async () => {
    let isFull = true;
    const disk = nodeFileSystem();
    const open = async (path: string, mode: OpenMode): Promise<FileHandle> => {
      if (isFull) throw new FileSystemError("NO_SPACE", path, "Cannot open: full");
      return disk.open(path, mode);
    };
    side = new PartitionSideFiles({ ...disk, open }, directory);
    const producers = producersAt(10_000);
    side.capture({ producers, logEndOffset: 10_000 });
    await save(producers, 10_000);
    expect(fs.readdirSync(directory)).toEqual([]);
    isFull = false;
    await save(producers, 10_000);
    expect(fs.readdirSync(directory)).toEqual(["leader-epochs", "producer-state-00000000000000010000"]);
  });

  test("save() writes the epochs when they have changed", async () => {
    const path = join(directory, "leader-epochs");
    await save(producersAt(1), 1);
    const first = fs.statSync(path).ino;
    await save(producersAt(1), 1);
    expect(fs.statSync(path).ino).toBe(first);
    await side.save({
      producers: producersAt(1),
      endOffset: 1,
      highWatermark: 1,
      epochs: [...epochs, { epoch: 2, start: 1 }],
    });
    const read = decodeLeaderEpochs(fs.readFileSync(path));
    expect(read.kind === "ok" ? read.runs.latestEpoch : read).toBe(2);
  });
});
