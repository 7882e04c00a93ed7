/** A member of a group in its session, as a generated client would be: what tests of groups share. */
import { type ClientDuplexStream, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  type CommitResultOutput,
  type JoinRequestMessage,
  type JoinResponseOutput,
  type MemberSubscriptionMessage,
  errorFromStatus,
} from "@varve/api";
import { type TestBroker, until } from "./test-broker.ts";

export class TestMember {
  memberId = "";
  generation = -1;
  /** What it has, by `topic/partition`: the offset it was told to go on from. */
  readonly held = new Map<string, number>();
  /** By `topic/partition`: the topic that it is in. */
  readonly topicIds = new Map<string, string>();
  /** Every message, in order. */
  readonly heard: JoinResponseOutput[] = [];
  /** How the stream ended; undefined: it has not. */
  ended: { readonly error: Error | undefined } | undefined;
  /** Gives back at once what it is asked for. */
  isWilling = true;
  readonly #stream: ClientDuplexStream<JoinRequestMessage, JoinResponseOutput>;
  readonly #commits = new Map<
    number,
    { readonly resolve: (result: CommitResultOutput) => void; readonly reject: (error: Error) => void }
  >();
  #requests = 0;

  constructor(node: TestBroker, join: MemberSubscriptionMessage) {
    this.#stream = node.groups.Join(new Metadata(), {});
    this.#stream.on("data", (response: JoinResponseOutput) => this.#hear(response));
    this.#stream.on("error", (error: ServiceError) => this.#broke(errorFromStatus(error)));
    this.#stream.on("end", () => (this.ended ??= { error: undefined }));
    this.say({ join });
  }

  /** In its group, with exactly these partitions (`topic/partition`), or so many. */
  static async join(
    node: TestBroker,
    join: MemberSubscriptionMessage,
    held: readonly string[] | number = 0,
  ): Promise<TestMember> {
    const member = new TestMember(node, join);
    await member.has(held);
    return member;
  }

  say(request: JoinRequestMessage): void {
    this.#stream.write(request);
  }

  async has(held: readonly string[] | number): Promise<void> {
    const wanted = typeof held === "number" ? undefined : [...held].sort().join();
    await until(`${this.memberId} has ${JSON.stringify(held)}`, () => {
      if (this.ended !== undefined) throw this.ended.error ?? new Error("The session ended");
      if (this.generation < 0) return false;
      return wanted === undefined ? this.held.size >= Number(held) : [...this.held.keys()].sort().join() === wanted;
    });
  }

  commit(
    offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[],
    generation = this.generation,
  ): Promise<CommitResultOutput> {
    const requestId = ++this.#requests;
    return new Promise((resolve, reject) => {
      this.#commits.set(requestId, { resolve, reject });
      const committed = offsets.map((one) => ({ leaderEpoch: -1, metadata: "", ...one }));
      this.say({ commit: { requestId, generation, offsets: committed } });
    });
  }

  /** Closes its side, and waits for the other. */
  async leave(): Promise<void> {
    this.#stream.end();
    await until("the session ends", () => this.ended !== undefined);
  }

  /** The connection breaks. */
  break(): void {
    this.ended ??= { error: undefined };
    this.#stream.cancel();
  }

  #broke(error: Error): void {
    this.ended ??= { error };
    for (const { reject } of this.#commits.values()) reject(error);
    this.#commits.clear();
  }

  #hear(response: JoinResponseOutput): void {
    this.heard.push(response);
    const { joined, assignment, commit } = response;
    if (joined) this.memberId = joined.memberId;
    if (commit) {
      this.#commits.get(commit.requestId)?.resolve(commit);
      this.#commits.delete(commit.requestId);
    }
    if (!assignment) return;
    this.generation = assignment.generation;
    for (const { topic, partition } of assignment.lost) this.held.delete(`${topic}/${partition}`);
    for (const { topic, topicId, partition, offset } of assignment.assign) {
      this.held.set(`${topic}/${partition}`, offset);
      this.topicIds.set(`${topic}/${partition}`, topicId);
    }
    if (!this.isWilling || assignment.revoke.length === 0) return;
    for (const { topic, partition } of assignment.revoke) this.held.delete(`${topic}/${partition}`);
    this.say({ revoked: { generation: assignment.generation, partitions: assignment.revoke } });
  }
}
