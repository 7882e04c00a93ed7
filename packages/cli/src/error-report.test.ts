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

  it("names the node that does not answer, where a command talks to two", () => {
    const message = 'Cannot reach a broker at "127.0.0.1:1", "[::1]:2": connect ECONNREFUSED 127.0.0.1:1';
    const error = Object.assign(new Error(message), { reason: "UNREACHABLE" });
    const { lines } = reportError(error, { address: "127.0.0.1:9094" });
    expect(lines[0]).toBe('No node answers at "127.0.0.1:1", "[::1]:2": connect ECONNREFUSED 127.0.0.1:1');
  });

  it("does not take a refusal with status UNAVAILABLE for a missing node", () => {
    const report = reportError(refused("NOT_ENOUGH_REPLICAS", { grpcCode: 14 }));
    expect(report.exitCode).toBe(1);
    expect(report.lines[0]).toBe("Refused (NOT_ENOUGH_REPLICAS)");
  });

  it("names the topic in the advice", () => {
    const report = reportError(refused("UNKNOWN_TOPIC"), { topic: "quakes" });
    expect(report.exitCode).toBe(4);
    expect(report.lines.join("\n")).toContain("varve topic create quakes --partitions 3");
  });

  it("suggests no command that could not work", () => {
    for (const topic of ["", "a b", "../x", "$(reboot)"]) {
      expect(reportError(refused("UNKNOWN_TOPIC"), { topic }).lines.join("\n")).not.toContain("topic create");
    }
  });

  it("names the command for the topic of groups", () => {
    const report = reportError(refused("POLICY_VIOLATION"), { topic: "__consumer_offsets" });
    expect(report.lines.at(-1)).toBe("Look at groups, and change them: varve group --help");
  });

  it("says what a cluster lacks", () => {
    const linesOf = (reason: string): string => reportError(refused(reason), { topic: "quakes" }).lines.join("\n");
    expect(linesOf("NOT_CONTROLLER")).toContain("A majority of the controllers must run");
    expect(linesOf("NOT_COORDINATOR")).toContain("varve cluster status");
    expect(reportError(refused("NOT_COORDINATOR")).exitCode).toBe(3);
    expect(linesOf("NOT_ENOUGH_REPLICAS")).toContain("start them: varve topic describe quakes");
    expect(linesOf("INVALID_REPLICATION_FACTOR")).toContain("--replication-factor");
    expect(linesOf("LEADER_NOT_AVAILABLE")).toContain("varve topic describe quakes");
    expect(reportError(refused("LEADER_NOT_AVAILABLE")).lines.at(-1)).toBe("See who is there: varve cluster status");
  });

  it("tells the listener for other nodes from those for clients", () => {
    const listen = (message: string): string =>
      reportError(Object.assign(new Error(message), { code: "LISTEN" })).lines.join("\n");
    expect(listen("Cannot listen for other nodes on 127.0.0.1:9093: in use")).toContain("--peers");
    expect(listen("Cannot listen on 127.0.0.1:9094: in use")).toContain("--grpc 127.0.0.1:0");
  });

  it("names the real partition and directory of damage", () => {
    const metadata = { topic: "quakes", partition: "2", file: "/data of mine/topics/quakes-2/0.log" };
    const { lines } = reportError(refused("PARTITION_QUARANTINED", { metadata }));
    expect(lines.join("\n")).toContain("varve topic describe quakes");
    expect(lines.join("\n")).toContain("varve inspect log '/data of mine/topics/quakes-2'");
    expect(lines.join("\n")).toContain("varve partition accept-loss quakes 2 --dry-run");
    expect(lines.join("\n")).not.toMatch(/DATA_DIR|PARTITION /);
  });

  it("tells the wrong port from no port", () => {
    const report = reportError(refused("UNREACHABLE"), { address: "127.0.0.1:8080" });
    expect(report.lines.join("\n")).not.toContain("--http");
    const error = Object.assign(new Error("14 UNAVAILABLE: Last error: Protocol error (2026-11-21T08:43:16.906Z)"), {
      code: 14,
    });
    const other = reportError(error, { address: "127.0.0.1:8080" }).lines;
    expect(other[0]).toBe('No node answers at "127.0.0.1:8080": Protocol error');
    expect(other[1]).toContain("--http");
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
