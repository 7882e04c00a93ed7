// A process to be killed: writes entry after entry into the metadata log of the directory it is given and prints a line for each
// one that was acknowledged.

import { openRaftGroup } from "../drivers/raft-group.ts";
import { RaftMetadataLog } from "../drivers/raft-metadata-log.ts";
import type { MetadataRole } from "../ports/metadata-log.ts";

const directory = process.argv[2] ?? "";
const group = await openRaftGroup({ directory, nodeId: 1, clusterId: "test", several: undefined, ballastBytes: 0 });
const log = new RaftMetadataLog({ group, transport: undefined, raft: { snapshots: { everyEntries: 20 } } });
let count = 0;
let role: MetadataRole = { kind: "follower", term: 0, leaderId: undefined };
await log.start({
  onSnapshot: (bytes) => (count = Number(Buffer.from(bytes).toString())),
  onCommitted: (entries) => (count += entries.length),
  onRole: (now) => (role = now),
  onFatal: (error) => {
    throw error;
  },
  takeSnapshot: () => Buffer.from(String(count)),
});
for (;;) {
  await log.propose(Buffer.from(`entry ${count + 1}`), role.term);
  process.stdout.write(`${count}\n`);
}
