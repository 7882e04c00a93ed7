// Original file: proto/varve/v1/log.proto

import type { Acks as _varve_v1_Acks, Acks__Output as _varve_v1_Acks__Output } from '../../varve/v1/Acks.ts';
import type { Record as _varve_v1_Record, Record__Output as _varve_v1_Record__Output } from '../../varve/v1/Record.ts';
import type { Long } from '@grpc/proto-loader';

/**
 * Records for one topic.
 */
export interface ProduceRequest {
  /**
   * Name of the topic.
   */
  'topic'?: (string);
  /**
   * Partition to append to. Absent: by the key of each record (murmur2, as Kafka's clients), records without a key
   * together on a partition that the broker picks.
   */
  'partition'?: (number);
  /**
   * What to wait for.
   */
  'acks'?: (_varve_v1_Acks);
  /**
   * The records. Either these or batch.
   */
  'records'?: (_varve_v1_Record)[];
  /**
   * One encoded record batch (Kafka's format, version 2), perhaps compressed; needs partition. Either this or records.
   */
  'batch'?: (Buffer | Uint8Array | string);
  /**
   * Producer id of InitProducer; needs partition, producer_epoch and base_sequence. With batch, the batch's own
   * fields count and this stays absent.
   */
  'producerId'?: (number | string | Long);
  /**
   * Producer epoch of InitProducer.
   */
  'producerEpoch'?: (number);
  /**
   * Sequence number of the first record: counts the records of this producer id in this partition, from 0, and
   * starts again at 0 after 2147483647.
   */
  'baseSequence'?: (number);
  /**
   * Append only if the first record would get exactly this offset; needs partition. A conflict is answered with
   * WRONG_EXPECTED_OFFSET. Without a producer id the outcome after a lost connection is unknown.
   */
  'expectedOffset'?: (number | string | Long);
  /**
   * Longest wait for the acknowledgement. 0: the broker's default. When it runs out the outcome is unknown.
   */
  'timeoutMs'?: (number);
  '_partition'?: "partition";
  '_producerId'?: "producerId";
  '_producerEpoch'?: "producerEpoch";
  '_baseSequence'?: "baseSequence";
  '_expectedOffset'?: "expectedOffset";
}

/**
 * Records for one topic.
 */
export interface ProduceRequest__Output {
  /**
   * Name of the topic.
   */
  'topic': (string);
  /**
   * Partition to append to. Absent: by the key of each record (murmur2, as Kafka's clients), records without a key
   * together on a partition that the broker picks.
   */
  'partition'?: (number);
  /**
   * What to wait for.
   */
  'acks': (_varve_v1_Acks__Output);
  /**
   * The records. Either these or batch.
   */
  'records': (_varve_v1_Record__Output)[];
  /**
   * One encoded record batch (Kafka's format, version 2), perhaps compressed; needs partition. Either this or records.
   */
  'batch': (Buffer);
  /**
   * Producer id of InitProducer; needs partition, producer_epoch and base_sequence. With batch, the batch's own
   * fields count and this stays absent.
   */
  'producerId'?: (number);
  /**
   * Producer epoch of InitProducer.
   */
  'producerEpoch'?: (number);
  /**
   * Sequence number of the first record: counts the records of this producer id in this partition, from 0, and
   * starts again at 0 after 2147483647.
   */
  'baseSequence'?: (number);
  /**
   * Append only if the first record would get exactly this offset; needs partition. A conflict is answered with
   * WRONG_EXPECTED_OFFSET. Without a producer id the outcome after a lost connection is unknown.
   */
  'expectedOffset'?: (number);
  /**
   * Longest wait for the acknowledgement. 0: the broker's default. When it runs out the outcome is unknown.
   */
  'timeoutMs': (number);
  '_partition'?: "partition";
  '_producerId'?: "producerId";
  '_producerEpoch'?: "producerEpoch";
  '_baseSequence'?: "baseSequence";
  '_expectedOffset'?: "expectedOffset";
}
