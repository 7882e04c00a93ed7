// SPDX-License-Identifier: Apache-2.0
/** What people read of a run: one line that reproduces a failure, and tables of what was covered. Pure text. */
import type { CaseOutcome, CoreCase } from "./core-case.ts";
import type { Coverage } from "./coverage.ts";

/** One line: what failed, in which world, and the command that runs it again. */
export function failureLine({ seed, profile, plan }: CoreCase, { failure, events }: CaseOutcome, git: string): string {
  const world = `${profile.voters}/${profile.hosts} voters, T=${profile.core.electionTicks}, ${plan.length} actions`;
  return (
    `${failure?.message ?? "no failure"} | SIM_SEED=${seed} SIM_PROFILE="${world}" SIM_EVENTS=${events} git=${git}` +
    `  → npm run sim:raft -- --seed ${seed}`
  );
}

/** A number with thousands separated, the same in every locale. */
export function grouped(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Everything that was counted, by kind. */
export function coverageTable(coverage: Coverage): string {
  const sections = [
    ["fault ", "Faults injected"],
    ["operator ", "What operators asked for"],
    ["client ", "What clients were told"],
    ["role ", "Changes of role"],
    ["rule ", "Decisions by rule"],
    ["edge ", "Messages by role before and after"],
    ["disk ", "Disk"],
    ["network ", "Network"],
    ["forming ", "Forming a cluster"],
    ["liveness ", "Second phase"],
    ["history ", "Histories"],
  ] as const;
  return sections
    .map(([prefix, title]) => [title, ...coverage.list(prefix).map(row)].join("\n"))
    .filter((section) => section.includes("\n"))
    .join("\n\n");
}

function row([what, count]: readonly [string, number]): string {
  return `  ${what.padEnd(44)} ${grouped(count).padStart(14)}`;
}
