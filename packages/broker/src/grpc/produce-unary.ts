/** One `Produce` call: refused with BUSY when the node is full; waits while the log has no room; fails as a whole (proto). */
import { type ArrivedProduce, type ProduceIntake, ProduceJob } from "../drivers/produce-intake.ts";
import { type Refusal, refuse } from "../refusal.ts";
import type { ProduceGate } from "./produce-gate.ts";

export interface UnaryProduceDependencies {
  readonly intake: ProduceIntake;
  readonly gate: ProduceGate;
  readonly monotonicMs: () => number;
}

/** Calls `done` once, with the job, or with why the node does not even look at the request. */
export function produceOnce(
  arrived: ArrivedProduce,
  dependencies: UnaryProduceDependencies,
  done: (result: ProduceJob | Refusal) => void,
): void {
  const { gate, intake } = dependencies;
  if (gate.full) {
    done(
      refuse(
        "BUSY",
        `Cannot take the request now: ${gate.bytes.used} bytes in ${gate.requests.used} produce requests are under way ` +
          `(limits ${gate.bytes.max} and ${gate.requests.max}); slow down and try again`,
        { bytes: gate.bytes.used, requests: gate.requests.used },
      ),
    );
    return;
  }
  const { sizeBytes } = arrived;
  gate.enter(sizeBytes);
  const job = new ProduceJob(arrived, dependencies.monotonicMs(), (finished) => {
    gate.leave(sizeBytes);
    done(finished);
  });
  const room = gate.logRoom(sizeBytes);
  if (room === undefined) intake.start(arrived.request, job);
  else void room.then(() => intake.start(arrived.request, job));
}
