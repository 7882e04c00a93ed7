/**
 * J-3: the leader epochs of one partition, as the controller gives them to this node. After a failed write the leader asks for one, again
 * and again, once the disk has room; while its log is being cut back the log takes none, so that what was given is not asked for twice.
 */
import type { LocalPartition, PartitionDependencies } from "./partition.ts";

const retryMs = 500;

export interface EpochRequestsDependencies extends Pick<PartitionDependencies, "wheel" | "whySpaceRefused" | "log"> {
  /** The latest epoch that was begun here. */
  readonly begun: () => number;
  /** Looks again whether an epoch is needed. */
  readonly goOn: () => void;
  readonly request: (begun: number) => Promise<number>;
}

type Target = Pick<LocalPartition, "topic" | "partition" | "log" | "closedBy">;

export class EpochRequests {
  readonly #partition: Target;
  readonly #dependencies: EpochRequestsDependencies;
  /** The newest epoch that the controller gave. */
  #granted = -1;
  #isAsking = false;

  constructor(partition: Target, dependencies: EpochRequestsDependencies) {
    this.#partition = partition;
    this.#dependencies = dependencies;
  }

  get isAsking(): boolean {
    return this.#isAsking;
  }

  /** The metadata give it. */
  granted(epoch: number): void {
    this.#granted = Math.max(this.#granted, epoch);
  }

  /** One that was given and not begun, or a new one. Rejects when there is no controller now. */
  async next(): Promise<number> {
    const begun = this.#dependencies.begun();
    if (this.#granted <= begun) this.granted(await this.#dependencies.request(begun));
    return this.#granted;
  }

  /** Asks for one, or waits for room or for the one that was given; then `goOn`, while the log still needs one. Not twice at once. */
  ask(): void {
    const { wheel, whySpaceRefused, begun, request, log: tell, goOn } = this.#dependencies;
    const { topic, partition, log } = this.#partition;
    this.#isAsking = true;
    const again = (): void => {
      this.#isAsking = false;
      if (log.state.kind === "needs-epoch") goOn();
    };
    const now = begun();
    if (this.#granted > now || whySpaceRefused() !== undefined) {
      wheel.schedule(retryMs, again);
      return;
    }
    request(now).then(
      (epoch) => {
        // It begins with the metadata that say so.
        this.granted(epoch);
        if (this.#partition.closedBy === undefined)
          tell({ topic, partition, epoch }, "partition has a new leader epoch");
        again();
      },
      (error: unknown) => {
        tell({ topic, partition, error: String(error) }, "no new leader epoch yet, asking again");
        wheel.schedule(retryMs, again);
      },
    );
  }
}
