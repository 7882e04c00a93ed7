// Original file: proto/varve/v1/log.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A wish for a producer id.
 */
export interface InitProducerRequest {
  /**
   * The id of an earlier answer, to go on with it under a new epoch. Absent: a new id.
   */
  'producerId'?: (number | string | Long);
  /**
   * The epoch that the producer had.
   */
  'producerEpoch'?: (number);
  '_producerId'?: "producerId";
  '_producerEpoch'?: "producerEpoch";
}

/**
 * A wish for a producer id.
 */
export interface InitProducerRequest__Output {
  /**
   * The id of an earlier answer, to go on with it under a new epoch. Absent: a new id.
   */
  'producerId'?: (number);
  /**
   * The epoch that the producer had.
   */
  'producerEpoch'?: (number);
  '_producerId'?: "producerId";
  '_producerEpoch'?: "producerEpoch";
}
