// SPDX-License-Identifier: Apache-2.0
/**
 * One case of the core world: a seed, the profile and the plan that were drawn from it, and what came of running it.
 *
 * A case is plain data. The seed still matters when profile and plan are given: weather, clients and disks draw from
 * streams of it. The same case gives the same run, hash and all (IR16).
 */
import { RaftCore } from "../core/raft.ts";
import { RaftFatal } from "../core/raft-fatal.ts";
import type { MakeCore } from "./core-node.ts";
import { CoreWorld } from "./core-world.ts";
import type { Coverage } from "./coverage.ts";
import { runLiveness, type LivenessVerdict } from "./liveness.ts";
import { drawPlan, type Action } from "./plan.ts";
import { drawProfile, type Profile } from "./profile.ts";
import { RandomStream } from "./random-stream.ts";
import type { Recorder } from "./recorder.ts";
import { ViolationError } from "./violation.ts";

export interface CoreCase {
  readonly seed: number;
  readonly profile: Profile;
  readonly plan: readonly Action[];
}

export interface Failure {
  /** The invariant or rule, such as "IR6"; the error's name for what nobody expected. */
  readonly rule: string;
  readonly message: string;
  readonly stack: string;
}

export interface CaseOutcome {
  readonly failure: Failure | undefined;
  readonly liveness: LivenessVerdict | "not-run";
  readonly events: number;
  /** Virtual µs. */
  readonly time: number;
  readonly hash: string;
  readonly coverage: Coverage;
  /** Newest lines of trace, if they were asked for. */
  readonly lines: readonly string[];
}

export interface RunOptions {
  /** @default RaftCore */
  readonly makeCore?: MakeCore;
  /** @default 0 */
  readonly linesMax?: number;
  /** For a replay that somebody will read. */
  readonly recorder?: Recorder;
}

/** The case that a seed stands for, in this version of the profiles. */
export function drawCase(seed: number): CoreCase {
  const profile = drawProfile(new RandomStream(seed, "profile"));
  return { seed, profile, plan: drawPlan(profile, new RandomStream(seed, "plan")) };
}

/** Runs both phases and all checks. Never throws for what the case did: a failure is part of the outcome. */
export function runCase(
  { seed, profile, plan }: CoreCase,
  { makeCore = makeRaftCore, linesMax = 0, recorder }: RunOptions = {},
): CaseOutcome {
  const world = new CoreWorld({ seed, profile, plan, makeCore, linesMax, recorder });
  let failure: Failure | undefined;
  let liveness: CaseOutcome["liveness"] = "not-run";
  try {
    world.start();
    world.runSafety();
    liveness = runLiveness(world);
    const undecided = world.workload.checkHistory();
    world.coverage.count("history undecided", undecided);
  } catch (error) {
    failure = toFailure(error);
    recorder?.breakOff(world.scheduler.events, world.scheduler.now);
  }
  const { coverage, scheduler, trace } = world;
  coverage.count(`liveness ${liveness}`);
  countFaults(world);
  trace.fact(scheduler.events);
  trace.fact(scheduler.now);
  return {
    failure,
    liveness,
    events: scheduler.events,
    time: scheduler.now,
    hash: trace.hash(),
    coverage,
    lines: trace.lines(),
  };
}

const makeRaftCore: MakeCore = (config, boot) => new RaftCore(config, boot);

function toFailure(error: unknown): Failure {
  if (!(error instanceof Error)) return { rule: "unknown", message: String(error), stack: "" };
  const rule = error instanceof ViolationError || error instanceof RaftFatal ? error.rule : error.name;
  return { rule, message: error.message, stack: error.stack ?? "" };
}

function countFaults({ coverage, network, hosts, workload }: CoreWorld): void {
  const { sent, delivered, ...weather } = network.counts;
  coverage.count("network sent", sent);
  coverage.count("network delivered", delivered);
  for (const [what, count] of Object.entries(weather)) coverage.count(`fault message-${what}`, count);
  for (const { disk } of hosts) {
    coverage.count("disk batches", disk.counts.batches);
    coverage.count("disk snapshots", disk.counts.snapshots);
    coverage.count("fault crash-lost-write", disk.counts.lostInCrash);
    coverage.count("fault crash-kept-untold-write", disk.counts.keptInCrash);
  }
  for (const [what, count] of Object.entries(workload.counts)) coverage.count(`client ${what}`, count);
}
