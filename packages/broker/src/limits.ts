/**
 * Every bound of one broker, with its unit and what happens when it is reached. Values are for one core and 8 GB; all can
 * be set through `BrokerOptions.limits`.
 */
export interface BrokerLimits {
  /** Bytes of one gRPC message; larger ones end the call. */
  messageBytesMax: number;
  /** Bytes of produce requests under way on the node; when full, unary calls get BUSY and streams stop reading. */
  produceBytesMax: number;
  /** Produce requests under way on the node; as above. */
  produceRequestsMax: number;
  /** Bytes of requests under way on one produce stream; when full it stops reading. */
  streamBytesMax: number;
  /** Requests under way on one produce stream; as above. */
  streamRequestsMax: number;
  /** Unary calls under way on the node; BUSY beyond. */
  unaryCallsMax: number;
  /** Open produce and consume streams on the node; BUSY beyond. */
  streamsMax: number;
  /** HTTP/2 streams of one connection; the client queues beyond. */
  streamsPerConnectionMax: number;
  /** Connections to the gRPC listener, and fewer when the process may not open so many files; closed at once beyond. */
  connectionsMax: number;
  /** Bytes on the node of messages that have begun to arrive and are not whole; the stream that is slowest is cut beyond. */
  incompleteBytesMax: number;
  /** Open Watch calls of the health service; RESOURCE_EXHAUSTED beyond. */
  healthWatchesMax: number;
  /** Fetch calls waiting for data; BUSY beyond. Below `unaryCallsMax`, so that those who wait keep nobody out. */
  parkedFetchesMax: number;
  /** Partitions that all consume streams of the node read together; BUSY beyond. */
  consumePartitionsMax: number;
  /** Bytes that one consume stream holds beyond what the network has taken; also the most that a request may ask for. */
  consumeBufferBytesMax: number;
  /** Bytes that all consume streams of the node hold together; beyond, each reader gets one small message at a time. */
  consumeBytesMax: number;
  /** Bytes of one read on behalf of a consume stream. */
  readBytes: number;
  /** Most that one Fetch returns, one larger batch excepted. */
  fetchBytesMax: number;
  /** Longest park of a Fetch, in ms. */
  fetchWaitMsMax: number;
  /** Wait for an acknowledgement unless the request says, in ms; and the most that it may say. */
  produceTimeoutMs: number;
  produceTimeoutMsMax: number;
  /** Partitions named in one request; INVALID_REQUEST beyond. */
  partitionsPerRequestMax: number;
  /** Sessions of group members on the node, also those that it passes on; BUSY beyond. */
  groupSessionsMax: number;
  /** Members of one group; GROUP_MAX_SIZE_REACHED beyond. */
  groupMembersMax: number;
  /** Groups that one partition of the internal topic keeps; POLICY_VIOLATION beyond. */
  groupsMax: number;
  /** Commands to one coordinator that are not committed yet; BUSY beyond. */
  groupCommandsMax: number;
}

const mebibyte = 1024 * 1024;

export const defaultLimits: BrokerLimits = {
  messageBytesMax: 8 * mebibyte,
  produceBytesMax: 64 * mebibyte,
  produceRequestsMax: 16_384,
  streamBytesMax: 16 * mebibyte,
  streamRequestsMax: 1_024,
  unaryCallsMax: 4_096,
  streamsMax: 2_048,
  streamsPerConnectionMax: 1_024,
  connectionsMax: 4_096,
  incompleteBytesMax: 64 * mebibyte,
  healthWatchesMax: 256,
  parkedFetchesMax: 2_048,
  consumePartitionsMax: 200_000,
  consumeBufferBytesMax: mebibyte,
  consumeBytesMax: 64 * mebibyte,
  readBytes: 256 * 1024,
  fetchBytesMax: 4 * mebibyte,
  fetchWaitMsMax: 60_000,
  produceTimeoutMs: 30_000,
  produceTimeoutMsMax: 600_000,
  partitionsPerRequestMax: 10_000,
  groupSessionsMax: 4_096,
  groupMembersMax: 1_000,
  groupsMax: 20_000,
  groupCommandsMax: 16_384,
};
