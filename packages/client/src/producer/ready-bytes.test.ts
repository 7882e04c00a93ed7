// SPDX-License-Identifier: Apache-2.0
import { expect, it } from "vitest";
import { readyBytesOf } from "./ready-bytes.ts";

const mebibyte = 1024 * 1024;

it.each([
  ["a quarter of the buffer, for few partitions", 32 * mebibyte, 3, 8 * mebibyte],
  ["a quarter of a small buffer, too", 8000, 1, 2000],
  ["80 KiB for each of many", 32 * mebibyte, 200, 200 * 80 * 1024],
  ["three quarters at most, so that there is room for a burst", 32 * mebibyte, 10_000, 24 * mebibyte],
  ["a quarter, where that is more", 256 * mebibyte, 300, 64 * mebibyte],
])("readyBytesOf() is %s", (_, bufferBytes, partitions, expected) => {
  expect(readyBytesOf(bufferBytes, partitions)).toBe(expected);
});
