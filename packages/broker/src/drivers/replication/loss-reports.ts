/**
 * F-9: partitions of this node in which what had counted is damaged; H-10: those whose files have failed while others are in sync. The
 * controller is told, every tick until its metadata say that the replica does not count; a report that is repeated costs a leader epoch,
 * and nothing else.
 */
import { givesWay } from "../giving-way.ts";
import type { LocalPartition } from "../partition.ts";
import type { Submit } from "./isr-requests.ts";

export interface LossReportsDependencies {
  readonly submit: Submit;
  readonly me: () => { readonly brokerId: number; readonly brokerEpoch: number };
  readonly tell: (fields: object, event: string) => void;
}

/** In one command. */
const reportsMax = 500;

export class LossReports {
  readonly #dependencies: LossReportsDependencies;
  readonly #waiting = new Set<LocalPartition>();
  #isUnderWay = false;

  constructor(dependencies: LossReportsDependencies) {
    this.#dependencies = dependencies;
  }

  add(partition: LocalPartition): void {
    this.#waiting.add(partition);
  }

  /** Tells the controller what it has not taken in, if anything. */
  send(): void {
    const me = this.#dependencies.me();
    for (const partition of this.#waiting) if (!counts(partition, me.brokerId)) this.#waiting.delete(partition);
    if (this.#isUnderWay || this.#waiting.size === 0 || me.brokerEpoch < 0) return;
    const partitions = [...this.#waiting].slice(0, reportsMax).map(({ log }) => log.id);
    this.#dependencies.tell({ partitions: partitions.length }, "damaged replicas are reported to the controller");
    this.#isUnderWay = true;
    void this.#dependencies
      .submit({
        kind: "reportLossy",
        ...me,
        partitions: partitions.map(({ topicId, partition }) => ({ topicId, partition })),
      })
      .then(() => {
        // Whatever the answer: the metadata say whether it was taken in.
        this.#isUnderWay = false;
      });
  }
}

/** Whether the controller may believe that this replica is whole, and it is not. */
function counts({ log, placement, fetcher }: LocalPartition, nodeId: number): boolean {
  if (placement?.leader === nodeId) return givesWay(log.state, placement);
  if (placement === undefined) return false;
  if (log.state.kind === "failed") return placement.isr.includes(nodeId) && givesWay(log.state, placement);
  if (log.state.kind !== "quarantined") return false;
  if (fetcher !== undefined && !fetcher.isStopped) return fetcher.mayCountDamaged;
  return placement.isr.includes(nodeId) || placement.elr.includes(nodeId);
}
