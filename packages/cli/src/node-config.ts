// SPDX-License-Identifier: Apache-2.0
// The configuration of `serve`, and of `config`, which prints it: a flag for every key of the broker's table, the environment,
// and a YAML file, handed to the broker's resolver. This file knows where values are written; the resolver knows what they mean.

import { configKeys, resolveConfig, type NodeConfig, type ResolvedConfig } from "@varve/broker";
import { type Command, Option } from "commander";
import { readFile } from "node:fs/promises";
import { parse as parseYaml, YAMLParseError } from "yaml";
import { collected, parsedBy, parseKeyValue } from "./connection.ts";
import { CliError } from "./exit-code.ts";

/** VARVE_* names that are not configuration of a node. */
const otherEnvironmentNames = ["VARVE_ADDRESS", "VARVE_CONFIG", "VARVE_DEBUG", "VARVE_TEST_DATA"];

const switches = new Set(["dev", "insecure", "allow-tmpfs"]);

export interface NodeConfigOptions {
  config?: string;
  topicDefault?: { key: string; value: string }[];
  [flag: string]: unknown;
}

/** Adds --config, --topic-default and one flag for each key of a node. */
export function withNodeConfig(command: Command): Command {
  for (const key of configKeys) {
    if (key.name.startsWith("topic.") || key.secret === true) continue;
    const value = switches.has(key.name) ? "" : " <value>";
    const otherwise = switches.has(key.name) ? "" : ` (default: ${key.default ?? key.unset})`;
    // The default stays with the resolver, which has to know what was not given.
    command.addOption(new Option(`--${key.name}${value}`, `${key.about.replace(/\.$/, "")}${otherwise}`));
  }
  return command
    .option(
      "--topic-default <key=value>",
      "default of a topic configuration key, such as retention.ms=30d; may be given several times",
      collected(parsedBy(parseKeyValue, "key=value, such as retention.ms=30d")),
    )
    .addOption(new Option("--config <file>", "YAML file with the same keys").env("VARVE_CONFIG"));
}

/** @throws CliError with code `usage` and every error of every source, or `notFound` when the file is not there */
export async function loadNodeConfig(
  options: NodeConfigOptions,
): Promise<Extract<ResolvedConfig, { config: NodeConfig }>> {
  const { config: path, topicDefault = [], ...flags } = options;
  for (const { key, value } of topicDefault) flags[`topic.${key}`] = value;
  const resolved = resolveConfig({
    flags,
    env: process.env,
    otherEnvironmentNames,
    ...(path === undefined ? {} : { file: { path, content: await readConfigFile(path) } }),
  });
  if ("config" in resolved) return resolved;
  const [first, ...rest] = resolved.errors.map((error) => error.message);
  throw new CliError("usage", first ?? "Cannot read the configuration", {
    advice: [...rest, "Every key, its value and where that comes from: varve config"],
  });
}

async function readConfigFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CliError("notFound", `Cannot read the configuration file "${path}": ${why}`, { cause: error });
  }
  try {
    return parseYaml(text, { maxAliasCount: 10 }) as unknown;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new CliError("usage", `Cannot read the configuration file "${path}": ${error.message}`, { cause: error });
  }
}
