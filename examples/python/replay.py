"""Produces ten records with plain grpcio stubs, then replays them from an offset and from a time.

    python replay.py [ADDRESS] [TOPIC]
"""
import sys
import grpc
from varve.v1 import admin_pb2, admin_pb2_grpc, common_pb2, log_pb2, log_pb2_grpc

address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:9094"
topic = sys.argv[2] if len(sys.argv) > 2 else "python-demo"
channel = grpc.insecure_channel(address)
log, admin = log_pb2_grpc.LogStub(channel), admin_pb2_grpc.AdminStub(channel)

try:
    admin.CreateTopic(admin_pb2.CreateTopicRequest(topic=topic, partitions=1))
except grpc.RpcError as error:
    if error.code() != grpc.StatusCode.ALREADY_EXISTS:
        raise

noon = 1_451_649_600_000  # 2016-01-01T12:00:00Z; one record a minute from there
records = [
    common_pb2.Record(key=b"sensor-%d" % (n % 3), value=b"reading %d" % n, timestamp_ms=noon + n * 60_000)
    for n in range(10)
]
result = log.Produce(log_pb2.ProduceRequest(topic=topic, records=records)).results[0]
level = common_pb2.AckLevel.Name(result.ack.level)
print(f"produced offsets {result.base_offset} to {result.last_offset}: {level}, on {result.ack.durable_replicas} disk(s)")


def replay(start):
    end = common_pb2.End(latest_at_start=True)  # what is there now, then stop
    for message in log.Consume(log_pb2.ConsumeRequest(topic=topic, start=start, end=end)):
        for record in message.records:
            print(f"  {record.offset} {record.timestamp_ms} {record.key.decode()} {record.value.decode()}")


print("from the eighth record's offset")
replay(common_pb2.Position(offset=result.base_offset + 7))
print("from 12:06")
replay(common_pb2.Position(time_ms=noon + 6 * 60_000))
