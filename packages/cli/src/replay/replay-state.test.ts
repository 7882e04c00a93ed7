// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  parseReplayState,
  printReplayState,
  readReplayState,
  writeReplayState,
  type ReplayState,
} from "./replay-state.ts";

const state: ReplayState = {
  identity: { topic: "quakes", "--from": "earliest" },
  partitions: [
    { partition: 0, from: 0, next: 7, end: { kind: "offset", offset: 9 }, records: 6 },
    { partition: 2, from: 3, next: 3, end: { kind: "count", count: 4 }, records: 0 },
    { partition: 3, from: 0, next: 0, end: { kind: "none" }, records: 0 },
  ],
  sink: { kind: "topic", ends: new Map([[0, 12]]) },
  records: 6,
  bytes: 100,
  skipped: 1,
  finished: false,
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "varve-state-"));
});
afterAll(async () => rm(directory, { recursive: true, force: true }));

describe("parseReplayState()", () => {
  it.each<ReplayState["sink"]>([state.sink, { kind: "file", sizeBytes: 99 }, { kind: "stdout" }])(
    "reads back what was printed: %j",
    (sink) => {
      expect(parseReplayState(printReplayState({ ...state, sink }))).toEqual({ ...state, sink });
    },
  );

  it("answers undefined to anything else, and never throws", () => {
    const printed = printReplayState(state);
    for (let length = 0; length < printed.length - 2; length += 1) {
      expect(parseReplayState(printed.slice(0, length))).toBeUndefined();
    }
    expect(parseReplayState(printed.replace('"next": 7', '"next": -7'))).toBeUndefined();
    expect(parseReplayState(printed.replace('"offset:9"', '"soon"'))).toBeUndefined();
    fc.assert(fc.property(fc.json(), (text) => parseReplayState(text) === undefined));
  });
});

describe("readReplayState()", () => {
  it("is undefined without a file, and the state after writeReplayState(), which leaves nothing beside it", async () => {
    const path = join(directory, "made/on/the/way/state");
    expect(await readReplayState(path, state.identity)).toBeUndefined();
    await writeReplayState(path, { ...state, records: 1 });
    await writeReplayState(path, state);
    expect(await readReplayState(path, state.identity)).toEqual(state);
    expect(await readdir(join(path, ".."))).toEqual(["state"]);
  });

  it("refuses the state of another replay, naming what differs, and a file that is none", async () => {
    const path = join(directory, "state");
    await writeReplayState(path, state);
    await expect(readReplayState(path, { ...state.identity, "--from": "latest" })).rejects.toThrow(
      /--from was "earliest" then, and is "latest" now/,
    );
    await expect(readReplayState(path, { ...state.identity, "--file": "x" })).rejects.toThrow(/--file was "absent"/);
    await writeFile(path, "notes of mine\n");
    await expect(readReplayState(path, state.identity)).rejects.toThrow("no state file");
    expect(await readFile(path, "utf8")).toBe("notes of mine\n");
  });
});
