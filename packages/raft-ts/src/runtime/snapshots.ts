// SPDX-License-Identifier: Apache-2.0
/**
 * Snapshots on their three ways: this node's own to disk, the newest one out to a peer, a leader's in.
 *
 *   own:  cut ──▶ save (durable) ──▶ core forgets ──▶ storage compacts                     one at a time (S2, S3)
 *   out:  open (pinned) ──▶ transport ──▶ verified there, or not                           as many as the core asks for (S4)
 *   in:   offer ──▶ staging ──finish──▶ SnapDone ──▶ the core installs or discards it      one at a time (S5)
 *
 * Invariant: no `install` is written while an own snapshot is being saved or the log compacted, see `whenIdle`.
 */

import type { Ack, SendSnapshot, SnapDone, SnapMeta } from "../core/types.ts";
import type { NodeEvent } from "./node-options.ts";
import type { SnapshotOffer, SnapshotStaging, Storage, Transport } from "./ports.ts";
import type { SnapshotCut } from "./snapshot-cut.ts";
import type { SnapshotPolicy } from "./snapshot-policy.ts";

export interface SnapshotHost {
  /** Runs `event` in a turn of the node, if it still has turns. */
  post(event: () => void): void;
  advance(ack: Ack): void;
  step(done: SnapDone): void;
  snapshotMeta(index: number): SnapMeta | null;
  /** Of what this node knows now: its term, its commit index, and whether it is installing. */
  position(): { readonly self: string; readonly term: number; readonly commit: number; readonly isInstalling: boolean };
  report(event: NodeEvent): void;
  failed(error: Error): void;
}

export class Snapshots {
  readonly counts = { saved: 0, failed: 0, sent: 0, notSent: 0, received: 0 };
  readonly #storage: Storage;
  readonly #transport: Transport;
  readonly #policy: SnapshotPolicy;
  readonly #host: SnapshotHost;
  /** From the cut until the log is compacted. */
  #own: { readonly cut: SnapshotCut; readonly done: Promise<void> } | undefined;
  #incoming: SnapshotStaging | undefined;
  /** Between an offer and its staging. */
  #isStaging = false;
  readonly #outgoing = new Map<AbortController, { readonly request: SendSnapshot; readonly done: Promise<void> }>();
  #isStopped = false;
  /** Ends the wait for a turn that may never come. */
  #tellStopped = (): void => {};

  constructor(storage: Storage, transport: Transport, policy: SnapshotPolicy, host: SnapshotHost) {
    this.#storage = storage;
    this.#transport = transport;
    this.#policy = policy;
    this.#host = host;
  }

  get isSaving(): boolean {
    return this.#own !== undefined;
  }

  get streams(): number {
    return this.#outgoing.size;
  }

  /** In a turn, after the core heard that `index` is applied. */
  take(index: number, cut: SnapshotCut): void {
    const meta = this.#own === undefined && !this.#isStopped ? this.#host.snapshotMeta(index) : null;
    if (meta === null) cut.cancel();
    else this.#own = { cut, done: Promise.resolve().then(() => this.#save(meta, cut)) };
  }

  /** Gives up the own snapshot under way, and resolves when storage is left alone. */
  async whenIdle(): Promise<void> {
    this.#own?.cut.cancel();
    await this.#own?.done;
  }

  async #save(meta: SnapMeta, cut: SnapshotCut): Promise<void> {
    const { index } = meta;
    try {
      const { sizeBytes } = await this.#storage.snapshots.save(meta, cut);
      this.counts.saved += 1;
      this.#host.report({ type: "snapshot-saved", index, sizeBytes });
    } catch (error) {
      // Nothing was published (S2): the log stays, and the next one is tried after a while. A disk that is broken for good
      // ends the node at the next write (P5).
      cut.cancel();
      this.counts.failed += 1;
      this.#policy.failed();
      this.#host.report({ type: "snapshot-failed", index, error: asError(error) });
      this.#own = undefined;
      return;
    }
    await this.#compact(meta);
    this.#own = undefined;
  }

  async #compact(snapshot: SnapMeta): Promise<void> {
    if (this.#isStopped) return;
    const upTo = await new Promise<number>((resolve) => {
      this.#host.post(() => {
        // An install is on its way and takes the log with it.
        if (this.#host.position().isInstalling) return resolve(0);
        const upTo = this.#policy.compactUpTo(snapshot.index);
        this.#host.advance({ type: "compacted", snapshot, upTo });
        resolve(upTo);
      });
      this.#tellStopped = () => resolve(0);
    });
    if (upTo === 0 || this.#isStopped) return;
    try {
      await this.#storage.compact(upTo);
    } catch (error) {
      this.#host.failed(new Error("Cannot compact the log; storage is lost to this node", { cause: error }));
    }
  }

  /** S4: the core wants a stream. It hears how it ended. */
  send(request: SendSnapshot): void {
    const controller = new AbortController();
    const done = this.#send(request, controller.signal).then((ok) => {
      this.#outgoing.delete(controller);
      if (ok) this.counts.sent += 1;
      else this.counts.notSent += 1;
      this.#host.post(() => this.#host.advance({ type: "snapStatus", peer: request.to, ok }));
    });
    this.#outgoing.set(controller, { request, done });
  }

  /** Only the leader of `term` streams; `null`: nobody here does. */
  keepStreamsOf(term: number | null): void {
    for (const [controller, { request }] of this.#outgoing) if (request.term !== term) controller.abort();
  }

  async #send({ to, minIndex, term }: SendSnapshot, signal: AbortSignal): Promise<boolean> {
    try {
      const reader = await this.#storage.snapshots.open();
      if (reader === null) return false;
      try {
        if (reader.description.meta.index < minIndex || signal.aborted) return false;
        await this.#transport.sendSnapshot(to, term, reader, signal);
        return true;
      } finally {
        await reader.close();
      }
    } catch {
      // Streams break; the core asks again when the peer answers.
      return false;
    }
  }

  /** S5: a leader offers its snapshot. Null: not wanted. */
  async receive(offer: SnapshotOffer): Promise<SnapshotStaging | null> {
    const { term, commit, isInstalling } = this.#host.position();
    const isOld = offer.term < term || offer.description.meta.index <= commit;
    if (this.#isStopped || this.#isStaging || this.#incoming !== undefined || isInstalling || isOld) return null;
    this.#isStaging = true;
    try {
      const staging = await this.#storage.snapshots.stage(offer.description);
      if (this.#isStopped) {
        await staging.close();
        return null;
      }
      this.#incoming = staging;
      return this.#watched(offer, staging);
    } finally {
      this.#isStaging = false;
    }
  }

  /** The staging as the transport sees it: when it is finished, the core is told. */
  #watched({ from, term, description }: SnapshotOffer, staging: SnapshotStaging): SnapshotStaging {
    const release = (): void => {
      if (this.#incoming === staging) this.#incoming = undefined;
    };
    return {
      offsetBytes: staging.offsetBytes,
      write: (chunk) => staging.write(chunk),
      finish: async () => {
        const stagedId = await staging.finish().finally(release);
        const { meta } = description;
        this.counts.received += 1;
        this.#host.report({ type: "snapshot-received", index: meta.index, from });
        this.#host.post(() => {
          const { self } = this.#host.position();
          this.#host.step({ type: "SnapDone", from, to: self, term, meta, stagedId });
        });
        return stagedId;
      },
      close: () => staging.close().finally(release),
    };
  }

  discard(stagedId: string): void {
    // What cannot be deleted is garbage that the next open removes.
    this.#storage.snapshots.discard(stagedId).catch(() => {});
  }

  /** Ends everything. Resolves when nothing of it touches storage or transport any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.keepStreamsOf(null);
    this.#tellStopped();
    await Promise.all([this.whenIdle(), ...[...this.#outgoing.values()].map(({ done }) => done)]);
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
