import { expect, test } from "vitest";
import { refuse } from "../../refusal.ts";
import { passedOn } from "./passed-on.ts";

test("passedOn() lets try again what the leader has not heard of yet, and changes nothing else", () => {
  for (const reason of ["UNKNOWN_TOPIC", "UNKNOWN_PARTITION"] as const) {
    const passed = passedOn(3, refuse(reason, "There is none", { topic: "t" }));
    expect(passed).toMatchObject({ reason: "LEADER_NOT_AVAILABLE", metadata: { topic: "t" } });
    expect(passed.message).toContain("Broker 3");
    expect(passed.message).toContain("There is none");
  }
  const other = refuse("NOT_ENOUGH_REPLICAS", "Too few");
  expect(passedOn(3, other)).toBe(other);
});
