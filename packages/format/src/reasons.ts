// SPDX-License-Identifier: Apache-2.0
// Every way in which Varve says no, in one table. The name travels as `reason` of google.rpc.ErrorInfo, the status is the
// gRPC code of the call, the number is what a Kafka client sees. Names are for ever: clients match on them.

/** Names of the gRPC status codes, as grpc-js spells them in `status`. */
export type GrpcStatusName =
  | "INVALID_ARGUMENT"
  | "DEADLINE_EXCEEDED"
  | "NOT_FOUND"
  | "ALREADY_EXISTS"
  | "PERMISSION_DENIED"
  | "RESOURCE_EXHAUSTED"
  | "FAILED_PRECONDITION"
  | "ABORTED"
  | "OUT_OF_RANGE"
  | "UNIMPLEMENTED"
  | "INTERNAL"
  | "UNAVAILABLE"
  | "DATA_LOSS";

export interface ReasonInfo {
  /** Status of the gRPC call. */
  readonly grpcStatus: GrpcStatusName;
  /** Error code on the Kafka wire. */
  readonly kafkaCode: number;
  /** The same request may succeed later, perhaps at another broker, without anybody changing it. */
  readonly retriable: boolean;
  /** One sentence for docs and for people. */
  readonly about: string;
}

/** The domain that goes with every reason in google.rpc.ErrorInfo. */
export const errorDomain = "varve.v1";

const table = {
  // Where things are.
  NOT_LEADER: yes("UNAVAILABLE", 6, "This broker does not lead the partition; the metadata names the leader."),
  NOT_CONTROLLER: yes("UNAVAILABLE", 41, "This broker is not the active controller; the metadata names it."),
  LEADER_NOT_AVAILABLE: yes("UNAVAILABLE", 5, "The partition has no leader now."),
  UNKNOWN_TOPIC: no("NOT_FOUND", 3, "No topic has that name or id."),
  UNKNOWN_PARTITION: no("NOT_FOUND", 3, "The topic has no partition of that number."),
  OFFSET_OUT_OF_RANGE: no("OUT_OF_RANGE", 1, "The offset lies outside the log; the metadata carries the valid range."),
  FENCED_LEADER_EPOCH: yes("FAILED_PRECONDITION", 74, "The caller's leader epoch is older than the broker's."),
  UNKNOWN_LEADER_EPOCH: yes(
    "UNAVAILABLE",
    75,
    "The caller's leader epoch is newer than the broker's: it has to catch up.",
  ),

  // Topics and configuration.
  TOPIC_ALREADY_EXISTS: no("ALREADY_EXISTS", 36, "A topic of that name exists."),
  INVALID_TOPIC: no("INVALID_ARGUMENT", 17, "The topic name is not allowed."),
  INVALID_PARTITIONS: no("INVALID_ARGUMENT", 37, "The number of partitions is not allowed."),
  INVALID_REPLICATION_FACTOR: no("INVALID_ARGUMENT", 38, "The replication factor does not fit the cluster."),
  INVALID_CONFIG: no("INVALID_ARGUMENT", 40, "A configuration key is unknown or its value is not allowed."),
  POLICY_VIOLATION: no("FAILED_PRECONDITION", 44, "The cluster's rules forbid it."),

  // Brokers and controllers.
  STALE_BROKER_EPOCH: no("FAILED_PRECONDITION", 77, "Another incarnation of the broker has registered since."),
  DUPLICATE_BROKER: no("ALREADY_EXISTS", 101, "Another living process holds this broker id."),
  INVALID_UPDATE_VERSION: yes("ABORTED", 95, "The partition has changed since the state the request was built on."),

  // What was sent.
  INVALID_REQUEST: no("INVALID_ARGUMENT", 42, "The request is malformed or contradicts itself."),
  INVALID_RECORD: no("INVALID_ARGUMENT", 87, "A record or batch breaks the rules of the format."),
  CORRUPT_MESSAGE: no(
    "INVALID_ARGUMENT",
    2,
    "The batch's length or checksum does not fit its bytes: it was damaged on its way.",
  ),
  MESSAGE_TOO_LARGE: no("INVALID_ARGUMENT", 10, "The batch or record exceeds the topic's limit."),
  UNSUPPORTED_COMPRESSION: no("INVALID_ARGUMENT", 76, "The codec is unknown."),
  INVALID_TIMESTAMP: no("INVALID_ARGUMENT", 32, "A timestamp lies too far ahead or is not allowed."),
  UNSUPPORTED: no("UNIMPLEMENTED", 35, "This broker does not do that."),

  // Producers and conditional appends.
  INVALID_PRODUCER_EPOCH: no("FAILED_PRECONDITION", 47, "A newer instance of this producer has taken over."),
  OUT_OF_ORDER_SEQUENCE: no(
    "FAILED_PRECONDITION",
    45,
    "The producer's sequence has a gap; the metadata says what was expected.",
  ),
  WRONG_EXPECTED_OFFSET: no(
    "ABORTED",
    87,
    "The log does not end at the expected offset; the metadata says where it ends.",
  ),

  // Consumer groups.
  NOT_COORDINATOR: yes("UNAVAILABLE", 16, "This broker does not keep the group; the metadata names the one that does."),
  COORDINATOR_LOADING: yes("UNAVAILABLE", 14, "The broker has just taken over the group and reads what is kept of it."),
  UNKNOWN_GROUP: no("NOT_FOUND", 69, "No group has that name."),
  GROUP_ALREADY_EXISTS: no("ALREADY_EXISTS", 68, "A group of that name exists."),
  NON_EMPTY_GROUP: no("FAILED_PRECONDITION", 68, "The group has members; they have to stop first."),
  GROUP_MAX_SIZE_REACHED: no("RESOURCE_EXHAUSTED", 81, "The group has as many members as it may have."),
  UNKNOWN_MEMBER_ID: no("FAILED_PRECONDITION", 25, "The group has no such member: its session has ended; join again."),
  STALE_MEMBER_EPOCH: yes("FAILED_PRECONDITION", 113, "The member has a newer epoch: take in its assignment first."),
  FENCED_MEMBER_EPOCH: no("FAILED_PRECONDITION", 110, "The member's epoch is not one that it was given: join again."),
  FENCED_INSTANCE_ID: no("FAILED_PRECONDITION", 82, "Another process uses the instance id by now."),
  UNRELEASED_INSTANCE_ID: yes("FAILED_PRECONDITION", 111, "Another process uses the instance id still."),
  UNSUPPORTED_ASSIGNOR: no("INVALID_ARGUMENT", 112, "There is no assignor of that name."),
  INVALID_SESSION_TIMEOUT: no("INVALID_ARGUMENT", 26, "The session timeout is not within the broker's bounds."),
  NOT_ASSIGNED: no("FAILED_PRECONDITION", 22, "The partition is not the member's any more."),
  OFFSET_METADATA_TOO_LARGE: no("INVALID_ARGUMENT", 12, "The text that goes with an offset is too long."),

  // Durability and room.
  NOT_ENOUGH_REPLICAS: yes("UNAVAILABLE", 19, "Too few replicas are in sync: nothing was written."),
  STORAGE_FULL: yes("RESOURCE_EXHAUSTED", 56, "The disk has too little room: nothing was written."),
  STORAGE_FAILED: no("INTERNAL", 56, "The disk failed; the log takes no more writes until the broker restarts."),
  PARTITION_QUARANTINED: no("DATA_LOSS", 56, "Acknowledged bytes are damaged: the partition waits for an operator."),
  REQUEST_TIMED_OUT: yes("DEADLINE_EXCEEDED", 7, "Time ran out; what was sent may or may not have been written."),
  BUSY: yes("RESOURCE_EXHAUSTED", 89, "A bounded queue is full: slow down and try again."),
  SHUTTING_DOWN: yes("UNAVAILABLE", 6, "The broker is stopping."),
  INTERNAL: no("INTERNAL", -1, "A bug in the broker; its log has the rest."),
} as const satisfies Record<string, ReasonInfo>;

export type Reason = keyof typeof table;

/** Every reason with its status, Kafka code and meaning. */
export const reasons: Readonly<Record<Reason, ReasonInfo>> = table;

/** The reasons in the order of the table, for docs and tests. */
export const reasonNames: readonly Reason[] = Object.keys(table) as Reason[];

/** Whether `name`, from a peer, is one of ours. A newer broker may send others. */
export function isReason(name: string): name is Reason {
  return Object.hasOwn(table, name);
}

function yes(grpcStatus: GrpcStatusName, kafkaCode: number, about: string): ReasonInfo {
  return { grpcStatus, kafkaCode, retriable: true, about };
}

function no(grpcStatus: GrpcStatusName, kafkaCode: number, about: string): ReasonInfo {
  return { grpcStatus, kafkaCode, retriable: false, about };
}
