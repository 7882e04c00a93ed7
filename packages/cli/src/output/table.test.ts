// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { escapeControls, printJson, printTable } from "./table.ts";

describe("printTable()", () => {
  it("sets columns of numbers to the right and leaves no blanks at line ends", () => {
    expect(
      printTable(
        ["TOPIC", "PARTITIONS"],
        [
          ["a", 3],
          ["longer", 12],
        ],
      ),
    ).toBe("TOPIC   PARTITIONS\na                3\nlonger          12\n");
  });

  it("prints the header alone when there are no rows", () => {
    expect(printTable(["TOPIC", "ID"], [])).toBe("TOPIC  ID\n");
  });

  it("keeps text of others from driving the terminal", () => {
    expect(printTable(["A"], [["\u001b[2Jx\ny"]])).toBe("A\n\\x1b[2Jx\\x0ay\n");
    expect(escapeControls("plain ü")).toBe("plain ü");
  });
});

describe("printJson()", () => {
  it("is one document", () => {
    expect(JSON.parse(printJson({ a: [1] }))).toEqual({ a: [1] });
  });
});
