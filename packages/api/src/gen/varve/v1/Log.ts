// Original file: proto/varve/v1/log.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { ConsumeRequest as _varve_v1_ConsumeRequest, ConsumeRequest__Output as _varve_v1_ConsumeRequest__Output } from '../../varve/v1/ConsumeRequest.ts';
import type { ConsumeResponse as _varve_v1_ConsumeResponse, ConsumeResponse__Output as _varve_v1_ConsumeResponse__Output } from '../../varve/v1/ConsumeResponse.ts';
import type { EpochEndRequest as _varve_v1_EpochEndRequest, EpochEndRequest__Output as _varve_v1_EpochEndRequest__Output } from '../../varve/v1/EpochEndRequest.ts';
import type { EpochEndResponse as _varve_v1_EpochEndResponse, EpochEndResponse__Output as _varve_v1_EpochEndResponse__Output } from '../../varve/v1/EpochEndResponse.ts';
import type { FetchRequest as _varve_v1_FetchRequest, FetchRequest__Output as _varve_v1_FetchRequest__Output } from '../../varve/v1/FetchRequest.ts';
import type { FetchResponse as _varve_v1_FetchResponse, FetchResponse__Output as _varve_v1_FetchResponse__Output } from '../../varve/v1/FetchResponse.ts';
import type { InitProducerRequest as _varve_v1_InitProducerRequest, InitProducerRequest__Output as _varve_v1_InitProducerRequest__Output } from '../../varve/v1/InitProducerRequest.ts';
import type { InitProducerResponse as _varve_v1_InitProducerResponse, InitProducerResponse__Output as _varve_v1_InitProducerResponse__Output } from '../../varve/v1/InitProducerResponse.ts';
import type { ListOffsetsRequest as _varve_v1_ListOffsetsRequest, ListOffsetsRequest__Output as _varve_v1_ListOffsetsRequest__Output } from '../../varve/v1/ListOffsetsRequest.ts';
import type { ListOffsetsResponse as _varve_v1_ListOffsetsResponse, ListOffsetsResponse__Output as _varve_v1_ListOffsetsResponse__Output } from '../../varve/v1/ListOffsetsResponse.ts';
import type { ProduceRequest as _varve_v1_ProduceRequest, ProduceRequest__Output as _varve_v1_ProduceRequest__Output } from '../../varve/v1/ProduceRequest.ts';
import type { ProduceResponse as _varve_v1_ProduceResponse, ProduceResponse__Output as _varve_v1_ProduceResponse__Output } from '../../varve/v1/ProduceResponse.ts';
import type { ProduceStreamRequest as _varve_v1_ProduceStreamRequest, ProduceStreamRequest__Output as _varve_v1_ProduceStreamRequest__Output } from '../../varve/v1/ProduceStreamRequest.ts';
import type { ProduceStreamResponse as _varve_v1_ProduceStreamResponse, ProduceStreamResponse__Output as _varve_v1_ProduceStreamResponse__Output } from '../../varve/v1/ProduceStreamResponse.ts';

/**
 * Appends records to partitions and reads them back.
 */
export interface LogClient extends grpc.Client {
  /**
   * Reads records of one or more partitions as they come, at the pace of the reader. Ends by itself when every
   * partition has reached its end.
   */
  Consume(argument: _varve_v1_ConsumeRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_ConsumeResponse__Output>;
  Consume(argument: _varve_v1_ConsumeRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_ConsumeResponse__Output>;
  /**
   * Reads records of one or more partitions as they come, at the pace of the reader. Ends by itself when every
   * partition has reached its end.
   */
  consume(argument: _varve_v1_ConsumeRequest, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_ConsumeResponse__Output>;
  consume(argument: _varve_v1_ConsumeRequest, options?: grpc.CallOptions): grpc.ClientReadableStream<_varve_v1_ConsumeResponse__Output>;
  
  /**
   * Tells where a leader epoch ended, so that a reader can find out whether what it read was cut off since.
   */
  EpochEnd(argument: _varve_v1_EpochEndRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  EpochEnd(argument: _varve_v1_EpochEndRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  EpochEnd(argument: _varve_v1_EpochEndRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  EpochEnd(argument: _varve_v1_EpochEndRequest, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Tells where a leader epoch ended, so that a reader can find out whether what it read was cut off since.
   */
  epochEnd(argument: _varve_v1_EpochEndRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  epochEnd(argument: _varve_v1_EpochEndRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  epochEnd(argument: _varve_v1_EpochEndRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  epochEnd(argument: _varve_v1_EpochEndRequest, callback: grpc.requestCallback<_varve_v1_EpochEndResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Reads records of one partition once, waiting for new ones when asked to.
   */
  Fetch(argument: _varve_v1_FetchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  Fetch(argument: _varve_v1_FetchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  Fetch(argument: _varve_v1_FetchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  Fetch(argument: _varve_v1_FetchRequest, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Reads records of one partition once, waiting for new ones when asked to.
   */
  fetch(argument: _varve_v1_FetchRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  fetch(argument: _varve_v1_FetchRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  fetch(argument: _varve_v1_FetchRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  fetch(argument: _varve_v1_FetchRequest, callback: grpc.requestCallback<_varve_v1_FetchResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Gets a producer id, with which the broker recognises repeated batches and keeps their order.
   */
  InitProducer(argument: _varve_v1_InitProducerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  InitProducer(argument: _varve_v1_InitProducerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  InitProducer(argument: _varve_v1_InitProducerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  InitProducer(argument: _varve_v1_InitProducerRequest, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Gets a producer id, with which the broker recognises repeated batches and keeps their order.
   */
  initProducer(argument: _varve_v1_InitProducerRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  initProducer(argument: _varve_v1_InitProducerRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  initProducer(argument: _varve_v1_InitProducerRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  initProducer(argument: _varve_v1_InitProducerRequest, callback: grpc.requestCallback<_varve_v1_InitProducerResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Resolves a position to an offset for each of several partitions, and tells their bounds.
   */
  ListOffsets(argument: _varve_v1_ListOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  ListOffsets(argument: _varve_v1_ListOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  ListOffsets(argument: _varve_v1_ListOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  ListOffsets(argument: _varve_v1_ListOffsetsRequest, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Resolves a position to an offset for each of several partitions, and tells their bounds.
   */
  listOffsets(argument: _varve_v1_ListOffsetsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  listOffsets(argument: _varve_v1_ListOffsetsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  listOffsets(argument: _varve_v1_ListOffsetsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  listOffsets(argument: _varve_v1_ListOffsetsRequest, callback: grpc.requestCallback<_varve_v1_ListOffsetsResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Appends records to one topic. The call fails when any partition refused: its status details then carry
   * google.rpc.ErrorInfo (the first failure) and this ProduceResponse, so that nothing acknowledged is hidden.
   */
  Produce(argument: _varve_v1_ProduceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  Produce(argument: _varve_v1_ProduceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  Produce(argument: _varve_v1_ProduceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  Produce(argument: _varve_v1_ProduceRequest, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  /**
   * Appends records to one topic. The call fails when any partition refused: its status details then carry
   * google.rpc.ErrorInfo (the first failure) and this ProduceResponse, so that nothing acknowledged is hidden.
   */
  produce(argument: _varve_v1_ProduceRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  produce(argument: _varve_v1_ProduceRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  produce(argument: _varve_v1_ProduceRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  produce(argument: _varve_v1_ProduceRequest, callback: grpc.requestCallback<_varve_v1_ProduceResponse__Output>): grpc.ClientUnaryCall;
  
  /**
   * Appends records, pipelined: send without waiting. Requests are appended in the order sent, and answered in that
   * order; several answers may share one message. A refused request ends neither the stream nor those behind it.
   */
  ProduceStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ProduceStreamRequest, _varve_v1_ProduceStreamResponse__Output>;
  ProduceStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ProduceStreamRequest, _varve_v1_ProduceStreamResponse__Output>;
  /**
   * Appends records, pipelined: send without waiting. Requests are appended in the order sent, and answered in that
   * order; several answers may share one message. A refused request ends neither the stream nor those behind it.
   */
  produceStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ProduceStreamRequest, _varve_v1_ProduceStreamResponse__Output>;
  produceStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_varve_v1_ProduceStreamRequest, _varve_v1_ProduceStreamResponse__Output>;
  
}

/**
 * Appends records to partitions and reads them back.
 */
export interface LogHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Reads records of one or more partitions as they come, at the pace of the reader. Ends by itself when every
   * partition has reached its end.
   */
  Consume: grpc.handleServerStreamingCall<_varve_v1_ConsumeRequest__Output, _varve_v1_ConsumeResponse>;
  
  /**
   * Tells where a leader epoch ended, so that a reader can find out whether what it read was cut off since.
   */
  EpochEnd: grpc.handleUnaryCall<_varve_v1_EpochEndRequest__Output, _varve_v1_EpochEndResponse>;
  
  /**
   * Reads records of one partition once, waiting for new ones when asked to.
   */
  Fetch: grpc.handleUnaryCall<_varve_v1_FetchRequest__Output, _varve_v1_FetchResponse>;
  
  /**
   * Gets a producer id, with which the broker recognises repeated batches and keeps their order.
   */
  InitProducer: grpc.handleUnaryCall<_varve_v1_InitProducerRequest__Output, _varve_v1_InitProducerResponse>;
  
  /**
   * Resolves a position to an offset for each of several partitions, and tells their bounds.
   */
  ListOffsets: grpc.handleUnaryCall<_varve_v1_ListOffsetsRequest__Output, _varve_v1_ListOffsetsResponse>;
  
  /**
   * Appends records to one topic. The call fails when any partition refused: its status details then carry
   * google.rpc.ErrorInfo (the first failure) and this ProduceResponse, so that nothing acknowledged is hidden.
   */
  Produce: grpc.handleUnaryCall<_varve_v1_ProduceRequest__Output, _varve_v1_ProduceResponse>;
  
  /**
   * Appends records, pipelined: send without waiting. Requests are appended in the order sent, and answered in that
   * order; several answers may share one message. A refused request ends neither the stream nor those behind it.
   */
  ProduceStream: grpc.handleBidiStreamingCall<_varve_v1_ProduceStreamRequest__Output, _varve_v1_ProduceStreamResponse>;
  
}

export interface LogDefinition extends grpc.ServiceDefinition {
  Consume: MethodDefinition<_varve_v1_ConsumeRequest, _varve_v1_ConsumeResponse, _varve_v1_ConsumeRequest__Output, _varve_v1_ConsumeResponse__Output>
  EpochEnd: MethodDefinition<_varve_v1_EpochEndRequest, _varve_v1_EpochEndResponse, _varve_v1_EpochEndRequest__Output, _varve_v1_EpochEndResponse__Output>
  Fetch: MethodDefinition<_varve_v1_FetchRequest, _varve_v1_FetchResponse, _varve_v1_FetchRequest__Output, _varve_v1_FetchResponse__Output>
  InitProducer: MethodDefinition<_varve_v1_InitProducerRequest, _varve_v1_InitProducerResponse, _varve_v1_InitProducerRequest__Output, _varve_v1_InitProducerResponse__Output>
  ListOffsets: MethodDefinition<_varve_v1_ListOffsetsRequest, _varve_v1_ListOffsetsResponse, _varve_v1_ListOffsetsRequest__Output, _varve_v1_ListOffsetsResponse__Output>
  Produce: MethodDefinition<_varve_v1_ProduceRequest, _varve_v1_ProduceResponse, _varve_v1_ProduceRequest__Output, _varve_v1_ProduceResponse__Output>
  ProduceStream: MethodDefinition<_varve_v1_ProduceStreamRequest, _varve_v1_ProduceStreamResponse, _varve_v1_ProduceStreamRequest__Output, _varve_v1_ProduceStreamResponse__Output>
}
