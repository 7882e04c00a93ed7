/**
 * The commands of the model test: plain data, so that a failing run is printed, replayed and shrunk.
 *
 * Numbers named `at` are fractions of what is there when the command runs (a partition, an offset, a byte), so every
 * command makes sense in every state, and leaving one out leaves the others meaningful.
 */
import type { DiskOperation } from "./simulated-disk.ts";

export type StoreCommand =
  | {
      readonly kind: "append";
      readonly slot: number;
      readonly batches: number;
      readonly records: number;
      readonly valueBytes: number;
      readonly withProducer: boolean;
    }
  | {
      readonly kind: "append-as-follower";
      readonly slot: number;
      readonly batches: number;
      readonly valueBytes: number;
      readonly newEpoch: boolean;
    }
  | { readonly kind: "resend"; readonly slot: number }
  | { readonly kind: "events"; readonly count: number }
  | { readonly kind: "idle"; readonly durationMs: number }
  | { readonly kind: "truncate"; readonly slot: number; readonly at: number; readonly patience: number }
  | { readonly kind: "restart"; readonly slot: number; readonly gap: number; readonly patience: number }
  | { readonly kind: "start-epoch"; readonly slot: number }
  | { readonly kind: "change-flush"; readonly slot: number; readonly patience: number }
  | { readonly kind: "high-watermark"; readonly slot: number; readonly at: number }
  | { readonly kind: "retention"; readonly slot: number; readonly bytes: number; readonly patience: number }
  | { readonly kind: "compact"; readonly slot: number; readonly patience: number }
  | { readonly kind: "delete-records"; readonly slot: number; readonly at: number; readonly patience: number }
  | { readonly kind: "checkpoint"; readonly patience: number }
  | { readonly kind: "create"; readonly slot: number; readonly flush: "sync" | "os"; readonly patience: number }
  | { readonly kind: "delete"; readonly slot: number; readonly patience: number }
  | { readonly kind: "read"; readonly slot: number; readonly at: number; readonly maxBytes: number }
  | { readonly kind: "find-time"; readonly slot: number; readonly at: number }
  | { readonly kind: "follow"; readonly slot: number }
  | {
      readonly kind: "fault";
      readonly operation: DiskOperation;
      readonly path: "journal" | "topics" | "";
      readonly effect: "fail" | "hang";
      readonly noSpace: boolean;
      readonly skip: number;
    }
  | { readonly kind: "quota"; readonly freeBytes: number }
  | {
      readonly kind: "crash";
      readonly power: boolean;
      /** The process dies after so many more effects; 0 at once. */
      readonly effects: number;
      readonly seed: number;
      /** Crashes inside the recoveries that follow, as effects after their start. */
      readonly again: readonly { readonly power: boolean; readonly effects: number }[];
      /** `among`: a part of the path, for files that are few among many. Only where it can be noticed: `lose`. */
      readonly flip:
        | {
            readonly among: string;
            readonly file: number;
            readonly at: number;
            readonly bit: number;
            readonly lose: "nothing" | "end" | "file";
          }
        | undefined;
    }
  | { readonly kind: "reopen" };

export interface StoreCase {
  readonly seed: number;
  readonly commands: readonly StoreCommand[];
}
