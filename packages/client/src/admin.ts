// SPDX-License-Identifier: Apache-2.0
// Topics, configuration, offsets, the cluster: one promise for each call.
//
// Calls that only look are repeated when a broker does not answer; calls that change something are not, since a lost answer
// does not tell whether it was done. Every call rejects with VarveError.

import {
  errorFromFields,
  positionToMessage,
  VarveError,
  type AcceptLossResponseOutput,
  type ConfigEntryOutput,
  type ConfigOperationMessage,
  type DescribeClusterResponseOutput,
  type ElectLeadersRequestMessage,
  type ElectionResultOutput,
  type PartitionDeletionResultOutput,
  type PartitionOffsetsOutput,
  type PartitionStatusOutput,
  type Position,
  type ReplaceControllerResponseOutput,
  type TopicDescriptionOutput,
  type TopicSummaryOutput,
} from "@varve/api";
import type { CallControl } from "./call.ts";
import type { Connection } from "./connection.ts";
import { checkPlace } from "./places.ts";

export interface CreateTopicOptions {
  readonly topic: string;
  /** @default the cluster's */
  readonly partitions?: number | undefined;
  /** @default 3, or as many as there are brokers if that is fewer */
  readonly replicationFactor?: number | undefined;
  readonly configs?: Readonly<Record<string, string>> | undefined;
  /** Check all, create nothing. @default false */
  readonly validateOnly?: boolean | undefined;
}

/** Topics in one answer of ListTopics; pages are gathered here. */
const topicsPerPage = 1000;

export class Admin {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Creates a topic; resolves with it. */
  async createTopic(options: CreateTopicOptions, control?: CallControl): Promise<TopicDescriptionOutput> {
    const { topic, partitions, replicationFactor, configs = {}, validateOnly = false } = options;
    const request = {
      topic,
      configs: { ...configs },
      validateOnly,
      ...(partitions === undefined ? {} : { partitions }),
      ...(replicationFactor === undefined ? {} : { replicationFactor }),
    };
    const response = await this.#connection.once(({ admin }) => admin.CreateTopic.bind(admin, request), control);
    return present(response.topic);
  }

  /** Deletes a topic and its records; resolves with the topic as it was. */
  async deleteTopic(
    options: { topic: string; topicId?: string | undefined; validateOnly?: boolean | undefined },
    control?: CallControl,
  ): Promise<TopicDescriptionOutput> {
    const request = {
      topic: options.topic,
      topicId: options.topicId ?? "",
      validateOnly: options.validateOnly ?? false,
    };
    const response = await this.#connection.once(({ admin }) => admin.DeleteTopic.bind(admin, request), control);
    return present(response.topic);
  }

  async describeTopic(options: { topic: string }, control?: CallControl): Promise<TopicDescriptionOutput> {
    const request = { topic: options.topic };
    const response = await this.#connection.retrying(({ admin }) => admin.DescribeTopic.bind(admin, request), control);
    const topic = present(response.topic);
    this.#connection.learnTopic(options.topic, topic);
    return topic;
  }

  /** All topics, by name. */
  async listTopics(
    options: { prefix?: string | undefined; includeInternal?: boolean | undefined } = {},
    control?: CallControl,
  ): Promise<TopicSummaryOutput[]> {
    const topics: TopicSummaryOutput[] = [];
    let pageToken = "";
    do {
      const { prefix = "", includeInternal = false } = options;
      const request = { prefix, includeInternal, pageSize: topicsPerPage, pageToken };
      const page = await this.#connection.retrying(({ admin }) => admin.ListTopics.bind(admin, request), control);
      topics.push(...page.topics);
      if (page.nextPageToken === pageToken && pageToken !== "") {
        throw new VarveError("INTERNAL", "Cannot list topics: the broker sent the same page twice");
      }
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return topics;
  }

  /** Gives a topic more partitions: `totalCount` in all. */
  async addPartitions(
    options: { topic: string; totalCount: number; validateOnly?: boolean | undefined },
    control?: CallControl,
  ): Promise<TopicDescriptionOutput> {
    const request = {
      topic: options.topic,
      totalCount: options.totalCount,
      validateOnly: options.validateOnly ?? false,
    };
    const response = await this.#connection.once(({ admin }) => admin.AddPartitions.bind(admin, request), control);
    return present(response.topic);
  }

  /** Sets and deletes configuration keys, all or none; resolves with every key as it is then. */
  async alterTopicConfig(
    options: { topic: string; operations: readonly ConfigOperationMessage[]; validateOnly?: boolean | undefined },
    control?: CallControl,
  ): Promise<ConfigEntryOutput[]> {
    const { topic, operations, validateOnly = false } = options;
    const request = { topic, operations: [...operations], validateOnly };
    const response = await this.#connection.once(({ admin }) => admin.AlterTopicConfig.bind(admin, request), control);
    return response.entries;
  }

  /** Every configuration key of a topic; with an empty name, the cluster's defaults. */
  async describeTopicConfig(options: { topic: string }, control?: CallControl): Promise<ConfigEntryOutput[]> {
    const request = { topic: options.topic };
    const response = await this.#connection.retrying(
      ({ admin }) => admin.DescribeTopicConfig.bind(admin, request),
      control,
    );
    return response.entries;
  }

  /** Takes a node whose disk was lost back as a controller, with the empty directory that it runs on now. */
  async replaceController(
    options: { nodeId: number; validateOnly?: boolean | undefined },
    control?: CallControl,
  ): Promise<ReplaceControllerResponseOutput> {
    const request = { nodeId: options.nodeId, validateOnly: options.validateOnly ?? false };
    return this.#connection.once(({ admin }) => admin.ReplaceController.bind(admin, request), control);
  }

  /**
   * Gives partitions their preferred leaders back. With `acceptLoss`: of those that nobody leads, lets whoever has most lead, complete or
   * not; what it lacks is lost. Of all partitions when none is named; resolves with who leads each of them then.
   */
  async electLeaders(
    options: {
      topic: string;
      partitions?: readonly number[] | undefined;
      acceptLoss?: boolean | undefined;
      validateOnly?: boolean | undefined;
    },
    control?: CallControl,
  ): Promise<ElectionResultOutput[]> {
    const { topic, partitions = [], acceptLoss = false, validateOnly = false } = options;
    const mode = acceptLoss ? "ELECTION_MODE_UNCLEAN" : "ELECTION_MODE_PREFERRED";
    const request: ElectLeadersRequestMessage = { topic, partitions: [...partitions], mode, validateOnly };
    const response = await this.#connection.once(({ admin }) => admin.ElectLeaders.bind(admin, request), control);
    return response.partitions;
  }

  async describeCluster(control?: CallControl): Promise<DescribeClusterResponseOutput> {
    return this.#connection.describeCluster(control);
  }

  /** Offsets, sizes and state of partitions; of all when none is named. What could not be found out has `error`. */
  async describePartitions(
    options: { topic: string; partitions?: readonly number[] | undefined },
    control?: CallControl,
  ): Promise<PartitionStatusOutput[]> {
    const request = { topic: options.topic, partitions: [...(options.partitions ?? [])] };
    const response = await this.#connection.retrying(
      ({ admin }) => admin.DescribePartitions.bind(admin, request),
      control,
    );
    return response.partitions;
  }

  /**
   * Resolves a position to an offset in each partition; in all when none is named. One that has no leader just now is waited for. Rejects
   * if one of them cannot.
   */
  async listOffsets(
    options: { topic: string; partitions?: readonly number[] | undefined; position?: Position | undefined },
    control?: CallControl,
  ): Promise<PartitionOffsetsOutput[]> {
    checkPlace(`tell offsets of "${options.topic}"`, options.position);
    const position = positionToMessage(options.position ?? { kind: "latest" });
    const request = { topic: options.topic, partitions: [...(options.partitions ?? [])], position };
    const response = await this.#connection.retrying(
      ({ log }) => log.ListOffsets.bind(log, request),
      control,
      ({ partitions }) => {
        const errors = partitions.flatMap(({ error }) =>
          error === null || error === undefined ? [] : [errorFromFields(error)],
        );
        // What no retry mends is said first.
        return errors.find(({ retriable }) => !retriable) ?? errors[0];
      },
    );
    return response.partitions;
  }

  /**
   * Deletes records before a position in each partition named, and waits until all replicas in sync have. What was refused has `error` and
   * a log start of -1; `error` and a log start: they are deleted at the leader, and may come back with another one. Ask again then.
   */
  async deleteRecords(
    options: {
      topic: string;
      partitions: readonly { partition: number; before: Position }[];
      validateOnly?: boolean | undefined;
    },
    control?: CallControl,
  ): Promise<PartitionDeletionResultOutput[]> {
    const partitions = options.partitions.map(({ partition, before }) => {
      checkPlace(`delete records of "${options.topic}"`, before);
      return { partition, before: positionToMessage(before) };
    });
    const request = { topic: options.topic, partitions, validateOnly: options.validateOnly ?? false };
    const response = await this.#connection.once(({ admin }) => admin.DeleteRecords.bind(admin, request), control);
    return response.partitions;
  }

  /** Gives up the damaged records of a quarantined partition; resolves with their offsets, the end exclusive. */
  async acceptLoss(
    options: { topic: string; partition: number; validateOnly?: boolean | undefined },
    control?: CallControl,
  ): Promise<AcceptLossResponseOutput> {
    const { topic, partition, validateOnly = false } = options;
    const request = { topic, partition, validateOnly };
    return this.#connection.once(({ admin }) => admin.AcceptLoss.bind(admin, request), control);
  }
}

function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined)
    throw new VarveError("INTERNAL", "Cannot read the answer: it names no topic");
  return value;
}
