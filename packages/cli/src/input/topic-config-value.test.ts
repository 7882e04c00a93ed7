// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from "vitest";
import { topicConfigValue } from "./topic-config-value.ts";

describe("topicConfigValue()", () => {
  it.each([
    ["retention.ms", "7d", "604800000"],
    ["retention.ms", "-1", "-1"],
    ["retention.ms", "1000", "1000"],
    ["segment.bytes", "64MiB", "67108864"],
    ["segment.bytes", "lots", "lots"],
    ["cleanup.policy", "7d", "7d"],
  ])("%s=%s is sent as %s", (key, value, expected) => {
    expect(topicConfigValue(key, value)).toBe(expected);
  });
});
