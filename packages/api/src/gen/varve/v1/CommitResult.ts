// Original file: proto/varve/v1/groups.proto

import type { CommittedOffset as _varve_v1_CommittedOffset, CommittedOffset__Output as _varve_v1_CommittedOffset__Output } from '../../varve/v1/CommittedOffset.ts';
import type { Error as _varve_v1_Error, Error__Output as _varve_v1_Error__Output } from '../../varve/v1/Error.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Answer to a commit.
 */
export interface CommitResult {
  /**
   * Number of the request.
   */
  'requestId'?: (number | string | Long);
  /**
   * One for each partition, in order.
   */
  'offsets'?: (_varve_v1_CommittedOffset)[];
  /**
   * Why nothing of it was committed. Absent when offsets tell.
   */
  'error'?: (_varve_v1_Error | null);
}

/**
 * Answer to a commit.
 */
export interface CommitResult__Output {
  /**
   * Number of the request.
   */
  'requestId': (number);
  /**
   * One for each partition, in order.
   */
  'offsets': (_varve_v1_CommittedOffset__Output)[];
  /**
   * Why nothing of it was committed. Absent when offsets tell.
   */
  'error': (_varve_v1_Error__Output | null);
}
