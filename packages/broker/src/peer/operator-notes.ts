/**
 * What a node tells its operator of the others: each thing once, and with it what to do. Consensus knows why it waits or was refused, not how
 * its operator starts nodes; that is added here.
 */
import type { BootstrapReport } from "raft-ts";

/** Says the same thing once, and no more than a few hundred different ones. */
export function oncePerText(): (text: string, tell: () => void) => void {
  const told = new Set<string>();
  return (text, tell) => {
    if (told.has(text) || told.size > 256) return;
    told.add(text);
    tell();
  };
}

const adviceOnRefusal: readonly (readonly [says: RegExp, advice: string])[] = [
  [/\(secret\)|secret of this cluster/, "give all nodes the same cluster secret"],
  [/protocol version|version of the protocol/, "run releases that belong together"],
  [/\(cluster\)/, "one of the two has the directory of another cluster, or wrong addresses of its peers"],
  [/\(target\)/, "another data directory runs there; a directory that was replaced must not come back"],
];

/** Why another node refuses this one, and what to do about it, where anything can be done. */
export function withAdvice(why: string): string {
  const advice = adviceOnRefusal.find(([says]) => says.test(why))?.[1];
  return advice === undefined || why.includes(advice) ? why : `${why}; ${advice}`;
}

/** Why a node does not belong to a cluster yet, and what to do. */
export function formingMessage({ kind, message }: BootstrapReport, nodeId: number): string {
  if (kind === "lost-disk") {
    return (
      `${message} That is done with: varve cluster replace ${nodeId}. If another process is node ${nodeId}, give this one an id of its ` +
      `own (--node-id).`
    );
  }
  if (kind === "new-node") {
    return `${message} A node joins as a broker: start it with --roles broker, and the controllers alone as --peers.`;
  }
  return message;
}

/** Of reports with the same name one is enough: each member that answers says the same of this directory. */
export function formingName({ kind, message }: BootstrapReport): string {
  return kind === "lost-disk" || kind === "new-node" ? kind : message;
}
