// A member of a consumer group as a process of its own, to be killed: writes down each record that it has handled, in a file of its own
// that outlives it, and only then is done with it.
//
//   node group-member.js GROUP TOPIC JOURNAL ADDRESS,ADDRESS,…
//
// A line of the journal: partition, offset, key, number of the record among those of its key, time (ns, of the machine's clock).

import { closeSync, openSync, writeSync } from "node:fs";
import { connect } from "@varve/client";

const [group = "", topic = "", journal = "", addresses = ""] = process.argv.slice(2);

const file = openSync(journal, "a");
const client = await connect({ addresses: addresses.split(",") });
const consumer = client.consumer({
  group,
  topics: [topic],
  start: { kind: "earliest" },
  commitIntervalMs: 200,
  sessionTimeoutMs: 6_000,
});
process.once("SIGTERM", () => void consumer.close());

await consumer.run(
  ({ partition, offset, key, value }) => {
    const name = Buffer.from(key ?? []).toString();
    const number = Buffer.from(value ?? []).readUInt32BE(0);
    writeSync(file, `${partition} ${offset} ${name} ${number} ${process.hrtime.bigint()}\n`);
  },
  { concurrency: 4 },
);
await client.close();
closeSync(file);
