// Sessions of consumer groups for measuring: raw Join streams, as a generated client would have them.

import { type ClientDuplexStream, Metadata } from "@grpc/grpc-js";
import type { GroupsClient, JoinRequestMessage, JoinResponseOutput } from "@varve/api";

/** A member that takes in what it is told at once, and gives back at once what it is asked for. */
export class GroupSession {
  readonly held = new Set<string>();
  generation = -1;
  /** Partitions that it was told to read, those included that it had before and lost. */
  assigned = 0;
  onChange: (() => void) | undefined;
  onCommitted: ((isCommitted: boolean) => void) | undefined;
  readonly #stream: ClientDuplexStream<JoinRequestMessage, JoinResponseOutput>;
  #isClosing = false;
  readonly #ended: Promise<void>;

  constructor(client: GroupsClient, group: string, topics: string[]) {
    this.#stream = client.Join(new Metadata(), {});
    this.#stream.on("data", (response: JoinResponseOutput) => this.#hear(response));
    this.#ended = new Promise((resolve, reject) => {
      this.#stream.on("end", resolve);
      this.#stream.on("error", (error) => {
        if (this.#isClosing) resolve();
        else reject(error);
      });
    });
    this.#stream.write({ join: { group, topics, start: { earliest: true } } });
  }

  commit(topic: string, partition: number, offset: number): void {
    this.#stream.write({ commit: { generation: this.generation, offsets: [{ topic, partition, offset }] } });
  }

  /** Leaves, and waits until the broker has taken that in. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#stream.write({ leave: {} });
    this.#stream.end();
    await this.#ended;
  }

  #hear({ assignment, commit }: JoinResponseOutput): void {
    if (commit !== undefined && commit !== null) {
      this.onCommitted?.(commit.error == null && commit.offsets.every(({ error }) => error == null));
      return;
    }
    if (assignment === undefined || assignment === null) return;
    this.generation = assignment.generation;
    for (const { topic, partition } of assignment.assign) this.held.add(`${topic}/${partition}`);
    this.assigned += assignment.assign.length;
    for (const { topic, partition } of [...assignment.revoke, ...assignment.lost]) {
      this.held.delete(`${topic}/${partition}`);
    }
    if (assignment.revoke.length > 0) {
      this.#stream.write({ revoked: { generation: this.generation, partitions: assignment.revoke } });
    }
    this.onChange?.();
  }
}
