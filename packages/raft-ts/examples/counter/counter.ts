// SPDX-License-Identifier: Apache-2.0
// A counter on three nodes that survives the loss of any one of them: see README.md beside this file.
//
//   counter.ts NUMBER PORT,PORT,PORT [DIRECTORY]
//
// Lines on standard input: a number adds it, an empty line reads, `quit` leaves in order.

import { createInterface } from "node:readline/promises";
import { answerOf, formCluster, peerIdOf, RaftNode, systemClock, type AppliedEntry, type StateMachine } from "raft-ts";
import { GrpcBootstrap, GrpcTransport, RaftListener, RaftService } from "raft-ts/grpc";
import { LevelStorage } from "raft-ts/level";

/** All of the application: entries are numbers in JSON, applied in the same order on every node. */
class Counter implements StateMachine<number> {
  value = 0;

  async apply(entries: readonly AppliedEntry[]): Promise<readonly number[]> {
    return entries.map(({ data }) => (this.value += JSON.parse(new TextDecoder().decode(data)) as number));
  }

  async *snapshot(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(JSON.stringify(this.value));
  }

  async restore(chunks: AsyncIterable<Uint8Array>): Promise<void> {
    let text = "";
    for await (const chunk of chunks) text += new TextDecoder().decode(chunk);
    this.value = text === "" ? 0 : (JSON.parse(text) as number);
  }
}

const [number = "1", ports = "7101,7102,7103", directory = "counter-data"] = process.argv.slice(2);
const peers = ports.split(",").map((port, at) => ({ nodeId: `n${at + 1}`, address: `127.0.0.1:${port}` }));
const nodeId = `n${number}`;
const address = peers[Number(number) - 1]!.address;

// Who listens, and who can be asked who it is.
const service = new RaftService({ security: { kind: "plaintext" } });
const listener = await RaftListener.open({ port: Number(address.split(":")[1]), service });
const bootstrap = new GrpcBootstrap({ service });

// What lasts. Blank nodes become one cluster, once; a node that was a member before goes on at once.
const storage = new LevelStorage({ directory: `${directory}/${nodeId}`, nodeId });
const opened = await formCluster(
  { storage, opened: await storage.open(), transport: bootstrap, clock: systemClock },
  { peers, onReport: ({ message }) => console.log(message) },
);

// The node.
const self = peerIdOf(opened.identity);
const { clusterId } = opened.identity;
const transport = new GrpcTransport({
  service,
  self,
  clusterId: clusterId!,
  address,
  clock: systemClock,
  random: Math.random,
});
const stateMachine = new Counter();
const node = await RaftNode.start({ storage, opened, transport, stateMachine });
bootstrap.answerWith(() => answerOf(opened, [], node.status()));
console.log(`${nodeId} is up`);

for await (const line of createInterface({ input: process.stdin })) {
  if (line === "quit") break;
  if (line.trim() === "") {
    const outcome = await node.read();
    if (outcome.kind === "ready") console.log(`the counter is ${stateMachine.value}`);
    else console.log(`refused: ${outcome.reason}; ask ${outcome.leader?.address ?? "again later"}`);
    continue;
  }
  const outcome = await node.propose(new TextEncoder().encode(JSON.stringify(Number(line))));
  switch (outcome.kind) {
    case "success":
      console.log(`added, the counter is ${outcome.result}`);
      break;
    case "refused":
      console.log(`refused: ${outcome.reason}; ask ${outcome.leader?.address ?? "again later"}`);
      break;
    case "lost":
      console.log("not added, and never will be: try again");
      break;
    case "unknown":
      console.log("perhaps added: read before trying again");
  }
}
await node.stop();
await listener.close();
process.exit();
