// Generated from proto/ by `npm run generate --workspace @varve/api`. Do not edit.
/** The services and messages of varve.v1, as protobufjs describes them. */
export const schema = {
 "nested": {
  "varve": {
   "nested": {
    "v1": {
     "nested": {
      "Header": {
       "oneofs": {
        "_value": {
         "oneof": [
          "value"
         ]
        }
       },
       "fields": {
        "key": {
         "type": "string",
         "id": 1
        },
        "value": {
         "type": "bytes",
         "id": 2,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "Record": {
       "oneofs": {
        "_key": {
         "oneof": [
          "key"
         ]
        },
        "_value": {
         "oneof": [
          "value"
         ]
        },
        "_timestampMs": {
         "oneof": [
          "timestampMs"
         ]
        }
       },
       "fields": {
        "key": {
         "type": "bytes",
         "id": 1,
         "options": {
          "proto3_optional": true
         }
        },
        "value": {
         "type": "bytes",
         "id": 2,
         "options": {
          "proto3_optional": true
         }
        },
        "headers": {
         "rule": "repeated",
         "type": "Header",
         "id": 3
        },
        "timestampMs": {
         "type": "int64",
         "id": 4,
         "options": {
          "proto3_optional": true
         }
        },
        "offset": {
         "type": "int64",
         "id": 5
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 6
        }
       }
      },
      "Acks": {
       "values": {
        "ACKS_UNSPECIFIED": 0,
        "ACKS_NONE": 1,
        "ACKS_LEADER": 2,
        "ACKS_ALL": 3
       }
      },
      "AckLevel": {
       "values": {
        "ACK_LEVEL_UNSPECIFIED": 0,
        "ACK_LEVEL_NONE": 1,
        "ACK_LEVEL_LEADER": 2,
        "ACK_LEVEL_ALL": 3
       }
      },
      "Ack": {
       "fields": {
        "level": {
         "type": "AckLevel",
         "id": 1
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 2
        },
        "durableReplicas": {
         "type": "int32",
         "id": 3
        }
       }
      },
      "LeaderHint": {
       "fields": {
        "nodeId": {
         "type": "int32",
         "id": 1
        },
        "address": {
         "type": "string",
         "id": 2
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 3
        }
       }
      },
      "Error": {
       "fields": {
        "reason": {
         "type": "string",
         "id": 1
        },
        "message": {
         "type": "string",
         "id": 2
        },
        "retriable": {
         "type": "bool",
         "id": 3
        },
        "metadata": {
         "keyType": "string",
         "type": "string",
         "id": 4
        }
       }
      },
      "Position": {
       "oneofs": {
        "position": {
         "oneof": [
          "earliest",
          "latest",
          "offset",
          "timeMs",
          "last",
          "agoMs"
         ]
        }
       },
       "fields": {
        "earliest": {
         "type": "bool",
         "id": 1
        },
        "latest": {
         "type": "bool",
         "id": 2
        },
        "offset": {
         "type": "int64",
         "id": 3
        },
        "timeMs": {
         "type": "int64",
         "id": 4
        },
        "last": {
         "type": "int64",
         "id": 5
        },
        "agoMs": {
         "type": "int64",
         "id": 6
        }
       }
      },
      "End": {
       "oneofs": {
        "end": {
         "oneof": [
          "none",
          "offset",
          "timeMs",
          "count",
          "latestAtStart"
         ]
        }
       },
       "fields": {
        "none": {
         "type": "bool",
         "id": 1
        },
        "offset": {
         "type": "int64",
         "id": 2
        },
        "timeMs": {
         "type": "int64",
         "id": 3
        },
        "count": {
         "type": "int64",
         "id": 4
        },
        "latestAtStart": {
         "type": "bool",
         "id": 5
        }
       }
      },
      "Format": {
       "values": {
        "FORMAT_UNSPECIFIED": 0,
        "FORMAT_RECORDS": 1,
        "FORMAT_BATCHES": 2
       }
      },
      "Log": {
       "methods": {
        "Produce": {
         "requestType": "ProduceRequest",
         "responseType": "ProduceResponse"
        },
        "ProduceStream": {
         "requestType": "ProduceStreamRequest",
         "requestStream": true,
         "responseType": "ProduceStreamResponse",
         "responseStream": true
        },
        "Fetch": {
         "requestType": "FetchRequest",
         "responseType": "FetchResponse"
        },
        "Consume": {
         "requestType": "ConsumeRequest",
         "responseType": "ConsumeResponse",
         "responseStream": true
        },
        "ListOffsets": {
         "requestType": "ListOffsetsRequest",
         "responseType": "ListOffsetsResponse"
        },
        "InitProducer": {
         "requestType": "InitProducerRequest",
         "responseType": "InitProducerResponse"
        },
        "EpochEnd": {
         "requestType": "EpochEndRequest",
         "responseType": "EpochEndResponse"
        }
       }
      },
      "ProduceRequest": {
       "oneofs": {
        "_partition": {
         "oneof": [
          "partition"
         ]
        },
        "_producerId": {
         "oneof": [
          "producerId"
         ]
        },
        "_producerEpoch": {
         "oneof": [
          "producerEpoch"
         ]
        },
        "_baseSequence": {
         "oneof": [
          "baseSequence"
         ]
        },
        "_expectedOffset": {
         "oneof": [
          "expectedOffset"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2,
         "options": {
          "proto3_optional": true
         }
        },
        "acks": {
         "type": "Acks",
         "id": 3
        },
        "records": {
         "rule": "repeated",
         "type": "Record",
         "id": 4
        },
        "batch": {
         "type": "bytes",
         "id": 5
        },
        "producerId": {
         "type": "int64",
         "id": 6,
         "options": {
          "proto3_optional": true
         }
        },
        "producerEpoch": {
         "type": "int32",
         "id": 7,
         "options": {
          "proto3_optional": true
         }
        },
        "baseSequence": {
         "type": "int32",
         "id": 8,
         "options": {
          "proto3_optional": true
         }
        },
        "expectedOffset": {
         "type": "int64",
         "id": 9,
         "options": {
          "proto3_optional": true
         }
        },
        "timeoutMs": {
         "type": "uint32",
         "id": 10
        }
       }
      },
      "ProduceResponse": {
       "fields": {
        "results": {
         "rule": "repeated",
         "type": "ProduceResult",
         "id": 1
        }
       }
      },
      "ProduceResult": {
       "oneofs": {
        "_timestampMs": {
         "oneof": [
          "timestampMs"
         ]
        }
       },
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "baseOffset": {
         "type": "int64",
         "id": 2
        },
        "lastOffset": {
         "type": "int64",
         "id": 3
        },
        "timestampMs": {
         "type": "int64",
         "id": 4,
         "options": {
          "proto3_optional": true
         }
        },
        "ack": {
         "type": "Ack",
         "id": 5
        },
        "duplicate": {
         "type": "bool",
         "id": 6
        },
        "recordIndexes": {
         "rule": "repeated",
         "type": "uint32",
         "id": 7
        },
        "error": {
         "type": "Error",
         "id": 8
        },
        "leader": {
         "type": "LeaderHint",
         "id": 9
        },
        "logStartOffset": {
         "type": "int64",
         "id": 10
        }
       }
      },
      "ProduceStreamRequest": {
       "fields": {
        "produce": {
         "type": "ProduceRequest",
         "id": 1
        }
       }
      },
      "ProduceStreamResponse": {
       "fields": {
        "outcomes": {
         "rule": "repeated",
         "type": "ProduceOutcome",
         "id": 1
        }
       }
      },
      "ProduceOutcome": {
       "oneofs": {
        "outcome": {
         "oneof": [
          "response",
          "error"
         ]
        }
       },
       "fields": {
        "response": {
         "type": "ProduceResponse",
         "id": 1
        },
        "error": {
         "type": "Error",
         "id": 2
        }
       }
      },
      "FetchRequest": {
       "oneofs": {
        "_currentLeaderEpoch": {
         "oneof": [
          "currentLeaderEpoch"
         ]
        },
        "_fromTimeMs": {
         "oneof": [
          "fromTimeMs"
         ]
        },
        "_toTimeMs": {
         "oneof": [
          "toTimeMs"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "start": {
         "type": "Position",
         "id": 3
        },
        "format": {
         "type": "Format",
         "id": 4
        },
        "maxBytes": {
         "type": "uint32",
         "id": 5
        },
        "minBytes": {
         "type": "uint32",
         "id": 6
        },
        "maxWaitMs": {
         "type": "uint32",
         "id": 7
        },
        "currentLeaderEpoch": {
         "type": "int32",
         "id": 8,
         "options": {
          "proto3_optional": true
         }
        },
        "fromTimeMs": {
         "type": "int64",
         "id": 9,
         "options": {
          "proto3_optional": true
         }
        },
        "toTimeMs": {
         "type": "int64",
         "id": 10,
         "options": {
          "proto3_optional": true
         }
        },
        "group": {
         "type": "string",
         "id": 11
        },
        "topicId": {
         "type": "string",
         "id": 12
        }
       }
      },
      "FetchResponse": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "records": {
         "rule": "repeated",
         "type": "Record",
         "id": 2
        },
        "batches": {
         "type": "bytes",
         "id": 3
        },
        "nextOffset": {
         "type": "int64",
         "id": 4
        },
        "highWatermark": {
         "type": "int64",
         "id": 5
        },
        "logStartOffset": {
         "type": "int64",
         "id": 6
        },
        "endReached": {
         "type": "bool",
         "id": 7
        },
        "skipped": {
         "type": "uint32",
         "id": 8
        },
        "leader": {
         "type": "LeaderHint",
         "id": 9
        }
       }
      },
      "PartitionRange": {
       "oneofs": {
        "_currentLeaderEpoch": {
         "oneof": [
          "currentLeaderEpoch"
         ]
        }
       },
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "start": {
         "type": "Position",
         "id": 2
        },
        "end": {
         "type": "End",
         "id": 3
        },
        "currentLeaderEpoch": {
         "type": "int32",
         "id": 4,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "ConsumeRequest": {
       "oneofs": {
        "_fromTimeMs": {
         "oneof": [
          "fromTimeMs"
         ]
        },
        "_toTimeMs": {
         "oneof": [
          "toTimeMs"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "PartitionRange",
         "id": 2
        },
        "start": {
         "type": "Position",
         "id": 3
        },
        "end": {
         "type": "End",
         "id": 4
        },
        "fromTimeMs": {
         "type": "int64",
         "id": 5,
         "options": {
          "proto3_optional": true
         }
        },
        "toTimeMs": {
         "type": "int64",
         "id": 6,
         "options": {
          "proto3_optional": true
         }
        },
        "format": {
         "type": "Format",
         "id": 7
        },
        "maxBufferBytes": {
         "type": "uint32",
         "id": 8
        },
        "group": {
         "type": "string",
         "id": 9
        }
       }
      },
      "ConsumeResponse": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "records": {
         "rule": "repeated",
         "type": "Record",
         "id": 2
        },
        "batches": {
         "type": "bytes",
         "id": 3
        },
        "nextOffset": {
         "type": "int64",
         "id": 4
        },
        "highWatermark": {
         "type": "int64",
         "id": 5
        },
        "logStartOffset": {
         "type": "int64",
         "id": 6
        },
        "endReached": {
         "type": "bool",
         "id": 7
        },
        "skipped": {
         "type": "uint32",
         "id": 8
        },
        "leader": {
         "type": "LeaderHint",
         "id": 9
        }
       }
      },
      "ListOffsetsRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "int32",
         "id": 2
        },
        "position": {
         "type": "Position",
         "id": 3
        }
       }
      },
      "ListOffsetsResponse": {
       "fields": {
        "partitions": {
         "rule": "repeated",
         "type": "PartitionOffsets",
         "id": 1
        }
       }
      },
      "PartitionOffsets": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "offset": {
         "type": "int64",
         "id": 2
        },
        "timestampMs": {
         "type": "int64",
         "id": 3
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 4
        },
        "logStartOffset": {
         "type": "int64",
         "id": 5
        },
        "highWatermark": {
         "type": "int64",
         "id": 6
        },
        "logEndOffset": {
         "type": "int64",
         "id": 7
        },
        "error": {
         "type": "Error",
         "id": 8
        },
        "leader": {
         "type": "LeaderHint",
         "id": 9
        }
       }
      },
      "InitProducerRequest": {
       "oneofs": {
        "_producerId": {
         "oneof": [
          "producerId"
         ]
        },
        "_producerEpoch": {
         "oneof": [
          "producerEpoch"
         ]
        }
       },
       "fields": {
        "producerId": {
         "type": "int64",
         "id": 1,
         "options": {
          "proto3_optional": true
         }
        },
        "producerEpoch": {
         "type": "int32",
         "id": 2,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "InitProducerResponse": {
       "fields": {
        "producerId": {
         "type": "int64",
         "id": 1
        },
        "producerEpoch": {
         "type": "int32",
         "id": 2
        }
       }
      },
      "EpochEndRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "PartitionEpoch",
         "id": 2
        }
       }
      },
      "PartitionEpoch": {
       "oneofs": {
        "_currentLeaderEpoch": {
         "oneof": [
          "currentLeaderEpoch"
         ]
        }
       },
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 2
        },
        "currentLeaderEpoch": {
         "type": "int32",
         "id": 3,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "EpochEndResponse": {
       "fields": {
        "partitions": {
         "rule": "repeated",
         "type": "PartitionEpochEnd",
         "id": 1
        }
       }
      },
      "PartitionEpochEnd": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 2
        },
        "endOffset": {
         "type": "int64",
         "id": 3
        },
        "error": {
         "type": "Error",
         "id": 4
        },
        "leader": {
         "type": "LeaderHint",
         "id": 5
        }
       }
      },
      "Admin": {
       "methods": {
        "CreateTopic": {
         "requestType": "CreateTopicRequest",
         "responseType": "CreateTopicResponse"
        },
        "DeleteTopic": {
         "requestType": "DeleteTopicRequest",
         "responseType": "DeleteTopicResponse"
        },
        "DescribeTopic": {
         "requestType": "DescribeTopicRequest",
         "responseType": "DescribeTopicResponse"
        },
        "ListTopics": {
         "requestType": "ListTopicsRequest",
         "responseType": "ListTopicsResponse"
        },
        "AddPartitions": {
         "requestType": "AddPartitionsRequest",
         "responseType": "AddPartitionsResponse"
        },
        "AlterTopicConfig": {
         "requestType": "AlterTopicConfigRequest",
         "responseType": "AlterTopicConfigResponse"
        },
        "DescribeTopicConfig": {
         "requestType": "DescribeTopicConfigRequest",
         "responseType": "DescribeTopicConfigResponse"
        },
        "DescribeCluster": {
         "requestType": "DescribeClusterRequest",
         "responseType": "DescribeClusterResponse"
        },
        "DescribePartitions": {
         "requestType": "DescribePartitionsRequest",
         "responseType": "DescribePartitionsResponse"
        },
        "DeleteRecords": {
         "requestType": "DeleteRecordsRequest",
         "responseType": "DeleteRecordsResponse"
        },
        "ElectLeaders": {
         "requestType": "ElectLeadersRequest",
         "responseType": "ElectLeadersResponse"
        },
        "AcceptLoss": {
         "requestType": "AcceptLossRequest",
         "responseType": "AcceptLossResponse"
        },
        "ReplaceController": {
         "requestType": "ReplaceControllerRequest",
         "responseType": "ReplaceControllerResponse"
        }
       }
      },
      "CreateTopicRequest": {
       "oneofs": {
        "_partitions": {
         "oneof": [
          "partitions"
         ]
        },
        "_replicationFactor": {
         "oneof": [
          "replicationFactor"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "type": "int32",
         "id": 2,
         "options": {
          "proto3_optional": true
         }
        },
        "replicationFactor": {
         "type": "int32",
         "id": 3,
         "options": {
          "proto3_optional": true
         }
        },
        "configs": {
         "keyType": "string",
         "type": "string",
         "id": 4
        },
        "validateOnly": {
         "type": "bool",
         "id": 5
        }
       }
      },
      "CreateTopicResponse": {
       "fields": {
        "topic": {
         "type": "TopicDescription",
         "id": 1
        }
       }
      },
      "DeleteTopicRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "topicId": {
         "type": "string",
         "id": 2
        },
        "validateOnly": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "DeleteTopicResponse": {
       "fields": {
        "topic": {
         "type": "TopicDescription",
         "id": 1
        }
       }
      },
      "DescribeTopicRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        }
       }
      },
      "DescribeTopicResponse": {
       "fields": {
        "topic": {
         "type": "TopicDescription",
         "id": 1
        }
       }
      },
      "TopicDescription": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "topicId": {
         "type": "string",
         "id": 2
        },
        "partitions": {
         "rule": "repeated",
         "type": "PartitionPlacement",
         "id": 3
        },
        "replicationFactor": {
         "type": "int32",
         "id": 4
        },
        "internal": {
         "type": "bool",
         "id": 5
        },
        "configs": {
         "keyType": "string",
         "type": "string",
         "id": 6
        }
       }
      },
      "PartitionPlacement": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "leader": {
         "type": "LeaderHint",
         "id": 2
        },
        "replicas": {
         "rule": "repeated",
         "type": "int32",
         "id": 3
        },
        "inSyncReplicas": {
         "rule": "repeated",
         "type": "int32",
         "id": 4
        }
       }
      },
      "ListTopicsRequest": {
       "fields": {
        "prefix": {
         "type": "string",
         "id": 1
        },
        "includeInternal": {
         "type": "bool",
         "id": 2
        },
        "pageSize": {
         "type": "uint32",
         "id": 3
        },
        "pageToken": {
         "type": "string",
         "id": 4
        }
       }
      },
      "ListTopicsResponse": {
       "fields": {
        "topics": {
         "rule": "repeated",
         "type": "TopicSummary",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        }
       }
      },
      "TopicSummary": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "topicId": {
         "type": "string",
         "id": 2
        },
        "partitionCount": {
         "type": "int32",
         "id": 3
        },
        "replicationFactor": {
         "type": "int32",
         "id": 4
        },
        "internal": {
         "type": "bool",
         "id": 5
        }
       }
      },
      "AddPartitionsRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "totalCount": {
         "type": "int32",
         "id": 2
        },
        "validateOnly": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "AddPartitionsResponse": {
       "fields": {
        "topic": {
         "type": "TopicDescription",
         "id": 1
        }
       }
      },
      "ConfigOperation": {
       "oneofs": {
        "operation": {
         "oneof": [
          "set",
          "delete"
         ]
        }
       },
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "set": {
         "type": "string",
         "id": 2
        },
        "delete": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "AlterTopicConfigRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "operations": {
         "rule": "repeated",
         "type": "ConfigOperation",
         "id": 2
        },
        "validateOnly": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "AlterTopicConfigResponse": {
       "fields": {
        "entries": {
         "rule": "repeated",
         "type": "ConfigEntry",
         "id": 1
        }
       }
      },
      "DescribeTopicConfigRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        }
       }
      },
      "DescribeTopicConfigResponse": {
       "fields": {
        "entries": {
         "rule": "repeated",
         "type": "ConfigEntry",
         "id": 1
        }
       }
      },
      "ConfigSource": {
       "values": {
        "CONFIG_SOURCE_UNSPECIFIED": 0,
        "CONFIG_SOURCE_DEFAULT": 1,
        "CONFIG_SOURCE_BROKER": 2,
        "CONFIG_SOURCE_TOPIC": 3
       }
      },
      "ConfigEntry": {
       "fields": {
        "name": {
         "type": "string",
         "id": 1
        },
        "value": {
         "type": "string",
         "id": 2
        },
        "source": {
         "type": "ConfigSource",
         "id": 3
        },
        "defaultValue": {
         "type": "string",
         "id": 4
        },
        "doc": {
         "type": "string",
         "id": 5
        }
       }
      },
      "DescribeClusterRequest": {
       "fields": {}
      },
      "DescribeClusterResponse": {
       "fields": {
        "clusterId": {
         "type": "string",
         "id": 1
        },
        "controllerId": {
         "type": "int32",
         "id": 2
        },
        "brokers": {
         "rule": "repeated",
         "type": "BrokerDescription",
         "id": 3
        },
        "metadataOffset": {
         "type": "int64",
         "id": 4
        },
        "nodeId": {
         "type": "int32",
         "id": 5
        },
        "controllers": {
         "rule": "repeated",
         "type": "ControllerDescription",
         "id": 6
        }
       }
      },
      "ControllerDescription": {
       "oneofs": {
        "_lag": {
         "oneof": [
          "lag"
         ]
        },
        "_answers": {
         "oneof": [
          "answers"
         ]
        }
       },
       "fields": {
        "nodeId": {
         "type": "int32",
         "id": 1
        },
        "directoryId": {
         "type": "string",
         "id": 2
        },
        "address": {
         "type": "string",
         "id": 3
        },
        "active": {
         "type": "bool",
         "id": 4
        },
        "voter": {
         "type": "bool",
         "id": 5
        },
        "lag": {
         "type": "int64",
         "id": 6,
         "options": {
          "proto3_optional": true
         }
        },
        "answers": {
         "type": "bool",
         "id": 7,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "ReplaceControllerRequest": {
       "fields": {
        "nodeId": {
         "type": "int32",
         "id": 1
        },
        "validateOnly": {
         "type": "bool",
         "id": 2
        }
       }
      },
      "ReplaceControllerResponse": {
       "fields": {
        "oldDirectoryId": {
         "type": "string",
         "id": 1
        },
        "newDirectoryId": {
         "type": "string",
         "id": 2
        }
       }
      },
      "BrokerState": {
       "values": {
        "BROKER_STATE_UNSPECIFIED": 0,
        "BROKER_STATE_ACTIVE": 1,
        "BROKER_STATE_FENCED": 2,
        "BROKER_STATE_SHUTTING_DOWN": 3
       }
      },
      "BrokerDescription": {
       "fields": {
        "nodeId": {
         "type": "int32",
         "id": 1
        },
        "address": {
         "type": "string",
         "id": 2
        },
        "rack": {
         "type": "string",
         "id": 3
        },
        "brokerEpoch": {
         "type": "int64",
         "id": 4
        },
        "state": {
         "type": "BrokerState",
         "id": 5
        },
        "version": {
         "type": "string",
         "id": 6
        }
       }
      },
      "DescribePartitionsRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "int32",
         "id": 2
        }
       }
      },
      "DescribePartitionsResponse": {
       "fields": {
        "partitions": {
         "rule": "repeated",
         "type": "PartitionStatus",
         "id": 1
        }
       }
      },
      "PartitionState": {
       "values": {
        "PARTITION_STATE_UNSPECIFIED": 0,
        "PARTITION_STATE_ONLINE": 1,
        "PARTITION_STATE_OFFLINE": 2,
        "PARTITION_STATE_NEEDS_EPOCH": 3,
        "PARTITION_STATE_QUARANTINED": 4,
        "PARTITION_STATE_FAILED": 5
       }
      },
      "PartitionStatus": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "state": {
         "type": "PartitionState",
         "id": 2
        },
        "stateDetail": {
         "type": "string",
         "id": 3
        },
        "leader": {
         "type": "LeaderHint",
         "id": 4
        },
        "logStartOffset": {
         "type": "int64",
         "id": 5
        },
        "highWatermark": {
         "type": "int64",
         "id": 6
        },
        "logEndOffset": {
         "type": "int64",
         "id": 7
        },
        "countedOffset": {
         "type": "int64",
         "id": 8
        },
        "sizeBytes": {
         "type": "int64",
         "id": 9
        },
        "replicas": {
         "rule": "repeated",
         "type": "int32",
         "id": 10
        },
        "inSyncReplicas": {
         "rule": "repeated",
         "type": "int32",
         "id": 11
        },
        "error": {
         "type": "Error",
         "id": 12
        },
        "replicaLags": {
         "rule": "repeated",
         "type": "int64",
         "id": 13
        }
       }
      },
      "DeleteRecordsRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "PartitionDeletion",
         "id": 2
        },
        "validateOnly": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "PartitionDeletion": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "before": {
         "type": "Position",
         "id": 2
        }
       }
      },
      "DeleteRecordsResponse": {
       "fields": {
        "partitions": {
         "rule": "repeated",
         "type": "PartitionDeletionResult",
         "id": 1
        }
       }
      },
      "PartitionDeletionResult": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "logStartOffset": {
         "type": "int64",
         "id": 2
        },
        "error": {
         "type": "Error",
         "id": 3
        },
        "leader": {
         "type": "LeaderHint",
         "id": 4
        }
       }
      },
      "ElectionMode": {
       "values": {
        "ELECTION_MODE_UNSPECIFIED": 0,
        "ELECTION_MODE_PREFERRED": 1,
        "ELECTION_MODE_UNCLEAN": 2
       }
      },
      "ElectLeadersRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "int32",
         "id": 2
        },
        "mode": {
         "type": "ElectionMode",
         "id": 3
        },
        "validateOnly": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "ElectLeadersResponse": {
       "fields": {
        "partitions": {
         "rule": "repeated",
         "type": "ElectionResult",
         "id": 1
        }
       }
      },
      "ElectionResult": {
       "fields": {
        "partition": {
         "type": "int32",
         "id": 1
        },
        "leader": {
         "type": "LeaderHint",
         "id": 2
        },
        "changed": {
         "type": "bool",
         "id": 3
        },
        "unclean": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "AcceptLossRequest": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "validateOnly": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "AcceptLossResponse": {
       "fields": {
        "fromOffset": {
         "type": "int64",
         "id": 1
        },
        "toOffset": {
         "type": "int64",
         "id": 2
        },
        "leader": {
         "type": "LeaderHint",
         "id": 3
        }
       }
      },
      "Groups": {
       "methods": {
        "Join": {
         "requestType": "JoinRequest",
         "requestStream": true,
         "responseType": "JoinResponse",
         "responseStream": true
        },
        "CommitOffsets": {
         "requestType": "CommitOffsetsRequest",
         "responseType": "CommitOffsetsResponse"
        },
        "FetchOffsets": {
         "requestType": "FetchOffsetsRequest",
         "responseType": "FetchOffsetsResponse"
        },
        "ListGroups": {
         "requestType": "ListGroupsRequest",
         "responseType": "ListGroupsResponse"
        },
        "DescribeGroup": {
         "requestType": "DescribeGroupRequest",
         "responseType": "DescribeGroupResponse"
        },
        "ResetOffsets": {
         "requestType": "ResetOffsetsRequest",
         "responseType": "ResetOffsetsResponse"
        },
        "ForkGroup": {
         "requestType": "ForkGroupRequest",
         "responseType": "ForkGroupResponse"
        },
        "ConfigureGroup": {
         "requestType": "ConfigureGroupRequest",
         "responseType": "ConfigureGroupResponse"
        },
        "DeleteGroup": {
         "requestType": "DeleteGroupRequest",
         "responseType": "DeleteGroupResponse"
        }
       }
      },
      "TopicPartition": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "topicId": {
         "type": "string",
         "id": 3
        }
       }
      },
      "CommittedOffset": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "offset": {
         "type": "int64",
         "id": 3
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 4
        },
        "metadata": {
         "type": "string",
         "id": 5
        },
        "error": {
         "type": "Error",
         "id": 6
        },
        "committedAtMs": {
         "type": "int64",
         "id": 7
        }
       }
      },
      "JoinRequest": {
       "oneofs": {
        "message": {
         "oneof": [
          "join",
          "commit",
          "heartbeat",
          "revoked",
          "leave",
          "topics"
         ]
        }
       },
       "fields": {
        "join": {
         "type": "MemberSubscription",
         "id": 1
        },
        "commit": {
         "type": "MemberCommit",
         "id": 2
        },
        "heartbeat": {
         "type": "MemberHeartbeat",
         "id": 3
        },
        "revoked": {
         "type": "MemberRevoked",
         "id": 4
        },
        "leave": {
         "type": "MemberLeave",
         "id": 5
        },
        "topics": {
         "type": "MemberTopics",
         "id": 6
        }
       }
      },
      "MemberSubscription": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "instanceId": {
         "type": "string",
         "id": 2
        },
        "topics": {
         "rule": "repeated",
         "type": "string",
         "id": 3
        },
        "sessionTimeoutMs": {
         "type": "uint32",
         "id": 4
        },
        "assignor": {
         "type": "string",
         "id": 5
        },
        "start": {
         "type": "Position",
         "id": 6
        },
        "topicPattern": {
         "type": "string",
         "id": 7
        },
        "rebalanceTimeoutMs": {
         "type": "uint32",
         "id": 8
        },
        "memberId": {
         "type": "string",
         "id": 9
        },
        "clientId": {
         "type": "string",
         "id": 10
        },
        "owned": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 11
        },
        "newMemberId": {
         "type": "string",
         "id": 12
        }
       }
      },
      "MemberTopics": {
       "fields": {
        "topics": {
         "rule": "repeated",
         "type": "string",
         "id": 1
        },
        "topicPattern": {
         "type": "string",
         "id": 2
        }
       }
      },
      "MemberCommit": {
       "fields": {
        "requestId": {
         "type": "uint64",
         "id": 1
        },
        "offsets": {
         "rule": "repeated",
         "type": "CommittedOffset",
         "id": 2
        },
        "generation": {
         "type": "int32",
         "id": 3
        }
       }
      },
      "MemberHeartbeat": {
       "fields": {}
      },
      "MemberLeave": {
       "fields": {
        "willReturn": {
         "type": "bool",
         "id": 1
        }
       }
      },
      "MemberRevoked": {
       "fields": {
        "generation": {
         "type": "int32",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 2
        }
       }
      },
      "JoinResponse": {
       "oneofs": {
        "message": {
         "oneof": [
          "assignment",
          "commit",
          "heartbeat",
          "joined",
          "finished"
         ]
        }
       },
       "fields": {
        "assignment": {
         "type": "Assignment",
         "id": 1
        },
        "commit": {
         "type": "CommitResult",
         "id": 2
        },
        "heartbeat": {
         "type": "MemberHeartbeat",
         "id": 3
        },
        "joined": {
         "type": "Joined",
         "id": 4
        },
        "finished": {
         "type": "GroupFinished",
         "id": 5
        }
       }
      },
      "Joined": {
       "fields": {
        "memberId": {
         "type": "string",
         "id": 1
        },
        "generation": {
         "type": "int32",
         "id": 2
        },
        "sessionTimeoutMs": {
         "type": "uint32",
         "id": 3
        },
        "heartbeatIntervalMs": {
         "type": "uint32",
         "id": 4
        }
       }
      },
      "GroupFinished": {
       "fields": {}
      },
      "Assignment": {
       "fields": {
        "memberId": {
         "type": "string",
         "id": 1
        },
        "generation": {
         "type": "int32",
         "id": 2
        },
        "assign": {
         "rule": "repeated",
         "type": "AssignedPartition",
         "id": 3
        },
        "revoke": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 4
        },
        "lost": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 5
        }
       }
      },
      "AssignedPartition": {
       "oneofs": {
        "_endOffset": {
         "oneof": [
          "endOffset"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "offset": {
         "type": "int64",
         "id": 3
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 4
        },
        "metadata": {
         "type": "string",
         "id": 5
        },
        "endOffset": {
         "type": "int64",
         "id": 6,
         "options": {
          "proto3_optional": true
         }
        },
        "leader": {
         "type": "LeaderHint",
         "id": 7
        },
        "movedGeneration": {
         "type": "int32",
         "id": 8
        },
        "topicId": {
         "type": "string",
         "id": 9
        }
       }
      },
      "CommitResult": {
       "fields": {
        "requestId": {
         "type": "uint64",
         "id": 1
        },
        "offsets": {
         "rule": "repeated",
         "type": "CommittedOffset",
         "id": 2
        },
        "error": {
         "type": "Error",
         "id": 3
        }
       }
      },
      "CommitOffsetsRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "memberId": {
         "type": "string",
         "id": 2
        },
        "generation": {
         "type": "int32",
         "id": 3
        },
        "offsets": {
         "rule": "repeated",
         "type": "CommittedOffset",
         "id": 4
        }
       }
      },
      "CommitOffsetsResponse": {
       "fields": {
        "offsets": {
         "rule": "repeated",
         "type": "CommittedOffset",
         "id": 1
        }
       }
      },
      "FetchOffsetsRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "partitions": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 2
        },
        "withoutNotes": {
         "type": "bool",
         "id": 3
        }
       }
      },
      "FetchOffsetsResponse": {
       "fields": {
        "offsets": {
         "rule": "repeated",
         "type": "CommittedOffset",
         "id": 1
        }
       }
      },
      "ListGroupsRequest": {
       "fields": {
        "prefix": {
         "type": "string",
         "id": 1
        },
        "pageSize": {
         "type": "uint32",
         "id": 2
        },
        "pageToken": {
         "type": "string",
         "id": 3
        }
       }
      },
      "ListGroupsResponse": {
       "fields": {
        "groups": {
         "rule": "repeated",
         "type": "GroupSummary",
         "id": 1
        },
        "nextPageToken": {
         "type": "string",
         "id": 2
        },
        "errors": {
         "rule": "repeated",
         "type": "Error",
         "id": 3
        }
       }
      },
      "GroupState": {
       "values": {
        "GROUP_STATE_UNSPECIFIED": 0,
        "GROUP_STATE_EMPTY": 1,
        "GROUP_STATE_REBALANCING": 2,
        "GROUP_STATE_STABLE": 3,
        "GROUP_STATE_FINISHED": 4
       }
      },
      "GroupSummary": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "state": {
         "type": "GroupState",
         "id": 2
        },
        "memberCount": {
         "type": "int32",
         "id": 3
        }
       }
      },
      "DescribeGroupRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        }
       }
      },
      "DescribeGroupResponse": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "state": {
         "type": "GroupState",
         "id": 2
        },
        "generation": {
         "type": "int32",
         "id": 3
        },
        "assignor": {
         "type": "string",
         "id": 4
        },
        "members": {
         "rule": "repeated",
         "type": "GroupMember",
         "id": 5
        },
        "lags": {
         "rule": "repeated",
         "type": "PartitionLag",
         "id": 6
        },
        "rate": {
         "type": "GroupRate",
         "id": 7
        },
        "coordinator": {
         "type": "LeaderHint",
         "id": 8
        }
       }
      },
      "GroupMember": {
       "fields": {
        "memberId": {
         "type": "string",
         "id": 1
        },
        "instanceId": {
         "type": "string",
         "id": 2
        },
        "clientAddress": {
         "type": "string",
         "id": 3
        },
        "partitions": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 4
        },
        "clientId": {
         "type": "string",
         "id": 5
        },
        "generation": {
         "type": "int32",
         "id": 6
        },
        "revoking": {
         "rule": "repeated",
         "type": "TopicPartition",
         "id": 7
        }
       }
      },
      "PartitionLag": {
       "oneofs": {
        "_endOffset": {
         "oneof": [
          "endOffset"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "committedOffset": {
         "type": "int64",
         "id": 3
        },
        "highWatermark": {
         "type": "int64",
         "id": 4
        },
        "lag": {
         "type": "int64",
         "id": 5
        },
        "logStartOffset": {
         "type": "int64",
         "id": 6
        },
        "lagMs": {
         "type": "int64",
         "id": 7
        },
        "memberId": {
         "type": "string",
         "id": 8
        },
        "endOffset": {
         "type": "int64",
         "id": 9,
         "options": {
          "proto3_optional": true
         }
        },
        "error": {
         "type": "Error",
         "id": 10
        }
       }
      },
      "GroupRate": {
       "fields": {
        "recordsPerSecond": {
         "type": "uint64",
         "id": 1
        },
        "bytesPerSecond": {
         "type": "uint64",
         "id": 2
        }
       }
      },
      "ResetOffsetsRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "topic": {
         "type": "string",
         "id": 2
        },
        "partitions": {
         "rule": "repeated",
         "type": "int32",
         "id": 3
        },
        "position": {
         "type": "Position",
         "id": 4
        },
        "validateOnly": {
         "type": "bool",
         "id": 5
        }
       }
      },
      "ResetOffsetsResponse": {
       "fields": {
        "moves": {
         "rule": "repeated",
         "type": "OffsetMove",
         "id": 1
        }
       }
      },
      "OffsetMove": {
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "fromOffset": {
         "type": "int64",
         "id": 3
        },
        "toOffset": {
         "type": "int64",
         "id": 4
        },
        "skipped": {
         "type": "int64",
         "id": 5
        },
        "seenAgain": {
         "type": "int64",
         "id": 6
        },
        "error": {
         "type": "Error",
         "id": 7
        }
       }
      },
      "ForkGroupRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "newGroup": {
         "type": "string",
         "id": 2
        },
        "position": {
         "type": "Position",
         "id": 3
        },
        "end": {
         "type": "End",
         "id": 4
        },
        "rate": {
         "type": "GroupRate",
         "id": 5
        },
        "topics": {
         "rule": "repeated",
         "type": "string",
         "id": 6
        },
        "validateOnly": {
         "type": "bool",
         "id": 7
        }
       }
      },
      "ForkGroupResponse": {
       "fields": {
        "partitions": {
         "rule": "repeated",
         "type": "ForkedPartition",
         "id": 1
        }
       }
      },
      "ForkedPartition": {
       "oneofs": {
        "_endOffset": {
         "oneof": [
          "endOffset"
         ]
        }
       },
       "fields": {
        "topic": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "offset": {
         "type": "int64",
         "id": 3
        },
        "endOffset": {
         "type": "int64",
         "id": 4,
         "options": {
          "proto3_optional": true
         }
        }
       }
      },
      "ConfigureGroupRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "rate": {
         "type": "GroupRate",
         "id": 2
        }
       }
      },
      "ConfigureGroupResponse": {
       "fields": {
        "rate": {
         "type": "GroupRate",
         "id": 1
        }
       }
      },
      "DeleteGroupRequest": {
       "fields": {
        "group": {
         "type": "string",
         "id": 1
        },
        "validateOnly": {
         "type": "bool",
         "id": 2
        }
       }
      },
      "DeleteGroupResponse": {
       "fields": {}
      },
      "Peer": {
       "methods": {
        "Submit": {
         "requestType": "SubmitRequest",
         "responseType": "SubmitResponse"
        },
        "Heartbeat": {
         "requestType": "HeartbeatRequest",
         "requestStream": true,
         "responseType": "HeartbeatResponse",
         "responseStream": true
        },
        "FollowMetadata": {
         "requestType": "FollowMetadataRequest",
         "responseType": "FollowMetadataResponse",
         "responseStream": true
        },
        "ReplaceMember": {
         "requestType": "ReplaceMemberRequest",
         "responseType": "ReplaceMemberResponse"
        }
       }
      },
      "SubmitRequest": {
       "fields": {
        "command": {
         "type": "bytes",
         "id": 1
        }
       }
      },
      "SubmitResponse": {
       "fields": {
        "outcome": {
         "type": "bytes",
         "id": 1
        },
        "term": {
         "type": "uint64",
         "id": 2
        },
        "metadataOffset": {
         "type": "int64",
         "id": 3
        }
       }
      },
      "HeartbeatRequest": {
       "fields": {
        "brokerEpoch": {
         "type": "int64",
         "id": 1
        },
        "metadataOffset": {
         "type": "int64",
         "id": 2
        },
        "wantsFence": {
         "type": "bool",
         "id": 3
        },
        "wantsShutdown": {
         "type": "bool",
         "id": 4
        },
        "withoutRoom": {
         "type": "bool",
         "id": 5
        }
       }
      },
      "HeartbeatResponse": {
       "fields": {
        "term": {
         "type": "uint64",
         "id": 1
        },
        "fenced": {
         "type": "bool",
         "id": 2
        },
        "mayStop": {
         "type": "bool",
         "id": 3
        },
        "stale": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "FollowMetadataRequest": {
       "fields": {
        "metadataOffset": {
         "type": "int64",
         "id": 1
        },
        "digest": {
         "type": "string",
         "id": 2
        }
       }
      },
      "FollowMetadataResponse": {
       "fields": {
        "term": {
         "type": "uint64",
         "id": 1
        },
        "controllerId": {
         "type": "int32",
         "id": 2
        },
        "metadataOffset": {
         "type": "int64",
         "id": 3
        },
        "digest": {
         "type": "string",
         "id": 4
        },
        "snapshot": {
         "type": "bytes",
         "id": 5
        },
        "snapshotEnds": {
         "type": "bool",
         "id": 6
        },
        "batch": {
         "type": "bytes",
         "id": 7
        }
       }
      },
      "ReplaceMemberRequest": {
       "fields": {
        "nodeId": {
         "type": "int32",
         "id": 1
        },
        "validateOnly": {
         "type": "bool",
         "id": 2
        }
       }
      },
      "ReplaceMemberResponse": {
       "fields": {
        "oldDirectoryId": {
         "type": "string",
         "id": 1
        },
        "newDirectoryId": {
         "type": "string",
         "id": 2
        }
       }
      },
      "Replication": {
       "methods": {
        "Replicate": {
         "requestType": "ReplicateRequest",
         "requestStream": true,
         "responseType": "ReplicateResponse",
         "responseStream": true
        },
        "DescribeReplicas": {
         "requestType": "DescribeReplicasRequest",
         "responseType": "DescribeReplicasResponse"
        }
       }
      },
      "DescribeReplicasRequest": {
       "fields": {
        "replicas": {
         "rule": "repeated",
         "type": "ReplicaName",
         "id": 1
        }
       }
      },
      "ReplicaName": {
       "fields": {
        "topicId": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        }
       }
      },
      "DescribeReplicasResponse": {
       "fields": {
        "brokerEpoch": {
         "type": "int64",
         "id": 1
        },
        "replicas": {
         "rule": "repeated",
         "type": "ReplicaEnd",
         "id": 2
        }
       }
      },
      "ReplicaEnd": {
       "fields": {
        "topicId": {
         "type": "string",
         "id": 1
        },
        "partition": {
         "type": "int32",
         "id": 2
        },
        "lastEpoch": {
         "type": "int32",
         "id": 3
        },
        "logEndOffset": {
         "type": "int64",
         "id": 4
        },
        "damaged": {
         "type": "bool",
         "id": 5
        },
        "highWatermark": {
         "type": "int64",
         "id": 6
        }
       }
      },
      "ReplicateRequest": {
       "fields": {
        "fetches": {
         "rule": "repeated",
         "type": "ReplicaFetch",
         "id": 1
        },
        "syncs": {
         "rule": "repeated",
         "type": "ReplicaSync",
         "id": 2
        },
        "closedHandles": {
         "rule": "repeated",
         "type": "uint32",
         "id": 3
        },
        "withoutRoom": {
         "type": "bool",
         "id": 4
        }
       }
      },
      "ReplicaFetch": {
       "fields": {
        "handle": {
         "type": "uint32",
         "id": 1
        },
        "topicId": {
         "type": "string",
         "id": 2
        },
        "partition": {
         "type": "int32",
         "id": 3
        },
        "fetchId": {
         "type": "uint64",
         "id": 4
        },
        "brokerEpoch": {
         "type": "int64",
         "id": 5
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 6
        },
        "fetchOffset": {
         "type": "int64",
         "id": 7
        },
        "durableOffset": {
         "type": "int64",
         "id": 8
        },
        "lastFetchedEpoch": {
         "type": "int32",
         "id": 9
        },
        "logStartOffset": {
         "type": "int64",
         "id": 10
        }
       }
      },
      "ReplicaSync": {
       "fields": {
        "handle": {
         "type": "uint32",
         "id": 1
        },
        "brokerEpoch": {
         "type": "int64",
         "id": 2
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 3
        },
        "durableOffset": {
         "type": "int64",
         "id": 4
        },
        "logStartOffset": {
         "type": "int64",
         "id": 5
        }
       }
      },
      "ReplicateResponse": {
       "fields": {
        "answers": {
         "rule": "repeated",
         "type": "ReplicaAnswer",
         "id": 1
        }
       }
      },
      "ReplicaAnswerKind": {
       "values": {
        "REPLICA_ANSWER_KIND_UNSPECIFIED": 0,
        "REPLICA_ANSWER_KIND_RECORDS": 1,
        "REPLICA_ANSWER_KIND_DIVERGED": 2,
        "REPLICA_ANSWER_KIND_OUT_OF_RANGE": 3,
        "REPLICA_ANSWER_KIND_REFUSED": 4
       }
      },
      "ReplicaAnswer": {
       "fields": {
        "handle": {
         "type": "uint32",
         "id": 1
        },
        "fetchId": {
         "type": "uint64",
         "id": 2
        },
        "brokerEpoch": {
         "type": "int64",
         "id": 3
        },
        "leaderEpoch": {
         "type": "int32",
         "id": 4
        },
        "kind": {
         "type": "ReplicaAnswerKind",
         "id": 5
        },
        "batches": {
         "type": "bytes",
         "id": 6
        },
        "highWatermark": {
         "type": "int64",
         "id": 7
        },
        "logStartOffset": {
         "type": "int64",
         "id": 8
        },
        "logEndOffset": {
         "type": "int64",
         "id": 9
        },
        "divergingEpoch": {
         "type": "int32",
         "id": 10
        },
        "divergingEndOffset": {
         "type": "int64",
         "id": 11
        },
        "reason": {
         "type": "string",
         "id": 12
        }
       }
      }
     }
    }
   }
  }
 }
};
