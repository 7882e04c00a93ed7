"""A member of a consumer group with plain grpcio stubs: reads the partitions that the group gives it, prints, commits.

    python member.py [ADDRESS] [GROUP] [TOPIC]
"""
import queue
import sys
import threading
import grpc
from varve.v1 import common_pb2, groups_pb2, groups_pb2_grpc, log_pb2, log_pb2_grpc

address, group, topic = sys.argv[1:4] if len(sys.argv) > 3 else ("127.0.0.1:9094", "python-readers", "python-demo")
channel = grpc.insecure_channel(address)
log, groups = log_pb2_grpc.LogStub(channel), groups_pb2_grpc.GroupsStub(channel)
said, heard = queue.Queue(), queue.Queue()


def say(**message):
    said.put(groups_pb2.JoinRequest(**message))


def listen():
    try:
        for answer in groups.Join(iter(said.get, None)):
            heard.put(answer)
    finally:
        heard.put(None)  # the session is over


start = common_pb2.Position(earliest=True)  # of partitions without a committed offset
say(join=groups_pb2.MemberSubscription(group=group, topics=[topic], start=start, client_id="member.py"))
threading.Thread(target=listen, daemon=True).start()
owned, generation = {}, 0


def commit(parts):
    offsets = [
        groups_pb2.CommittedOffset(topic=p.topic, partition=p.partition, offset=p.offset, leader_epoch=-1) for p in parts
    ]
    say(commit=groups_pb2.MemberCommit(generation=generation, offsets=offsets))


def take_in(assignment):
    global generation
    generation = assignment.generation
    for part in assignment.lost:
        owned.pop((part.topic, part.partition), None)
    for part in assignment.assign:  # one that it has already was moved by a reset: it goes on there
        owned[part.topic, part.partition] = part
    commit(owned.values())  # again: under the generation before it may have been refused
    if assignment.revoke:
        for part in assignment.revoke:
            owned.pop((part.topic, part.partition), None)
        say(revoked=groups_pb2.MemberRevoked(generation=generation, partitions=assignment.revoke))


def read(part):
    start = common_pb2.Position(offset=part.offset)
    request = log_pb2.FetchRequest(
        topic=part.topic, partition=part.partition, start=start, max_wait_ms=100, group=group
    )
    answer = log.Fetch(request)
    end = part.end_offset if part.HasField("end_offset") else answer.next_offset
    for record in answer.records:
        if record.offset < end:
            print(part.topic, part.partition, record.offset, record.value.decode(), flush=True)
    if part.offset < min(answer.next_offset, end):
        part.offset = min(answer.next_offset, end)
        commit([part])


try:
    while True:
        # Between two reads: a commit never speaks of what was read before an assignment that it knows of.
        while not owned or not heard.empty():
            answer = heard.get()
            if answer is None or answer.HasField("finished"):
                sys.exit()
            if answer.HasField("assignment"):
                take_in(answer.assignment)
        for part in list(owned.values()):
            read(part)
except KeyboardInterrupt:
    say(leave=groups_pb2.MemberLeave())  # its partitions go to others at once
    while heard.get() is not None:
        pass
