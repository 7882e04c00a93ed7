/**
 * A refusal is a value: why a request was not done, for the one who asked. Decisions return it; the doors (gRPC, later Kafka and
 * HTTP) turn it into their status. `reason` is one of the table in `@varve/format`, which says whether trying again helps.
 */
import type { ErrorFields } from "@varve/api";
import { type Reason, reasons } from "@varve/format";

export interface Refusal {
  readonly reason: Reason;
  /** Failed action first, values quoted, what to do. */
  readonly message: string;
  /** Facts for programs: current and wanted values, as text. */
  readonly metadata: Readonly<Record<string, string>>;
}

/** Tells a refusal from whatever else could have been the answer. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "reason" in value && "message" in value && "metadata" in value;
}

export function refuse(reason: Reason, message: string, metadata: Record<string, string | number> = {}): Refusal {
  const texts: Record<string, string> = {};
  for (const [name, value] of Object.entries(metadata)) texts[name] = String(value);
  return { reason, message, metadata: texts };
}

/** A refusal of a part, in the answer for the whole. */
export function errorFieldsOf({ reason, message, metadata }: Refusal): ErrorFields {
  return { reason, message, retriable: reasons[reason].retriable, metadata };
}
