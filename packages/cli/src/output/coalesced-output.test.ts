// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import type { Terminal } from "../terminal/terminal.ts";
import { CoalescedOutput } from "./coalesced-output.ts";

function terminalTaking(writesBeforeGone = Number.POSITIVE_INFINITY): Terminal & { writes: Buffer[] } {
  const writes: Buffer[] = [];
  return {
    writes,
    canAsk: false,
    canDraw: false,
    canRedraw: false,
    note: () => undefined,
    ask: async () => undefined,
    out: async (data) => {
      writes.push(Buffer.from(data));
      return writes.length <= writesBeforeGone;
    },
  };
}

describe("CoalescedOutput", () => {
  it("joins the pieces of one turn and flushes them on the next by itself", async () => {
    const terminal = terminalTaking();
    const output = new CoalescedOutput(terminal);
    expect(output.write(Buffer.from("a"))).toBe(true);
    expect(output.write(Buffer.from("b"))).toBe(true);
    expect(terminal.writes).toEqual([]);
    await new Promise(setImmediate);
    expect(terminal.writes.map(String)).toEqual(["ab"]);
  });

  it("returns a promise once 64 KiB are together, and loses nothing", async () => {
    const terminal = terminalTaking();
    const output = new CoalescedOutput(terminal);
    const piece = Buffer.alloc(1000, "x");
    let waits = 0;
    for (let count = 0; count < 200; count += 1) {
      const result = output.write(piece);
      if (typeof result !== "boolean") {
        waits += 1;
        expect(await result).toBe(true);
      }
    }
    await output.flush();
    expect(waits).toBe(3);
    expect(Buffer.concat(terminal.writes)).toHaveLength(200_000);
  });

  it("flush() waits for what is on its way by itself, too", async () => {
    const taking: ((isTaken: boolean) => void)[] = [];
    const slow = { ...terminalTaking(), out: () => new Promise<boolean>((resolve) => taking.push(resolve)) };
    const output = new CoalescedOutput(slow);
    expect(output.write(Buffer.from("a"))).toBe(true);
    await new Promise(setImmediate);
    let flushed: boolean | undefined;
    const flushing = output.flush().then((isTaken) => (flushed = isTaken));
    await new Promise(setImmediate);
    expect([taking.length, flushed]).toEqual([1, undefined]);
    taking[0]!(true);
    expect(await flushing).toBe(true);
  });

  it("says when the reader is gone", async () => {
    const output = new CoalescedOutput(terminalTaking(0));
    expect(output.write(Buffer.from("a"))).toBe(true);
    expect(await output.flush()).toBe(false);
    expect(output.write(Buffer.from("b"))).toBe(false);
    await output.flush();
  });
});
