// Original file: proto/varve/v1/log.proto

import type { Long } from '@grpc/proto-loader';

/**
 * A producer id.
 */
export interface InitProducerResponse {
  /**
   * The id. It is never given to another producer.
   */
  'producerId'?: (number | string | Long);
  /**
   * The epoch to send with every batch; batches of an older epoch are refused.
   */
  'producerEpoch'?: (number);
}

/**
 * A producer id.
 */
export interface InitProducerResponse__Output {
  /**
   * The id. It is never given to another producer.
   */
  'producerId': (number);
  /**
   * The epoch to send with every batch; batches of an older epoch are refused.
   */
  'producerEpoch': (number);
}
