// How fast a consumer group may read. It is kept with the metadata, not with the group: every leader of a partition has to know it.

import { groupRatesMax } from "../limits.ts";
import { configRecords } from "./config-commands.ts";
import { accept, refuse } from "./decision.ts";
import type { Decision } from "./decision.ts";
import { configScopeKey } from "./image.ts";
import type { ConfigOverrides, ControllerImage } from "./state.ts";

const recordsKey = "records.per.second";
const bytesKey = "bytes.per.second";

/** 0: as fast as it can. */
export interface GroupRate {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

export interface ConfigureGroup extends GroupRate {
  readonly kind: "configureGroup";
  /** It need not exist. */
  readonly group: string;
}

const none: ConfigOverrides = Object.freeze({});

/** The rate of a group that has one. */
export function groupRate(image: ControllerImage, group: string): GroupRate | undefined {
  const own = image.configs.get(configScopeKey("group", group));
  if (own === undefined) return undefined;
  return { recordsPerSecond: Number(own[recordsKey] ?? 0), bytesPerSecond: Number(own[bytesKey] ?? 0) };
}

export function decideConfigureGroup(
  image: ControllerImage,
  { group, recordsPerSecond, bytesPerSecond }: ConfigureGroup,
): Decision<GroupRate> {
  const what = `Cannot set the rate of group "${group.slice(0, 300)}"`;
  if (group === "" || group.length > 249) return refuse("INVALID_REQUEST", `${what}: that is no name of a group.`);
  for (const rate of [recordsPerSecond, bytesPerSecond]) {
    if (!Number.isSafeInteger(rate) || rate < 0) {
      return refuse("INVALID_REQUEST", `${what}: ${rate} is no whole number from 0 up.`);
    }
  }
  const before = image.configs.get(configScopeKey("group", group)) ?? none;
  if (before === none && recordsPerSecond + bytesPerSecond > 0 && rateCount(image) >= groupRatesMax) {
    return refuse("POLICY_VIOLATION", `${what}: ${groupRatesMax} groups have one, and may not be more; take one away.`);
  }
  const changes = [
    { key: recordsKey, value: recordsPerSecond === 0 ? null : String(recordsPerSecond) },
    { key: bytesKey, value: bytesPerSecond === 0 ? null : String(bytesPerSecond) },
  ];
  return accept({ recordsPerSecond, bytesPerSecond }, configRecords("group", group, before, changes));
}

function rateCount(image: ControllerImage): number {
  let count = 0;
  for (const key of image.configs.keys()) if (key.startsWith("group/")) count += 1;
  return count;
}
