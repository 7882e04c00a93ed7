// SPDX-License-Identifier: Apache-2.0
// Lets people write `retention.ms=7d` and `segment.bytes=64MiB`: keys that end in .ms take durations, keys that end in
// .bytes take sizes. Everything else, and what cannot be read so, goes to the node as it is: the node knows the keys.

import { parseDurationMs, parseSizeBytes } from "./duration.ts";

export function topicConfigValue(key: string, value: string): string {
  if (key.endsWith(".ms")) return String(parseDurationMs(value) ?? value);
  if (key.endsWith(".bytes")) return String(parseSizeBytes(value) ?? value);
  return value;
}
