import { expect, test } from "vitest";
import { filesMaxOfProcess, parseFilesMax, shareOutFiles } from "./file-budget.ts";

test("shareOutFiles leaves the log what it needs, whatever the limit of the process", () => {
  expect(shareOutFiles(20_000, 512)).toEqual({ filesMax: 20_000, openFilesMax: 512, connections: 19_296 });
  expect(shareOutFiles(1_024, 512)).toEqual({ filesMax: 1_024, openFilesMax: 256, connections: 576 });
  expect(shareOutFiles(256, 512)).toEqual({ filesMax: 256, openFilesMax: 64, connections: 16 });
  expect(shareOutFiles(undefined, 700).openFilesMax).toBe(700);
});

test("parseFilesMax reads what Linux says, and knows nothing where it says nothing", async () => {
  const line = "Max open files            1024                 4096                 files     \n";
  expect(parseFilesMax(`Limit Soft Hard Units\n${line}Max locked memory 1 1 bytes\n`)).toBe(1_024);
  expect(parseFilesMax("Max open files unlimited unlimited files\n")).toBeUndefined();
  expect(parseFilesMax("")).toBeUndefined();
  if (process.platform === "linux") expect(await filesMaxOfProcess()).toBeGreaterThan(0);
});
