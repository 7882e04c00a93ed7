// Values of the node's configuration as people write them: text from flags and the environment, numbers and booleans from YAML.
// Each is a zod schema from "whatever came" to the typed value; a message is the second half of "… cannot be …: ".

import { wholeNumber } from "@varve/cluster";
import { z } from "zod";

/** Where a node listens. */
export interface Listener {
  readonly host: string;
  readonly port: number;
}

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: "expected a single value" });

export const text = (options: { readonly max: number; readonly pattern?: RegExp; readonly expected: string }) =>
  scalar.transform((value, context) => {
    const written = String(value).trim();
    const legal = written !== "" && written.length <= options.max && (options.pattern?.test(written) ?? true);
    return legal ? written : fail(context, `expected ${options.expected}`);
  });

export const flag = scalar.transform((value, context) => {
  const written = String(value).trim().toLowerCase();
  if (["true", "1", "yes", "on"].includes(written)) return true;
  if (["false", "0", "no", "off"].includes(written)) return false;
  return fail(context, "expected true or false");
});

export const choice = <const T extends string>(words: readonly T[]) =>
  scalar.transform((value, context) => {
    const word = words.find((candidate) => candidate === String(value).trim().toLowerCase());
    return word ?? fail(context, `expected ${words.join(" or ")}`);
  });

/** A whole number; with a unit for `ms` ("90s", "7d") and `bytes` ("64MiB"). */
export const number = (range: {
  readonly unit: "ms" | "bytes" | "count";
  readonly min: number;
  readonly max: number;
}) => {
  const parse = wholeNumber(range);
  return scalar.transform((value, context) => {
    const parsed = parse(String(value));
    return "fault" in parsed ? fail(context, parsed.fault) : parsed.value;
  });
};

/** "127.0.0.1:9094", "[::1]:9094", ":9094" or "9094"; without a host it is this machine only. */
export const listener = scalar.transform((value, context): Listener => {
  const parsed = parseListener(String(value));
  return parsed ?? fail(context, "expected host:port or a port, such as 127.0.0.1:9094");
});

export const listenerOrOff = scalar.transform((value, context): Listener | false => {
  if (value === false || String(value).trim().toLowerCase() === "off") return false;
  const parsed = parseListener(String(value));
  return parsed ?? fail(context, "expected host:port, a port, or off");
});

/** "broker-1.example:9094", or a host alone. */
export const advertised = scalar.transform((value, context): { readonly host: string; readonly port?: number } => {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s/]+)(?::(\d{1,5}))?$/.exec(String(value).trim());
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (match === null || (port !== undefined && (port < 1 || port > 65_535))) {
    return fail(context, "expected a host or host:port that others reach this node at");
  }
  const host = (match[1] ?? "").replace(/^\[(.*)\]$/, "$1");
  return port === undefined ? { host } : { host, port };
});

/** "1@varve-1:9093,2@varve-2:9093", or a list of such texts: ids and where their peer listeners are. */
export const peers = z
  .union([z.string(), z.array(z.string()).max(7)], { error: "expected id@host:port, with commas between them" })
  .transform((value, context) => {
    const written = (typeof value === "string" ? value.split(",") : value).map((part) => part.trim());
    const parsed = written.map(parsePeer);
    const wrong = parsed.indexOf(undefined);
    if (wrong >= 0)
      return fail(context, `expected id@host:port, such as 1@varve-1:9093, not "${written[wrong]?.slice(0, 80)}"`);
    return parsed.filter((peer) => peer !== undefined);
  });

function parsePeer(
  written: string,
): { readonly nodeId: number; readonly host: string; readonly port: number } | undefined {
  const match = /^(\d{1,10})@(\[[0-9a-fA-F:.]+\]|[^:[\]\s/@]+):(\d{1,5})$/.exec(written);
  const [nodeId, port] = [Number(match?.[1]), Number(match?.[3])];
  if (match === null || nodeId > 0x7fff_ffff || port < 1 || port > 65_535) return undefined;
  return { nodeId, host: (match[2] ?? "").replace(/^\[(.*)\]$/, "$1"), port };
}

function parseListener(written: string): Listener | undefined {
  const match = /^(?:(\[[0-9a-fA-F:.]+\]|[^:[\]\s/]*):)?(\d{1,5})$/.exec(written.trim());
  const port = Number(match?.[2] ?? Number.NaN);
  if (match === null || port > 65_535) return undefined;
  const host = (match[1] ?? "").replace(/^\[(.*)\]$/, "$1");
  return { host: host === "" ? "127.0.0.1" : host, port };
}

function fail(context: z.RefinementCtx, message: string): never {
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}
