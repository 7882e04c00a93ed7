// One node of a cluster as a process of its own, to be killed: `Broker.start` with the options in the first argument.

import { Broker } from "@varve/broker";
import type { BrokerOptions } from "@varve/broker";

const options = JSON.parse(process.argv[2] ?? "{}") as BrokerOptions;
const broker = await Broker.start({ ...options, onFatal: () => process.exit(1) });
console.log(`ready ${broker.addresses.grpc}`);
process.once("SIGTERM", () => {
  void broker.close().then(() => process.exit(0));
});
