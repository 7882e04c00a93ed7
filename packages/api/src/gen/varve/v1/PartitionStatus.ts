// Original file: proto/varve/v1/admin.proto

import type { PartitionState as _varve_v1_PartitionState, PartitionState__Output as _varve_v1_PartitionState__Output } from '../../varve/v1/PartitionState.ts';
import type { LeaderHint as _varve_v1_LeaderHint, LeaderHint__Output as _varve_v1_LeaderHint__Output } from '../../varve/v1/LeaderHint.ts';
import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * What a partition looks like.
 */
export interface PartitionStatus {
  /**
   * The partition.
   */
  'partition'?: (number);
  /**
   * State.
   */
  'state'?: (_varve_v1_PartitionState);
  /**
   * Why it is in that state, for people. Empty when online.
   */
  'stateDetail'?: (string);
  /**
   * Its leader; node id -1 when it has none.
   */
  'leader'?: (_varve_v1_LeaderHint | null);
  /**
   * First offset that is still kept.
   */
  'logStartOffset'?: (number | string | Long);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark'?: (number | string | Long);
  /**
   * Offset of the next record to be appended.
   */
  'logEndOffset'?: (number | string | Long);
  /**
   * First offset that the leader does not count yet (durable for flush=sync, written for flush=os).
   */
  'countedOffset'?: (number | string | Long);
  /**
   * Bytes of the batches that the leader holds: in segments, and in its journal on their way there.
   */
  'sizeBytes'?: (number | string | Long);
  /**
   * Nodes that should have a copy, the preferred leader first.
   */
  'replicas'?: (number)[];
  /**
   * Nodes that have all that is committed and count for acknowledgements.
   */
  'inSyncReplicas'?: (number)[];
  /**
   * Why nothing could be found out. Absent on success.
   */
  'error'?: (_varve_v1_Error | null);
  /**
   * Records that each of `replicas` lacks, in their order, as far as the leader knows: -1 where it does not. Empty when it did not answer.
   */
  'replicaLags'?: (number | string | Long)[];
}

/**
 * What a partition looks like.
 */
export interface PartitionStatus__Output {
  /**
   * The partition.
   */
  'partition': (number);
  /**
   * State.
   */
  'state': (_varve_v1_PartitionState__Output);
  /**
   * Why it is in that state, for people. Empty when online.
   */
  'stateDetail': (string);
  /**
   * Its leader; node id -1 when it has none.
   */
  'leader': (_varve_v1_LeaderHint__Output | null);
  /**
   * First offset that is still kept.
   */
  'logStartOffset': (number);
  /**
   * First offset that cannot be read yet.
   */
  'highWatermark': (number);
  /**
   * Offset of the next record to be appended.
   */
  'logEndOffset': (number);
  /**
   * First offset that the leader does not count yet (durable for flush=sync, written for flush=os).
   */
  'countedOffset': (number);
  /**
   * Bytes of the batches that the leader holds: in segments, and in its journal on their way there.
   */
  'sizeBytes': (number);
  /**
   * Nodes that should have a copy, the preferred leader first.
   */
  'replicas': (number)[];
  /**
   * Nodes that have all that is committed and count for acknowledgements.
   */
  'inSyncReplicas': (number)[];
  /**
   * Why nothing could be found out. Absent on success.
   */
  'error': (_varve_v1_Error__Output | null);
  /**
   * Records that each of `replicas` lacks, in their order, as far as the leader knows: -1 where it does not. Empty when it did not answer.
   */
  'replicaLags': (number)[];
}
