// Questions to an image that several callers ask. Pure reads.

import type { Broker, ConfigOverrides, ConfigScope, ControllerImage, Partition, Topic } from "./state.ts";

export function topicNamed(image: ControllerImage, name: string): Topic | undefined {
  const id = image.topicIds.get(name);
  return id === undefined ? undefined : image.topics.get(id);
}

export function partitionOf(image: ControllerImage, topicId: string, partition: number): Partition | undefined {
  return image.topics.get(topicId)?.partitions[partition];
}

export function brokerOf(image: ControllerImage, brokerId: number): Broker | undefined {
  return image.brokers.get(String(brokerId));
}

/** Registered, not fenced and not on its way out: may join an ISR, be elected, get replicas of new topics (B-8). */
export function isActive(broker: Broker): boolean {
  return !broker.fenced && !broker.inControlledShutdown;
}

/** Which replicas of `partition` may be elected as far as their brokers go (B-8): active, with the directory that they have. */
export function activeReplicas(image: ControllerImage, partition: Partition): (brokerId: number) => boolean {
  return (brokerId) => {
    const broker = brokerOf(image, brokerId);
    const dir = partition.dirs[partition.replicas.indexOf(brokerId)];
    return broker !== undefined && isActive(broker) && dir !== undefined && broker.dirs.includes(dir);
  };
}

/** The directories of a partition, with the present one of its broker for each that is not registered any more and `moves`. */
export function presentDirs(
  image: ControllerImage,
  { replicas, dirs }: Partition,
  moves: (brokerId: number) => boolean,
): readonly string[] {
  return dirs.map((dir, index) => {
    const brokerId = replicas[index] as number;
    const registered = brokerOf(image, brokerId)?.dirs ?? [];
    return registered.includes(dir) || !moves(brokerId) ? dir : (registered[0] ?? dir);
  });
}

export function configScopeKey(scope: ConfigScope, name: string): string {
  return `${scope}/${name}`;
}

const none: ConfigOverrides = Object.freeze({});

/** What was set on the topic itself. */
export function topicOverrides(image: ControllerImage, topicId: string): ConfigOverrides {
  return image.configs.get(configScopeKey("topic", topicId)) ?? none;
}

/** Defaults of the whole cluster, below the overrides of a topic and above the built-in ones. */
export function clusterOverrides(image: ControllerImage): ConfigOverrides {
  return image.configs.get(configScopeKey("cluster", "")) ?? none;
}

/** Topics in the order of their names. */
export function topicsByName(image: ControllerImage): Topic[] {
  return [...image.topics.values()].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** Every partition with this replica, in the order of topic name and partition: for leading, fencing, set-aside of strays. */
export function partitionsOnBroker(image: ControllerImage, brokerId: number): Partition[] {
  return topicsByName(image).flatMap((topic) => topic.partitions.filter((p) => p.replicas.includes(brokerId)));
}
