// SPDX-License-Identifier: Apache-2.0
// varve config: what `varve serve` would run with, given the same flags, environment and file: every effective value and where
// it comes from. Starts nothing, needs no node.

import { Command } from "commander";
import { withOutput, type OutputOptions } from "../connection.ts";
import { loadNodeConfig, withNodeConfig, type NodeConfigOptions } from "../node-config.ts";
import { printJson, printTable } from "../output/table.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface ConfigOptions extends NodeConfigOptions, OutputOptions {
  all?: boolean;
}

export function configCommand(terminal: Terminal): Command {
  return withOutput(withNodeConfig(new Command("config")))
    .option("--all", "also the defaults of topic configuration that nobody set, and what each key does")
    .addHelpText(
      "after",
      `
Flags go over VARVE_* variables over the file over defaults. A key "data-dir" is --data-dir, VARVE_DATA_DIR and, in the
file, data-dir. Unknown keys are errors.

Examples:
  $ varve config
  $ VARVE_GRPC=0.0.0.0:9094 varve config --config varve.yaml
  $ varve config --all -o json`,
    )
    .action(async ({ all, output, ...options }: ConfigOptions) => {
      const { origins } = await loadNodeConfig(options);
      const shown = origins.filter(
        (origin) => all === true || !origin.key.startsWith("topic.") || origin.source !== "default",
      );
      if (output === "json") return void (await terminal.out(printJson(shown)));
      await terminal.out(
        printTable(
          ["KEY", "VALUE", "FROM", ...(all === true ? ["WHAT"] : [])],
          shown.map(({ key, value, where, about }) => [
            key,
            value ?? "-",
            value === undefined ? `unset: ${where}` : where,
            ...(all === true ? [about] : []),
          ]),
        ),
      );
    });
}
