// SPDX-License-Identifier: Apache-2.0
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileTimeFormat } from "./time-format.ts";

function read(format: string, text: string): number | undefined {
  const compiled = compileTimeFormat(format);
  if (compiled.kind === "bad-format") throw new Error(compiled.message);
  return compiled.read(text);
}

describe("compileTimeFormat()", () => {
  it.each([
    ["%Y/%m/%d %H:%M:%S.%f", "2016/01/04 21:18:48.64", "2016-01-04T21:18:48.640Z"],
    ["%Y/%m/%d %H:%M:%S.%f", "2016/01/04 21:18:48.6", "2016-01-04T21:18:48.600Z"],
    ["%Y/%m/%d %H:%M:%S.%f", "2016/01/04 21:18:48.123999", "2016-01-04T21:18:48.123Z"],
    ["%d/%b/%Y:%H:%M:%S %z", "17/May/2015:10:05:03 +0200", "2015-05-17T08:05:03.000Z"],
    ["apache", "17/May/2015:10:05:03 +0000", "2015-05-17T10:05:03.000Z"],
    ["apache", "[17/May/2015:10:05:03 -0130]", "2015-05-17T11:35:03.000Z"],
    ["iso", "2016-01-04", "2016-01-04T00:00:00.000Z"],
    ["iso", "2016-01-04T21:18Z", "2016-01-04T21:18:00.000Z"],
    ["iso", "2016-01-04 21:18:48.64+01:00", "2016-01-04T20:18:48.640Z"],
    ["iso", "2016-01-04T21:18:48", "2016-01-04T21:18:48.000Z"],
    ["ms", "1451942328640", "2016-01-04T21:18:48.640Z"],
    ["s", "1451942328.64", "2016-01-04T21:18:48.640Z"],
    ["auto", "1451942328640", "2016-01-04T21:18:48.640Z"],
    ["auto", "2016-01-04T21:18:48.640Z", "2016-01-04T21:18:48.640Z"],
    ["%F %T", "2016-02-29 00:00:00", "2016-02-29T00:00:00.000Z"],
    ["%b %e %Y %I:%M %p", "Jan  4 2016 12:05 am", "2016-01-04T00:05:00.000Z"],
    ["%B %d, %y %I:%M %p", "January 04, 16 12:05 PM", "2016-01-04T12:05:00.000Z"],
    ["%s", "1451942328", "2016-01-04T21:18:48.000Z"],
    ["100%% %Y", "100% 2016", "2016-01-01T00:00:00.000Z"],
    ["%Y-%m-%d", "0099-01-01", "0099-01-01T00:00:00.000Z"],
  ])("%j reads %j", (format, text, expected) => {
    const at = read(format, text);
    expect(at === undefined ? undefined : new Date(at).toISOString()).toBe(expected);
  });

  it.each([
    ["%Y/%m/%d", "2016/02/30"],
    ["%Y/%m/%d", "2015/02/29"],
    ["%Y/%m/%d", "2016/13/01"],
    ["%Y/%m/%d", "2016/00/01"],
    ["%Y/%m/%d", "2016/01/01x"],
    ["%Y/%m/%d", "16/01/01"],
    ["%H:%M", "24:00"],
    ["%H:%M", "12:60"],
    ["%I %p", "13 pm"],
    ["%b", "Foo"],
    ["%z", "0000"],
    ["iso", "2016-01-04T25:00"],
    ["iso", "yesterday"],
    ["ms", "12.5"],
    ["ms", "99999999999999999"],
    ["s", "-1"],
    ["apache", "17/05/2015:10:05:03 +0000"],
    ["auto", ""],
  ])("%j does not read %j", (format, text) => {
    expect(read(format, text)).toBeUndefined();
  });

  it("names the directive it does not know, and the names when there is none", () => {
    expect(compileTimeFormat("%Y-%Q")).toMatchObject({ kind: "bad-format", message: expect.stringContaining('"%Q"') });
    expect(compileTimeFormat("isoo")).toMatchObject({ kind: "bad-format", message: expect.stringContaining("apache") });
  });

  it("reads back what toISOString() prints, in each of three formats", () => {
    const dates = fc.date({ min: new Date("1000-01-01"), max: new Date("9999-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        const iso = date.toISOString();
        expect(read("iso", iso)).toBe(date.getTime());
        expect(read("%Y-%m-%dT%H:%M:%S.%f%z", iso)).toBe(date.getTime());
        expect(read("%Y/%m/%d %T,%L", iso.slice(0, -1).replaceAll("-", "/").replace("T", " ").replace(".", ","))).toBe(
          date.getTime(),
        );
      }),
    );
  });

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.constantFrom("%Y/%m/%d %H:%M:%S.%f", "apache", "iso", "ms", "s", "auto"), fc.string(), (f, t) => {
        const value = read(f, t);
        expect(value === undefined || Number.isFinite(value)).toBe(true);
      }),
    );
  });
});
