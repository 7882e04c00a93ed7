/**
 * Whether every record of a batch has a key, for topics that are compacted: one without a key would stand for nothing, and nothing
 * would ever take its place.
 *
 * Only such topics have their batches opened. A compressed one is opened on the thread pool, one at a time for the whole node, so that
 * bombs cost one buffer; whatever comes for the same partition meanwhile waits behind it, since batches keep their order.
 */
import {
  CompressionError,
  RecordCursor,
  batchHeaderBytes,
  codecOf,
  decompressRecords,
  plainBytesMaxDefault,
  readBatchHeader,
} from "@varve/format";
import { type Refusal, refuse } from "../refusal.ts";

interface Target {
  readonly topic: string;
  readonly partition: number;
}

export class KeyCheck {
  #last: Promise<void> = Promise.resolve();
  /** Batches that wait, or are opened, by partition. */
  readonly #waiting = new Map<Target, number>();

  /**
   * Calls `then` once with why the checked `batch` is refused, or undefined; at once when nothing has to be waited for, and in the
   * order of the calls for one `target`. `batch` stays as it is until then.
   */
  check(target: Target, batch: Uint8Array, then: (refusal: Refusal | undefined) => void): void {
    const header = readBatchHeader(batch);
    const waiting = this.#waiting.get(target) ?? 0;
    if (waiting === 0 && codecOf(header.attributes) === "none") {
      then(keylessRefusal(target, batch.subarray(batchHeaderBytes), batch));
      return;
    }
    this.#waiting.set(target, waiting + 1);
    this.#last = this.#last.then(async () => {
      const refusal = await compressedRefusal(target, batch);
      const left = (this.#waiting.get(target) ?? 1) - 1;
      if (left === 0) this.#waiting.delete(target);
      else this.#waiting.set(target, left);
      then(refusal);
    });
  }
}

async function compressedRefusal(target: Target, batch: Uint8Array): Promise<Refusal | undefined> {
  try {
    return keylessRefusal(target, await decompressRecords(batch, readBatchHeader(batch), plainBytesMaxDefault), batch);
  } catch (error) {
    if (!(error instanceof CompressionError)) throw error;
    return refusalOf(target, `the records of the batch cannot be read (${error.message.replace(/\.$/, "")})`);
  }
}

function keylessRefusal(target: Target, recordsPlain: Uint8Array, batch: Uint8Array): Refusal | undefined {
  const cursor = new RecordCursor(recordsPlain, readBatchHeader(batch));
  while (cursor.tryNext()) {
    if (cursor.keyLength < 0) return refusalOf(target, `record ${cursor.index} of the batch has no key`);
  }
  return cursor.fault === undefined ? undefined : refusalOf(target, `the batch is malformed: ${cursor.fault}`);
}

function refusalOf({ topic, partition }: Target, why: string): Refusal {
  return refuse(
    "INVALID_RECORD",
    `Cannot append to "${topic}" ${partition}: ${why}, and the topic is compacted (cleanup.policy): give every record a key`,
    { partition },
  );
}
