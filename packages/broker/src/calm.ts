/**
 * For how long nothing has been elected, loaded or caught up with, as far as this node can see: whoever wants to hold its process up for a
 * moment asks here.
 *
 *   role of the metadata group, brokers, partitions ── each change ──> since when it is calm; `isSettled`: whether it is at all
 */
import { type ControllerImage, type MetadataRecord, brokerOf, isActive, noLeader } from "@varve/cluster";
import type { Clock } from "@varve/log";
import type { Controller } from "./drivers/controller.ts";

/** Records of who is there, who leads and who is in sync; a settled cluster writes none. */
const unrest: ReadonlySet<MetadataRecord["type"]> = new Set([
  "Partition",
  "PartitionChange",
  "RegisterBroker",
  "BrokerChange",
  "UnregisterBroker",
]);

/** This node is let in, and in sync wherever it has a replica. The active controller minds everybody who is there. */
export function isSettled(image: ControllerImage, nodeId: number, isController: boolean): boolean {
  const isThere = (id: number): boolean => {
    const broker = brokerOf(image, id);
    return broker !== undefined && isActive(broker);
  };
  if (!isThere(nodeId)) return false;
  for (const { partitions } of image.topics.values()) {
    for (const { replicas, isr, leader } of partitions) {
      const minded = isController ? replicas.filter(isThere) : replicas.filter((id) => id === nodeId);
      if (minded.length > 0 && (leader === noLeader || !minded.every((id) => isr.includes(id)))) return false;
    }
  }
  return true;
}

type Watched = Pick<Controller, "image" | "role" | "subscribe" | "watchRole">;

export class Calm {
  readonly #controller: Watched;
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #nodeId: number;
  readonly #stops: readonly (() => void)[];
  #changedMs: number;
  /** An idle cluster has the same image for hours, and thousands of partitions. */
  #looked: { readonly image: ControllerImage; readonly isController: boolean; readonly isSettled: boolean } | undefined;

  constructor(controller: Watched, nodeId: number, clock: Pick<Clock, "monotonicMs">) {
    this.#controller = controller;
    this.#clock = clock;
    this.#nodeId = nodeId;
    this.#changedMs = clock.monotonicMs();
    const changed = (): void => {
      this.#changedMs = clock.monotonicMs();
    };
    this.#stops = [
      controller.watchRole(changed),
      controller.subscribe((_, records) => {
        // None: it comes from a snapshot, and this node was far behind.
        if (records.length === 0 || records.some(({ type }) => unrest.has(type))) changed();
      }),
    ];
  }

  /** In ms; 0 while something is not as it should be. */
  get forMs(): number {
    const { image, role } = this.#controller;
    const isKnown = role.kind === "leader" || role.leaderId !== undefined;
    if (!isKnown || !this.#isSettled(image, role.kind === "leader")) return 0;
    return this.#clock.monotonicMs() - this.#changedMs;
  }

  #isSettled(image: ControllerImage, isController: boolean): boolean {
    if (this.#looked?.image !== image || this.#looked.isController !== isController) {
      this.#looked = { image, isController, isSettled: isSettled(image, this.#nodeId, isController) };
    }
    return this.#looked.isSettled;
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }
}
