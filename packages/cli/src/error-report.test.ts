// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { reportError } from "./error-report.ts";
import { CliError } from "./exit-code.ts";

const refused = (reason: string, fields: object = {}): Error =>
  Object.assign(new Error("Refused"), { reason, ...fields });

describe("reportError()", () => {
  it("says how to start a node when nobody answers, whichever layer noticed", () => {
    const errors = [
      Object.assign(new Error("14 UNAVAILABLE: connect ECONNREFUSED"), { code: 14 }),
      Object.assign(new Error("connect ECONNREFUSED 127.0.0.1:9094"), { code: "ECONNREFUSED" }),
      Object.assign(new Error("No connection established"), { reason: "LEADER_NOT_AVAILABLE", grpcCode: 14 }),
    ];
    for (const error of errors) {
      const report = reportError(error, { address: "127.0.0.1:9094" });
      expect(report.exitCode).toBe(3);
      expect(report.lines[0]).toContain('No node answers at "127.0.0.1:9094"');
      expect(report.lines.join("\n")).toContain("varve serve");
    }
  });

  it("does not take a refusal with status UNAVAILABLE for a missing node", () => {
    const report = reportError(refused("NOT_ENOUGH_REPLICAS", { grpcCode: 14 }));
    expect(report).toMatchObject({ exitCode: 1, lines: ["Refused (NOT_ENOUGH_REPLICAS)"] });
  });

  it("names the topic in the advice", () => {
    const report = reportError(refused("UNKNOWN_TOPIC"), { topic: "quakes" });
    expect(report.exitCode).toBe(4);
    expect(report.lines.join("\n")).toContain("varve topic create quakes --partitions 3");
  });

  it.each([
    ["DATA_DIRECTORY_LOCKED", 1],
    ["LISTEN", 1],
    ["CONFIGURATION", 2],
    ["ENOENT", 4],
    ["EACCES", 1],
    ["SOMETHING_ELSE", 1],
  ])("gives the code %s exit code %d", (code, exitCode) => {
    expect(reportError(Object.assign(new Error("Failed"), { code }))).toMatchObject({ exitCode });
  });

  it("passes on what a command says itself, and survives anything thrown", () => {
    expect(reportError(new CliError("declined", "No.", { advice: ["--yes"] }))).toEqual({
      exitCode: 6,
      lines: ["No.", "--yes"],
    });
    expect(reportError("text")).toEqual({ exitCode: 1, lines: ["text"] });
    expect(reportError(undefined).exitCode).toBe(1);
  });
});
