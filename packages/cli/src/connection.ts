// SPDX-License-Identifier: Apache-2.0
// What commands that talk to a node share: --address, -o, and a client that is closed whatever happens.

import { type CallControl, type Client, connect } from "@varve/client";
import { type Command, InvalidArgumentError, Option } from "commander";

export const defaultAddress = "127.0.0.1:9094";

/** A node that is not there is said soon; one that starts has this long. */
export const connectTimeoutMs = 3000;

export interface ConnectionOptions {
  address: string;
}

export interface OutputOptions {
  output: "table" | "json";
}

/** Adds --address; several addresses of one cluster stand with commas. */
export function withAddress(command: Command): Command {
  return command.addOption(
    new Option("-a, --address <host:port>", "the node to talk to; several with commas")
      .env("VARVE_ADDRESS")
      .argParser(addressOption)
      .default(defaultAddress),
  );
}

/** The parser of --address. */
export const addressOption = parsedBy(parseAddresses, "host:port, such as 127.0.0.1:9094; several with commas");

/** "a:1, b:2" as "a:1,b:2": at least one, each a host and a port. */
export function parseAddresses(text: string): string | undefined {
  const addresses = text
    .split(",")
    .map((address) => address.trim())
    .filter((address) => address !== "");
  const areValid = addresses.every((address) => {
    const port = /^(?:\[[0-9a-f:.%]+\]|[^\s/:]+):(\d{1,5})$/i.exec(address)?.[1];
    return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535;
  });
  return areValid && addresses.length > 0 ? addresses.join(",") : undefined;
}

export function withOutput(command: Command): Command {
  return command.addOption(
    new Option("-o, --output <format>", "how to print the result").choices(["table", "json"]).default("table"),
  );
}

/** Runs `work` with a connected client and closes it on both outcomes. */
export async function withClient<T>(options: ConnectionOptions, work: (client: Client) => Promise<T>): Promise<T> {
  const client = await connect({ addresses: options.address.split(","), connectTimeoutMs });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Looks for something that a cluster in trouble may be slow to say, or never say: `look` is to pass on what it is given. */
export function withPatience<T>(
  note: (line: string) => void,
  what: string,
  look: (control: CallControl) => Promise<T>,
): Promise<T> {
  const given = `; giving up after ${lookTimeoutMs / 1000} s`;
  return sayingWhatIsWaitedFor(note, `${what}${given}`, () => look({ timeoutMs: lookTimeoutMs }));
}

/** Tells `note` after a while what the silence is. */
export async function sayingWhatIsWaitedFor<T>(
  note: (line: string) => void,
  what: string,
  ask: () => Promise<T>,
): Promise<T> {
  const timer = setTimeout(() => note(`No answer for ${silenceMs / 1000} s about ${what}.`), silenceMs);
  try {
    return await ask();
  } finally {
    clearTimeout(timer);
  }
}

/** A failover takes a few seconds; somebody who looks shall not wait for much more. In ms. */
const lookTimeoutMs = 10_000;
const silenceMs = 3_000;

/** An option parser: what `parse` cannot read is a usage error that names the flag. */
export function parsedBy<T>(parse: (text: string) => T | undefined, wanted: string): (text: string) => T {
  return (text) => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`Wanted: ${wanted}.`);
    return value;
  };
}

/** An option parser out of one that throws: its message becomes the usage error. */
export function parsedOrRefused<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

/** A whole number from `least` on. */
export function parsedInteger(least: number, most = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return parsedBy(
    (text) => {
      const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
      return Number.isSafeInteger(value) && value >= least && value <= most ? value : undefined;
    },
    most === Number.MAX_SAFE_INTEGER ? `a whole number, ${least} or more` : `a whole number from ${least} to ${most}`,
  );
}

/** For options that may be given several times. */
export function collected<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before) => [...(before ?? []), parse(text)];
}

/** "0,2-4": partitions by number and range. */
export function parsePartitions(text: string): number[] | undefined {
  const partitions = new Set<number>();
  for (const part of text.split(",")) {
    const match = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = Number(match[2] ?? match[1]);
    if (last < first || last - first > 10_000) return undefined;
    for (let partition = first; partition <= last; partition += 1) partitions.add(partition);
  }
  return [...partitions].sort((a, b) => a - b);
}

/** "key=value", the value may hold "=" and may be empty. */
export function parseKeyValue(text: string): { key: string; value: string } | undefined {
  const at = text.indexOf("=");
  return at < 1 ? undefined : { key: text.slice(0, at).trim(), value: text.slice(at + 1) };
}
