import { loadServices } from "@varve/api";
import type { Command, Outcome, ReplyOf } from "@varve/cluster";
import { systemClock } from "@varve/log";
import { afterEach, expect, test } from "vitest";
import { ControllerDuty } from "./drivers/controller-duty.ts";
import { Controller } from "./drivers/controller.ts";
import { silentLogger } from "./logger.ts";
import type { ControllerClient } from "./ports/peers.ts";
import { type Refusal, refuse } from "./refusal.ts";
import { Registration } from "./registration.ts";
import { RoleLog } from "./testing/role-log.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** Registers a broker with whoever decides; the first answers are `refusals`. */
async function open(refusals: Refusal[]): Promise<Registration> {
  const log = new RoleLog();
  const clock = systemClock();
  const onFatal = (error: Error): never => {
    throw error;
  };
  const controller = await Controller.start({}, { log, clock, newUuid: () => "0".repeat(32), onFatal });
  log.listener?.onRole({ kind: "leader", term: 1 });
  const logger = silentLogger();
  const times = { heartbeatMs: 60_000, sessionMs: 180_000 };
  const duty = new ControllerDuty({ controller, clock, logger, endpoint: "peer", balanceMs: 60_000, ...times });
  const control: ControllerClient = {
    submit: <C extends Command>(command: C): Promise<Outcome<ReplyOf<C>>> => {
      const refusal = refusals.shift();
      return refusal === undefined ? controller.submit(command) : Promise.resolve({ kind: "refused", refusal });
    },
  };
  closers.push(
    () => controller.close(),
    () => duty.close(),
  );
  const registration = await Registration.open({
    identity: { brokerId: 1, incarnationId: "a".repeat(32), endpoints: [], dirs: ["d".repeat(32)] },
    controller,
    duty,
    control,
    peers: undefined,
    view: controller,
    definition: loadServices().peer,
    clock,
    logger,
    ...times,
    appliedOffset: () => controller.image.offset,
    isDiskHanging: () => false,
    isShortOfRoom: () => false,
    signal: new AbortController().signal,
    onWaiting: () => undefined,
    onLost: onFatal,
  });
  closers.push(() => registration.close());
  return registration;
}

test("a broker registers with the next controller when the one that it asked stops", async () => {
  const stops = refuse("SHUTTING_DOWN", "It stops.", { outcome: "unknown" });
  const nobody = refuse("NOT_CONTROLLER", "Not me.", { outcome: "unknown" });
  expect((await open([stops, nobody])).brokerEpoch).toBe(1);
});

test("a refusal that will not pass is told", async () => {
  const fault = refuse("INVALID_REQUEST", "Its id is none.");
  await expect(open([fault])).rejects.toThrow("Cannot register with the cluster: Its id is none.");
});
