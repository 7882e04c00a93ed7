"""Replays three days of the earthquake catalogue by time, and out of a shuffled copy by the time filter. Run by python.test.ts.

    python quakes.py ADDRESS CSV FROM_MS TO_MS
"""
import random
import sys
from datetime import datetime, timezone
import grpc
from varve.v1 import admin_pb2, admin_pb2_grpc, common_pb2, log_pb2, log_pb2_grpc

address, path, from_ms, to_ms = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
channel = grpc.insecure_channel(address)
log, admin = log_pb2_grpc.LogStub(channel), admin_pb2_grpc.AdminStub(channel)
epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)

with open(path, "rb") as file:
    lines = file.read().split(b"\n")[1:-1]


def record(line):
    time = datetime.strptime(line[:22].decode(), "%Y/%m/%d %H:%M:%S.%f").replace(tzinfo=timezone.utc) - epoch
    key = line.split(b",")[11]
    millis = (time.days * 86_400 + time.seconds) * 1000 + time.microseconds // 1000
    return common_pb2.Record(key=key or None, value=line, timestamp_ms=millis)


def produce(topic, all_lines):
    admin.CreateTopic(admin_pb2.CreateTopicRequest(topic=topic, partitions=3))
    for start in range(0, len(all_lines), 2000):
        records = [record(line) for line in all_lines[start : start + 2000]]
        log.Produce(log_pb2.ProduceRequest(topic=topic, records=records))


def consume(name, **request):
    count, skipped = 0, 0
    for message in log.Consume(log_pb2.ConsumeRequest(**request)):
        skipped += message.skipped
        for found in message.records:
            count += 1
            assert found.timestamp_ms == record(found.value).timestamp_ms and found.key == record(found.value).key
            print(name, message.partition, found.value.decode())
    print(name, "records", count, "left out", skipped)


produce("quakes", lines)
shuffled = list(lines)
random.Random(2016).shuffle(shuffled)
produce("shuffled", shuffled)
consume("time", topic="quakes", start=common_pb2.Position(time_ms=from_ms), end=common_pb2.End(time_ms=to_ms))
consume(
    "filter", topic="shuffled", end=common_pb2.End(latest_at_start=True), from_time_ms=from_ms, to_time_ms=to_ms
)
