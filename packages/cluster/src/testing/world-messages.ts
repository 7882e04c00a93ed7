// The messages of the abstract world.

import type { PartitionVerdict } from "../controller/alter-partition.ts";
import type { IsrProposal } from "../partition/isr.ts";
import type { FetchAnswer, FetchRequest } from "../partition/replica.ts";

/** What travels. Everything carries the incarnation that it belongs to. */
export type Message =
  | { readonly kind: "fetch"; readonly from: number; readonly to: number; readonly request: FetchRequest }
  | {
      readonly kind: "answer";
      readonly to: number;
      readonly answer: FetchAnswer;
      /** Of the answer's batches. */
      readonly values: readonly number[];
    }
  | {
      readonly kind: "synced";
      readonly from: number;
      readonly to: number;
      readonly brokerEpoch: number;
      readonly leaderEpoch: number;
      readonly durableOffset: number;
    }
  | { readonly kind: "alter"; readonly from: number; readonly brokerEpoch: number; readonly proposal: IsrProposal }
  | { readonly kind: "altered"; readonly to: number; readonly brokerEpoch: number; readonly verdict: PartitionVerdict }
  | {
      readonly kind: "confirm";
      readonly from: number;
      readonly brokerEpoch: number;
      readonly leaderEpoch: number;
      readonly partitionEpoch: number;
    };
