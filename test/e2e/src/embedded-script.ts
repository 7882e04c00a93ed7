// A program that uses Varve as a dependency, and ends by itself: a handle that is left open would keep it running.

import { Broker } from "@varve/broker";
import { connect } from "@varve/client";

const [first = "", second = ""] = process.argv.slice(2);
const listeners = { grpc: { port: 0 }, http: { port: 0 } } as const;
const options = { listeners, allowTmpfs: true };

async function roundTrip(address: string, value: string): Promise<void> {
  const client = await connect({ address });
  await client.admin.createTopic({ topic: "a" }).catch(() => undefined);
  const producer = client.producer();
  const { offset } = await producer.send({ topic: "a", value });
  for await (const record of client.reader({
    topic: "a",
    from: { kind: "offset", offset },
    to: { kind: "count", count: 1 },
  })) {
    console.log(`${value} at ${record.offset}`);
  }
  await client.close();
}

// Two at once, each in its own directory.
const [one, two] = await Promise.all([
  Broker.start({ ...options, dataDir: first }),
  Broker.start({ ...options, dataDir: second }),
]);
await roundTrip(one.addresses.grpc, "one");
await roundTrip(two.addresses.grpc, "two");

// A third one in a directory that is taken: refused, and the first one goes on.
await Broker.start({ ...options, dataDir: first }).then(
  () => console.log("started"),
  (error: { code?: string }) => console.log(`refused ${error.code}`),
);
await roundTrip(one.addresses.grpc, "still");
await Promise.all([one.close(), two.close()]);

// The same directory again, in the same process.
const again = await Broker.start({ ...options, dataDir: first });
await roundTrip(again.addresses.grpc, "again");
await again.close();

/** What keeps the process: not its own output, nor the timer of this loop. Closed sockets take a moment to go. */
const leftOpen = (): string[] => process.getActiveResourcesInfo().filter((name) => !/^(PipeWrap|TTYWrap)$/.test(name));
for (let tries = 0; tries < 1_000 && leftOpen().length > 0; tries++) {
  await new Promise((resolve) => setTimeout(resolve, 10));
}
console.log(`closed, left open: ${leftOpen().join(", ") || "nothing"}`);
