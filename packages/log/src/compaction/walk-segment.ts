/** Every batch of a segment, in order and checked (J-11), a piece at a time: a segment does not fit in memory. */
import { batchHeaderBytes } from "@varve/format";
import type { BatchHeader } from "@varve/format";
import { walkBatch } from "../batch-walk.ts";
import type { EpochLookup } from "../batch-walk.ts";
import type { Segment } from "../segment.ts";
import type { Pace } from "./pace.ts";

const pieceBytes = 1024 * 1024;

export interface FoundDamage {
  readonly offset: number;
  readonly why: string;
}

/**
 * Calls `visit` with each batch; its bytes are the visitor's to keep, or `areLent`: borrowed until it returns. Undefined: it came to the
 * end of the segment as it was when this began; else what is wrong there. Ends early, without a word, when `pace` is stopped.
 */
export async function walkSegment(
  segment: Segment,
  { epochAt, pace, areLent }: { readonly epochAt: EpochLookup; readonly pace: Pace; readonly areLent: boolean },
  visit: (batch: Uint8Array, header: BatchHeader) => Promise<void> | void,
): Promise<FoundDamage | undefined> {
  const { sizeBytes, endOffset } = segment;
  let position = 0;
  let offset = segment.baseOffset;
  let wanted = pieceBytes;
  // Memory of this size costs a collection every few pieces.
  const lent = areLent ? new Uint8Array(Math.min(pieceBytes, sizeBytes)) : undefined;
  while (position < sizeBytes && !pace.isStopped) {
    const takenBytes = Math.min(wanted, sizeBytes - position);
    const isEnough = lent !== undefined && takenBytes <= lent.length;
    const buffer = isEnough ? lent.subarray(0, takenBytes) : new Uint8Array(takenBytes);
    const length = await segment.read(buffer, position);
    await pace.moved(length);
    let at = 0;
    wanted = pieceBytes;
    while (at < length && !pace.isStopped) {
      const step = walkBatch(buffer, at, length, offset, epochAt);
      if (step.kind === "batch") {
        await visit(buffer.subarray(at, at + step.sizeBytes), step.header);
        at += step.sizeBytes;
        offset = step.endOffset;
        const wait = pace.record(step.sizeBytes);
        if (wait !== undefined) await wait;
        continue;
      }
      // A batch that only ends in the next piece is no fault.
      const isWhole = length === buffer.length && position + at + step.neededBytes <= sizeBytes;
      if (step.kind !== "cut-off" || !isWhole) return { offset, why: step.why };
      wanted = Math.max(pieceBytes, step.neededBytes);
      break;
    }
    if (at === 0 && length < batchHeaderBytes) return { offset, why: "the file ends here" };
    position += at;
  }
  if (pace.isStopped || offset === endOffset) return undefined;
  return { offset, why: `the file ends here, and ${endOffset} was synced` };
}
