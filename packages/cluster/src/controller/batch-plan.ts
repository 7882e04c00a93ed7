// One controller batch in the making (C-3): commands are validated one after another against the committed image with the
// records of this batch on top, until the batch is full or nobody waits. On commit the overlay is what the image will be; on
// loss it is thrown away. An immutable value, so throwing it away is all there is to it.

import { batchBytesMax, batchRecordsMax } from "../limits.ts";
import { recordSizeBytes } from "./batch.ts";
import { decide } from "./commands.ts";
import type { Command, ReplyOf } from "./commands.ts";
import type { DecisionContext, Refusal } from "./decision.ts";
import type { MetadataRecord } from "./records.ts";
import { replayAll } from "./replay.ts";
import type { ControllerImage } from "./state.ts";

export interface BatchPlan {
  /** The committed image, and the records of this batch on top. */
  readonly overlay: ControllerImage;
  readonly records: readonly MetadataRecord[];
  readonly sizeBytes: number;
}

/** What the caller of a command gets, once everything it depends on is committed (C-4). */
export type Outcome<Reply> =
  | { readonly kind: "done"; readonly reply: Reply }
  | { readonly kind: "refused"; readonly refusal: Refusal };

export type PlanStep<Reply> =
  /** The command is in; `rest` is what did not fit and has to begin the next batch, before any other command (C-5). */
  | {
      readonly kind: "planned";
      readonly plan: BatchPlan;
      readonly outcome: Outcome<Reply>;
      readonly rest: readonly MetadataRecord[];
    }
  /** It has to be validated again for the next batch. Never so on an empty plan. */
  | { readonly kind: "full" };

export function emptyPlan(image: ControllerImage): BatchPlan {
  return { overlay: image, records: [], sizeBytes: 0 };
}

/** `plan` with `command` validated on top of it. Of a command that may be spread, no more than `recordsMax` in one batch. */
export function planCommand<C extends Command>(
  plan: BatchPlan,
  command: C,
  context: DecisionContext,
  recordsMax = batchRecordsMax,
): PlanStep<ReplyOf<C>> {
  const decision = decide(plan.overlay, command, context);
  if ("refusal" in decision)
    return { kind: "planned", plan, outcome: { kind: "refused", refusal: decision.refusal }, rest: [] };
  const next = planRecords(plan, decision.records, decision.atomic ? batchRecordsMax : recordsMax);
  if (next.rest.length > 0 && (decision.atomic || plan.records.length > 0)) return { kind: "full" };
  return { kind: "planned", plan: next.plan, outcome: { kind: "done", reply: decision.reply }, rest: next.rest };
}

/** `plan` with as many of `records` as fit, and a batch of at most `recordsMax`. */
export function planRecords(
  plan: BatchPlan,
  records: readonly MetadataRecord[],
  recordsMax = batchRecordsMax,
): { readonly plan: BatchPlan; readonly rest: readonly MetadataRecord[] } {
  let { sizeBytes } = plan;
  let count = 0;
  for (const record of records) {
    const recordBytes = recordSizeBytes(record);
    if (plan.records.length + count >= recordsMax || sizeBytes + recordBytes > batchBytesMax) break;
    sizeBytes += recordBytes;
    count++;
  }
  const taken = records.slice(0, count);
  const overlay = replayAll(plan.overlay, taken);
  return { plan: { overlay, sizeBytes, records: [...plan.records, ...taken] }, rest: records.slice(count) };
}
