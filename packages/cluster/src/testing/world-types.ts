// The abstract world as its oracle sees it.

import type { Coverage } from "raft-ts/testing";
import type { ControllerImage, Partition } from "../controller/state.ts";
import type { Leadership } from "../partition/leadership.ts";
import type { EntryLog } from "./entry-log.ts";

export interface SeenBroker {
  readonly id: number;
  readonly log: EntryLog;
  /** On disk, and below the damage that was found and not cut off yet. */
  readonly soundEnd: number;
  readonly process: { readonly brokerEpoch: number; readonly seen: Partition | undefined } | undefined;
  readonly leadership: Leadership | undefined;
  /** How the former process ended, until the next one has registered. */
  readonly ended: "crash" | "power" | "wipe" | undefined;
  /** How the log is written: what counts under `os` is in memory only. */
  readonly isJournaled: boolean;
  isRetained(partition: Partition | undefined): boolean;
}

export interface SeenWorld {
  readonly brokers: readonly SeenBroker[];
  readonly coverage: Coverage;
  /** Faults beyond what is tolerated happen, and elections that may lose what was committed. */
  readonly isReckless: boolean;
  readonly topicId: string;
  /** Every committed state of the controller; a broker's metadata is one of them. */
  readonly history: readonly ControllerImage[];
  /** The newest. */
  readonly image: ControllerImage;
  readonly partition: Partition;
  partitionIn(image: ControllerImage): Partition | undefined;
  broker(id: number): SeenBroker;
}
