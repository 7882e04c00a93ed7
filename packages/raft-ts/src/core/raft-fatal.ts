// SPDX-License-Identifier: Apache-2.0
// A broken "must". Going on can only spread the damage, so the node stops: nobody catches this but the process's last
// handler. What a peer may send or a user may ask never ends here, unless it proves that safety is already gone.

/** A safety rule is broken, on this node or visibly elsewhere. `rule` is its number, such as "L3". */
export class RaftFatal extends Error {
  override readonly name = "RaftFatal";
  readonly rule: string;

  constructor(rule: string, message: string) {
    super(`Raft rule ${rule} is broken: ${message}`);
    this.rule = rule;
  }
}

/** Throws `RaftFatal` unless `condition` holds. Keep `message` free of work: it is built on every call. */
export function must(condition: boolean, rule: string, message: string): asserts condition {
  if (!condition) throw new RaftFatal(rule, message);
}
