/**
 * What is known of one partition in memory; shared by the parts that work on it (`partition-log.ts` appends and reads,
 * `partition-writer.ts` moves bytes, `partition-cuts.ts` changes what there is).
 *
 *   log start ≤ high watermark ≤ counted ≤ log end
 */
import type { EpochRuns } from "@varve/format";
import type { Damage, Quarantine } from "./checkpoint-file.ts";
import type { LogError } from "./errors.ts";
import type { PartitionId } from "./partition-id.ts";
import type { LogConfig, PartitionState } from "./partition-types.ts";
import type { ProducerState } from "./producer-state.ts";

export interface PartitionMemoryState {
  readonly id: PartitionId;
  readonly config: LogConfig;
  readonly epochs: EpochRuns;
  readonly producers: ProducerState;
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly logEndOffset: number;
  readonly state: PartitionState;
  /** J-13: the next start is to say again that something is gone. */
  readonly isLossy: boolean;
  /** @default 0 */
  readonly cleanedTo?: number;
}

export class PartitionMemory {
  readonly id: PartitionId;
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly epochs: EpochRuns;
  producers: ProducerState;
  config: LogConfig;
  state: PartitionState;
  isLossy: boolean;
  logStartOffset: number;
  highWatermark: number;
  logEndOffset: number;
  countedOffset: number;
  /** While a truncation is under way nothing at or above is served (G-3). */
  readLimit = Number.MAX_SAFE_INTEGER;
  /** Jobs under way whose records may be durable while memory or files do not show it yet: no checkpoint begins (J-8). */
  openCuts = 0;
  /** J-20: compaction has been through everything below. */
  cleanedTo: number;
  /** How often the end was cut off: whoever read records meanwhile may have read some that are gone. */
  cutCount = 0;
  /** Epochs whose start no round has made durable yet, oldest first (F-4). */
  readonly undurableEpochs: { epoch: number; start: number }[] = [];
  readonly #listeners = new Set<() => void>();
  #damage: Quarantine | undefined;

  constructor(state: PartitionMemoryState) {
    this.id = state.id;
    this.key = `${state.id.topicId}/${state.id.partition}`;
    this.name = `partition ${state.id.topic}-${state.id.partition}`;
    this.epochs = state.epochs;
    this.producers = state.producers;
    this.config = state.config;
    this.state = state.state;
    this.isLossy = state.isLossy;
    this.cleanedTo = state.cleanedTo ?? 0;
    if (state.state.kind === "quarantined") {
      const { file, offset, end, why } = state.state;
      this.#damage = { file, offset, end, why };
    }
    this.logStartOffset = state.logStartOffset;
    this.logEndOffset = Math.max(state.logEndOffset, state.logStartOffset);
    this.countedOffset = this.logEndOffset;
    // F-5: a lower bound only.
    this.highWatermark = Math.min(Math.max(state.highWatermark, state.logStartOffset), this.logEndOffset);
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  notify(): void {
    for (const listener of this.#listeners) listener();
  }

  setState(state: PartitionState): void {
    this.state = state;
    this.notify();
  }

  /** Whether it may be read and repaired, but takes part in nothing any more. */
  get isEnded(): boolean {
    return this.state.kind === "closed" || this.state.kind === "failed";
  }

  /** J-14: nothing is appended any more. */
  fail(error: LogError): void {
    if (!this.isEnded) this.setState({ kind: "failed", error });
  }

  /** What the checkpoint says of damage, whatever becomes of `state`: it outlives the process (J-12). */
  get damage(): Quarantine | undefined {
    return this.#damage;
  }

  /** J-12: until it is refilled or accepted. */
  quarantine({ file, offset, why }: Damage): void {
    const end = Math.max(this.#damage?.end ?? 0, this.logEndOffset);
    this.#damage = { file, offset, end, why };
    this.setState({ kind: "quarantined", ...this.#damage });
  }

  /** The loss was accepted, or the partition starts anew. */
  damageEnded(state: PartitionState): void {
    this.#damage = undefined;
    this.setState(state);
  }

  /** Everything below `offset` counts. */
  counted(offset: number): void {
    if (offset > this.countedOffset) this.countedOffset = offset;
  }

  epochDurable(epoch: number): void {
    while ((this.undurableEpochs[0]?.epoch ?? Number.MAX_SAFE_INTEGER) <= epoch) this.undurableEpochs.shift();
  }
}
