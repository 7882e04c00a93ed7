// `@varve/broker/testing`: whole clusters on virtual time, for `npm run sim:cluster` and the tests of this package.

export { runCluster } from "./cluster-world/cluster-case.ts";
export type { ClusterOutcome } from "./cluster-world/cluster-case.ts";
