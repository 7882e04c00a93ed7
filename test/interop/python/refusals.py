"""Prints what a foreign client sees of refusals, and of a pipelined produce stream. Run by python.test.ts."""
import sys
import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from varve.v1 import admin_pb2, admin_pb2_grpc, common_pb2, log_pb2, log_pb2_grpc

channel = grpc.insecure_channel(sys.argv[1])
log, admin = log_pb2_grpc.LogStub(channel), admin_pb2_grpc.AdminStub(channel)


def refusal(call):
    try:
        call()
    except grpc.RpcError as error:
        status = rpc_status.from_call(error)
        info = error_details_pb2.ErrorInfo()
        assert any(detail.Unpack(info) for detail in status.details), "no ErrorInfo"
        print(error.code().name, info.reason, info.domain, sorted(info.metadata))
    else:
        print("accepted")


admin.CreateTopic(admin_pb2.CreateTopicRequest(topic="stream", partitions=1))
refusal(lambda: log.Produce(log_pb2.ProduceRequest(topic="missing", records=[common_pb2.Record(value=b"x")])))
refusal(lambda: admin.CreateTopic(admin_pb2.CreateTopicRequest(topic="stream", partitions=1)))
refusal(lambda: log.Fetch(log_pb2.FetchRequest(topic="stream", partition=0, start=common_pb2.Position(offset=99))))
refusal(lambda: admin.CreateTopic(admin_pb2.CreateTopicRequest(topic="a b")))


def requests():
    for n in range(100):
        record = common_pb2.Record(key=b"k%d" % n, value=b"v%d" % n, headers=[common_pb2.Header(key="n", value=b"%d" % n)])
        yield log_pb2.ProduceStreamRequest(produce=log_pb2.ProduceRequest(topic="stream", partition=0, records=[record]))


offsets = [
    outcome.response.results[0].base_offset for answer in log.ProduceStream(requests()) for outcome in answer.outcomes
]
print("stream", offsets == list(range(100)))

start, end = common_pb2.Position(last=100), common_pb2.End(latest_at_start=True)
read = [
    (record.offset, record.key, record.value, record.headers[0].key, record.headers[0].value)
    for message in log.Consume(log_pb2.ConsumeRequest(topic="stream", start=start, end=end))
    for record in message.records
]
print("read back", read == [(n, b"k%d" % n, b"v%d" % n, "n", b"%d" % n) for n in range(100)])

keyless = common_pb2.Record(value=b"")
log.Produce(log_pb2.ProduceRequest(topic="stream", records=[keyless, common_pb2.Record(key=b"", headers=[common_pb2.Header(key="h")])]))
for record in log.Fetch(log_pb2.FetchRequest(topic="stream", partition=0, start=common_pb2.Position(last=2))).records:
    has = [record.HasField("key"), record.HasField("value"), [header.HasField("value") for header in record.headers]]
    print("null and empty", has)
