/** Which partition. The topic id is what counts: a topic that was deleted and made again has another one (F-7). */
export interface PartitionId {
  /** 32 lower-case hexadecimal digits. */
  readonly topicId: string;
  readonly topic: string;
  /** From 0. */
  readonly partition: number;
}
