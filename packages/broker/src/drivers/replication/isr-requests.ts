/**
 * What leaders of this node ask the controller: one AlterPartition at a time, for all partitions that wait.
 *
 *   asks ──> waiting ── end of the turn ──> submit ─┬─ a verdict that decides: the leader adopts it
 *      ▲                                            └─ anything else says nothing: asked again, the very same
 *      └────────────── each `retryMs`, until the leader's proposal is decided or its leadership is over
 */
import type { AlterPartitionReply, Command, Outcome, PartitionProposal, ReplyOf } from "@varve/cluster";
import type { Clock } from "@varve/log";
import type { LocalPartition } from "../partition.ts";
import type { TimingWheel } from "../timing-wheel.ts";

export type Submit = <C extends Command>(command: C) => Promise<Outcome<ReplyOf<C>>>;

export interface IsrRequestsDependencies {
  readonly submit: Submit;
  readonly me: () => { readonly brokerId: number; readonly brokerEpoch: number };
  readonly clock: Pick<Clock, "nextTurn">;
  readonly wheel: TimingWheel;
  /** An ISR was changed, by so many members. */
  readonly changed: (members: number) => void;
}

/** In one command. */
const proposalsMax = 500;
const retryMs = 200;

export class IsrRequests {
  readonly #dependencies: IsrRequestsDependencies;
  readonly #waiting = new Set<LocalPartition>();
  #isUnderWay = false;
  #isScheduled = false;
  /** The last answer decided nothing. */
  #isPausing = false;

  constructor(dependencies: IsrRequestsDependencies) {
    this.#dependencies = dependencies;
  }

  /** Partitions whose wish is not decided. */
  get size(): number {
    return this.#waiting.size;
  }

  ask(partition: LocalPartition): void {
    this.#waiting.add(partition);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isScheduled || this.#isUnderWay || this.#isPausing) return;
    this.#isScheduled = true;
    this.#dependencies.clock.nextTurn(() => {
      this.#isScheduled = false;
      void this.#send();
    });
  }

  async #send(): Promise<void> {
    if (this.#isUnderWay) return;
    const proposals = this.#proposals();
    const me = this.#dependencies.me();
    if (proposals.size === 0 || me.brokerEpoch < 0) return;
    this.#isUnderWay = true;
    const partitions = [...proposals.values()];
    const outcome = await this.#dependencies.submit({ kind: "alterPartition", ...me, partitions });
    this.#isUnderWay = false;
    const decided = outcome.kind === "refused" ? false : this.#adopt(proposals, outcome.reply);
    if (this.#waiting.size === 0) return;
    if (decided) this.#schedule();
    else this.#pause();
  }

  #pause(): void {
    this.#isPausing = true;
    this.#dependencies.wheel.schedule(retryMs, () => {
      this.#isPausing = false;
      this.#schedule();
    });
  }

  /** What is still wanted, by name. */
  #proposals(): Map<string, PartitionProposal> {
    const proposals = new Map<string, PartitionProposal>();
    const taken: LocalPartition[] = [];
    for (const partition of this.#waiting) {
      const proposal = partition.leading?.proposal;
      if (proposal === undefined) {
        this.#waiting.delete(partition);
        continue;
      }
      if (proposals.size >= proposalsMax) break;
      const { topicId, partition: number } = partition.log.id;
      proposals.set(`${topicId}/${number}`, { topicId, partition: number, ...proposal });
      taken.push(partition);
    }
    // To the end: the next command takes others.
    for (const partition of taken) this.#waiting.delete(partition);
    for (const partition of taken) this.#waiting.add(partition);
    return proposals;
  }

  /** Whether everything was decided. */
  #adopt(proposals: ReadonlyMap<string, PartitionProposal>, { partitions }: AlterPartitionReply): boolean {
    const asked = new Map([...this.#waiting].map((one) => [`${one.log.id.topicId}/${one.log.id.partition}`, one]));
    let decided = 0;
    for (const verdict of partitions) {
      const name = `${verdict.topicId}/${verdict.partition}`;
      if (verdict.kind === "refused" || !proposals.has(name)) continue;
      decided++;
      const partition = asked.get(name);
      if (partition === undefined) continue;
      this.#waiting.delete(partition);
      const before = partition.leading?.state.isr.committed.isr.length ?? 0;
      if (verdict.kind === "changed") this.#dependencies.changed(verdict.state.isr.length - before);
      // May want the next thing, and ask.
      partition.adopt(verdict.state);
    }
    return decided === proposals.size;
  }
}
