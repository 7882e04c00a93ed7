import * as fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FileSystemError } from "./file-system.ts";
import { nodeFileSystem } from "./node-file-system.ts";

let directory: string;
const disk = nodeFileSystem();

beforeEach(() => {
  directory = fs.mkdtempSync(join(tmpdir(), "varve-node-file-system-"));
});
afterEach(() => {
  fs.rmSync(directory, { recursive: true, force: true });
});

function at(name: string): string {
  return join(directory, name);
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof FileSystemError) return error.code;
    throw error;
  }
  return "no error";
}

test("open() create makes an empty file once, write and read need it to be there", async () => {
  expect(await codeOf(disk.open(at("a"), "write"))).toBe("NOT_FOUND");
  expect(await codeOf(disk.open(at("a"), "read"))).toBe("NOT_FOUND");
  const handle = await disk.open(at("a"), "create");
  expect(await handle.size()).toBe(0);
  await handle.close();
  expect(await codeOf(disk.open(at("a"), "create"))).toBe("EXISTS");
  const again = await disk.open(at("a"), "write");
  await again.write([Uint8Array.of(1)], 0);
  await again.close();
  const reader = await disk.open(at("a"), "read");
  expect(await codeOf(reader.write([Uint8Array.of(2)], 0))).toBe("IO");
  await reader.close();
  expect([...fs.readFileSync(at("a"))]).toEqual([1]);
});

test("write() puts chunks one after the other at a position; the gap before reads as zeros", async () => {
  const handle = await disk.open(at("a"), "create");
  await handle.write([Uint8Array.of(1, 2), new Uint8Array(0), Uint8Array.of(3)], 4);
  await handle.write([Uint8Array.of(9)], 5);
  await handle.write([], 100);
  await handle.sync();
  expect([...fs.readFileSync(at("a"))]).toEqual([0, 0, 0, 0, 1, 9, 3]);
  expect(await handle.size()).toBe(7);
  await handle.close();
});

test("write() takes more buffers than one writev does", async () => {
  const handle = await disk.open(at("a"), "create");
  const chunks = Array.from({ length: 2500 }, (_, index) => Uint8Array.of(index & 255, index >> 8));
  await handle.write(chunks, 3);
  await handle.close();
  const bytes = fs.readFileSync(at("a"));
  expect(bytes.length).toBe(3 + 5000);
  for (let index = 0; index < 2500; index++) expect(bytes.readUInt16LE(3 + 2 * index)).toBe(index);
});

test("write() to a full disk is NO_SPACE", async () => {
  if (!fs.existsSync("/dev/full")) return;
  const handle = await disk.open("/dev/full", "write");
  expect(await codeOf(handle.write([Uint8Array.of(1)], 0))).toBe("NO_SPACE");
  await handle.close();
});

test("read() fills from a position and returns fewer bytes only at the end", async () => {
  fs.writeFileSync(at("a"), Uint8Array.of(1, 2, 3, 4, 5));
  const handle = await disk.open(at("a"), "read");
  const into = new Uint8Array(3);
  expect(await handle.read(into, 1)).toBe(3);
  expect([...into]).toEqual([2, 3, 4]);
  expect(await handle.read(into, 4)).toBe(1);
  expect(into[0]).toBe(5);
  expect(await handle.read(into, 5)).toBe(0);
  expect(await handle.read(into, 500)).toBe(0);
  expect(await handle.read(new Uint8Array(0), 0)).toBe(0);
  await handle.close();
});

test("truncate() cuts and grows", async () => {
  fs.writeFileSync(at("a"), Uint8Array.of(1, 2, 3));
  const handle = await disk.open(at("a"), "write");
  await handle.truncate(1);
  await handle.truncate(4);
  await handle.close();
  expect([...fs.readFileSync(at("a"))]).toEqual([1, 0, 0, 0]);
});

test("close() lets what is under way end, refuses what comes later, and is idempotent", async () => {
  const handle = await disk.open(at("a"), "create");
  const writes = [handle.write([new Uint8Array(1 << 20).fill(7)], 0), handle.sync()];
  const closed = handle.close();
  expect(handle.close()).toBe(closed);
  expect(await codeOf(handle.write([Uint8Array.of(1)], 0))).toBe("CLOSED");
  expect(await codeOf(handle.read(new Uint8Array(1), 0))).toBe("CLOSED");
  await Promise.all(writes);
  await closed;
  expect(fs.statSync(at("a")).size).toBe(1 << 20);
});

test("mkdir() makes parents and does not mind what is there", async () => {
  await disk.mkdir(at("x/y/z"));
  await disk.mkdir(at("x/y/z"));
  expect(fs.statSync(at("x/y/z")).isDirectory()).toBe(true);
  await disk.syncDirectory(at("x/y"));
});

test("readdir() sorts, and tells a file from a directory that is missing", async () => {
  for (const name of ["b", "a", "c"]) fs.writeFileSync(at(name), "");
  expect(await disk.readdir(directory)).toEqual(["a", "b", "c"]);
  expect(await codeOf(disk.readdir(at("a")))).toBe("NOT_A_DIRECTORY");
  expect(await codeOf(disk.readdir(at("none")))).toBe("NOT_FOUND");
});

test("rename() replaces a file and moves a directory; unlink() removes a name", async () => {
  fs.writeFileSync(at("a"), "a");
  fs.writeFileSync(at("b"), "b");
  fs.mkdirSync(at("d"));
  await disk.rename(at("a"), at("b"));
  expect(fs.readFileSync(at("b"), "utf8")).toBe("a");
  await disk.rename(at("d"), at("e"));
  expect(await codeOf(disk.rename(at("d"), at("e")))).toBe("NOT_FOUND");
  await disk.unlink(at("b"));
  expect(await codeOf(disk.unlink(at("b")))).toBe("NOT_FOUND");
  expect(await disk.readdir(directory)).toEqual(["e"]);
});

test("removeTree() removes everything, and nothing twice", async () => {
  fs.mkdirSync(at("d/e"), { recursive: true });
  fs.writeFileSync(at("d/e/f"), "f");
  await disk.removeTree(at("d"));
  await disk.removeTree(at("d"));
  expect(await disk.readdir(directory)).toEqual([]);
});

test("stat() is undefined for what is not there, also below a file", async () => {
  fs.writeFileSync(at("a"), "abc");
  expect(await disk.stat(at("none"))).toBeUndefined();
  expect(await disk.stat(at("a/b"))).toBeUndefined();
  expect(await disk.stat(at("a"))).toMatchObject({ sizeBytes: 3, isDirectory: false });
  expect(await disk.stat(directory)).toMatchObject({ isDirectory: true });
});

test("syncDirectory() needs a directory", async () => {
  fs.writeFileSync(at("a"), "");
  await disk.syncDirectory(directory);
  expect(await codeOf(disk.syncDirectory(at("a")))).toBe("NOT_A_DIRECTORY");
  expect(await codeOf(disk.syncDirectory(at("none")))).toBe("NOT_FOUND");
});

test("freeBytes() is what statfs says", async () => {
  const free = await disk.freeBytes(directory);
  expect(free).toBeGreaterThan(0);
  expect(await codeOf(disk.freeBytes(at("none")))).toBe("NOT_FOUND");
});

test("FileSystemError names what failed, the path and the system's code", async () => {
  await expect(disk.open(at("none"), "read")).rejects.toThrow(`Cannot open "${at("none")}": ENOENT`);
});
