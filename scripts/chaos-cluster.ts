// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run chaos:cluster`: three `varve serve` on loopback under a load that knows every acknowledgement, and everything that can be
 * done to processes, in random order.
 *
 *   -- --rounds N      (default 20)
 *   -- --seed S        the order of the rounds and whom they meet; when it happens is the machine's (default: the clock's)
 *   -- --kind K        this kind of round alone; several with commas
 *
 * Ends with 0 when every promise was kept. Leaves no process, port, mount or file behind.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ClusterChaos, roundKinds, type Round, type RoundKind } from "@varve/test-e2e/cluster-chaos";
import { RandomStream } from "raft-ts/testing";

const { values: options } = parseArgs({
  options: { rounds: { type: "string", default: "20" }, seed: { type: "string" }, kind: { type: "string" } },
});
const rounds = Number(options.rounds);
const seed = Number(options.seed ?? Date.now() % 1_000_000);
const kinds = (options.kind?.split(",") ?? [...roundKinds]) as RoundKind[];
const unknown = kinds.filter((kind) => !roundKinds.includes(kind));
if (!Number.isSafeInteger(rounds) || rounds < 1 || !Number.isSafeInteger(seed) || unknown.length > 0) {
  console.error(`Wanted: --rounds N, --seed S, --kind one of ${roundKinds.join(", ")}.`);
  process.exit(2);
}

function order(): RoundKind[] {
  const random = new RandomStream(seed, "order");
  const chosen: RoundKind[] = [];
  // Each kind once before any comes again.
  while (chosen.length < rounds) {
    const left = [...kinds];
    while (left.length > 0) chosen.push(...left.splice(random.below(left.length), 1));
  }
  return chosen.slice(0, rounds);
}

function printTable(done: readonly Round[]): void {
  console.log(`\n${"kind".padEnd(16)} rounds     acks  longest without acks  longest round`);
  for (const kind of roundKinds) {
    const of = done.filter((round) => round.kind === kind);
    if (of.length === 0) continue;
    const acks = of.reduce((sum, round) => sum + round.acks, 0);
    const gap = `${(Math.max(...of.map(({ gapMs }) => gapMs)) / 1_000).toFixed(2)} s`;
    const seconds = `${Math.max(...of.map((round) => round.seconds)).toFixed(1)} s`;
    console.log(
      `${kind.padEnd(16)} ${String(of.length).padStart(6)} ${String(acks).padStart(8)}  ${gap.padStart(20)}  ${seconds.padStart(13)}`,
    );
  }
}

const directory = await mkdtemp(join(tmpdir(), "varve-chaos-"));
const done: Round[] = [];
let failure: unknown;
console.log(`seed ${seed}, ${rounds} rounds`);
const chaos = await ClusterChaos.start({ directory, seed, tell: (what) => console.log(`      ${what}`) });
const interrupted = (): void => {
  void chaos
    .close()
    .then(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }))
    .finally(() => process.exit(130));
};
process.once("SIGINT", interrupted);
process.once("SIGTERM", interrupted);
try {
  for (const [at, kind] of order().entries()) {
    const round = await chaos.round(kind);
    done.push(round);
    const gap = (round.gapMs / 1_000).toFixed(2);
    const number = String(at + 1).padStart(3);
    console.log(
      `${number}/${rounds}  ${kind.padEnd(16)} ${round.seconds.toFixed(1)} s, ${round.acks} acks, ${gap} s without: ${round.detail}`,
    );
    if (chaos.ledger.violations.length > 0) break;
  }
  await chaos.finish();
} catch (error) {
  failure = error;
} finally {
  await chaos.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
printTable(done);
const { acknowledged, seen, rejected, violations } = chaos.ledger;
console.log(
  `\n${acknowledged} acknowledged, ${seen} read, ${seen - acknowledged} of unknown fate, ${rejected.length} sends failed, ` +
    `${violations.length} violations (lost, changed, twice, out of order, vanished)`,
);
for (const what of [...new Set(rejected)].slice(0, 5)) console.log(`failed: ${what}`);
for (const violation of violations) console.error(`VIOLATION ${violation}`);
if (failure !== undefined) console.error(failure);
if (failure !== undefined || violations.length > 0) {
  console.error(`Again: npm run chaos:cluster -- --rounds ${rounds} --seed ${seed}`);
  process.exitCode = 1;
}
