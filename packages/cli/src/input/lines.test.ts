// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readLines, tooLong } from "./lines.ts";

async function linesOf(chunks: readonly Uint8Array[], lineBytesMax = 1000): Promise<string[]> {
  const lines: string[] = [];
  for await (const some of readLines(chunks, { lineBytesMax })) {
    lines.push(...some.map((line) => (line === tooLong ? "too long" : Buffer.from(line).toString("latin1"))));
  }
  return lines;
}

const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe("readLines()", () => {
  it("joins a line over chunks and keeps carriage returns, empty lines and bytes that are not UTF-8", async () => {
    expect(await linesOf([bytes("ab\r\ncd"), bytes("e\xff"), bytes("\n\nlast")])).toEqual([
      "ab\r",
      "cde\xff",
      "",
      "last",
    ]);
  });

  it("has no line after the last line end, and none in an empty stream", async () => {
    expect(await linesOf([bytes("a\n")])).toEqual(["a"]);
    expect(await linesOf([])).toEqual([]);
    expect(await linesOf([bytes("\n")])).toEqual([""]);
  });

  it("says in the place of a line that it is above the limit, at once, and goes on behind it", async () => {
    expect(await linesOf([bytes("ok\n123456\nlast")], 5)).toEqual(["ok", "too long", "last"]);
    expect(await linesOf([bytes("ok\n123"), bytes("456"), bytes("789"), bytes("0\nlast\n")], 5)).toEqual([
      "ok",
      "too long",
      "last",
    ]);
    expect(await linesOf([bytes("123456")], 5)).toEqual(["too long"]);
    expect(await linesOf([bytes("12345\n")], 5)).toEqual(["12345"]);
    const endless = function* (): Generator<Uint8Array> {
      for (;;) yield bytes("1234");
    };
    expect((await readLines(endless(), { lineBytesMax: 5 }).next()).value).toEqual([tooLong]);
  });

  it("gives the same lines however the input is cut", async () => {
    const line = fc.string({ unit: fc.constantFrom("a", "\r", "\xff", ",") });
    await fc.assert(
      fc.asyncProperty(fc.array(line), fc.array(fc.nat(200)), fc.boolean(), async (lines, cuts, open) => {
        const text = lines.map((one) => `${one}\n`).join("") + (open ? "rest" : "");
        const places = [...new Set(cuts.filter((cut) => cut < text.length))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((place, index) => bytes(text.slice(place, places[index])));
        expect(await linesOf(chunks)).toEqual(open ? [...lines, "rest"] : lines);
      }),
    );
  });
});
