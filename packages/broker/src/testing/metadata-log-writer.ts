// A process to be killed: writes entry after entry into the metadata log of the directory it is given and prints the index of each
// one that was acknowledged.

import { LevelMetadataLog } from "../drivers/level-metadata-log.ts";

const directory = process.argv[2] ?? "";
const log = new LevelMetadataLog({ directory, identity: "test" });
let last = 0;
await log.start({
  onSnapshot: ({ index }) => (last = index),
  onCommitted: (entries) => (last = entries.at(-1)?.index ?? last),
  onRole: () => undefined,
  onFatal: (error) => {
    throw error;
  },
});
for (;;) {
  const index = await log.propose(Buffer.from(`entry ${last + 1}`));
  process.stdout.write(`${index}\n`);
  if (index % 20 === 0) await log.saveSnapshot(index, Buffer.from(`snapshot ${index}`));
}
