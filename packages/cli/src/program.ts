// SPDX-License-Identifier: Apache-2.0
// The command line as a whole: one subcommand per file in commands/, errors turned into exit codes at one place.
//
//   argv ──> commander ──> command ──> ok                          exit 0
//                             └─────> throws ──> error-report ──> lines on stderr, exit code

import { Command, CommanderError } from "commander";
import { reportError, type ReportContext } from "./error-report.ts";
import { exitCodes } from "./exit-code.ts";
import { invocation, version, withInvocation } from "./invocation.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** A subcommand is loaded when it is called: a client command does not pay for the broker. */
interface Subcommand {
  readonly name: string;
  readonly about: string;
  readonly load: (terminal: Terminal) => Promise<Command>;
}

const subcommands: readonly Subcommand[] = [
  {
    name: "first-run",
    about: "start a node, send real data, replay it twice, check every byte",
    load: async (terminal) => (await import("./commands/first-run.ts")).firstRunCommand(terminal),
  },
  {
    name: "serve",
    about: "run a node",
    load: async (terminal) => (await import("./commands/serve.ts")).serveCommand(terminal),
  },
  {
    name: "topic",
    about: "create, list, describe, alter, delete, trim topics",
    load: async (terminal) => (await import("./commands/topic.ts")).topicCommand(terminal),
  },
  {
    name: "produce",
    about: "send lines as records, from files or stdin",
    load: async (terminal) => (await import("./commands/produce.ts")).produceCommand(terminal),
  },
  {
    name: "consume",
    about: "print records, from any position",
    load: async (terminal) => (await import("./commands/consume.ts")).consumeCommand(terminal),
  },
  {
    name: "replay",
    about: "read a range of a topic again: into another topic, a file or stdout",
    load: async (terminal) => (await import("./commands/replay.ts")).replayCommand(terminal),
  },
  {
    name: "group",
    about: "list, describe, watch, move, fork, limit and delete consumer groups",
    load: async (terminal) => (await import("./commands/group.ts")).groupCommand(terminal),
  },
  {
    name: "offsets",
    about: "show first and last offsets, or the offsets that a position means",
    load: async (terminal) => (await import("./commands/offsets.ts")).offsetsCommand(terminal),
  },
  {
    name: "inspect",
    about: "verify the files of a node, offline, and print what is in them",
    load: async (terminal) => (await import("./commands/inspect.ts")).inspectCommand(terminal),
  },
  {
    name: "bench",
    about: "measure a node: throughput and latency",
    load: async (terminal) => (await import("./commands/bench.ts")).benchCommand(terminal),
  },
  {
    name: "config",
    about: "print every effective value of a node's configuration and where it comes from",
    load: async (terminal) => (await import("./commands/config.ts")).configCommand(terminal),
  },
  {
    name: "cluster",
    about: "show the nodes of the cluster and who decides; replace a lost disk",
    load: async (terminal) => (await import("./commands/cluster.ts")).clusterCommand(terminal),
  },
  {
    name: "partition",
    about: "repair partitions",
    load: async (terminal) => (await import("./commands/partition.ts")).partitionCommand(terminal),
  },
];

/**
 * The command tree. With `called`, only that subcommand is whole; the others are a name and a line of help.
 * Commands write to `terminal` only.
 */
export async function buildProgram(terminal: Terminal, called?: string): Promise<Command> {
  const program = new Command("varve")
    .description("A partitioned commit log: run a node, write records, read them again from any offset or time.")
    .version(version(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .enablePositionalOptions();
  for (const { name, about, load } of subcommands) {
    const command = called === undefined || called === name ? await load(terminal) : new Command(name);
    program.addCommand(command.description(about));
  }
  program.addHelpText("after", topLevelHelp);
  for (const command of withDescendants(program)) {
    const hint = withInvocation(`(see what it takes: ${pathOf(command)} --help)`, invocation(process.env));
    command.exitOverride().showHelpAfterError(hint);
  }
  return program;
}

/** Runs one command line; resolves with the exit code. Never rejects. */
export async function run(given: readonly string[], terminal: Terminal): Promise<number> {
  // "varve help topic create" is "varve topic create --help".
  const args = given[0] === "help" ? [...given.slice(1), "--help"] : given;
  const program = await buildProgram(terminal, args.find((argument) => !argument.startsWith("-")) ?? "");
  let context: ReportContext = {};
  program.hook("preAction", (_, action) => {
    const options = action.opts<{ address?: string; topic?: unknown; group?: string }>();
    const named = (what: string): string | undefined =>
      action.registeredArguments[0]?.name() === what ? action.args[0] : undefined;
    const topic = named("topic") ?? (typeof options.topic === "string" ? options.topic : undefined);
    context = { address: options.address, topic, group: named("group") ?? options.group };
  });
  try {
    await program.parseAsync([...args], { from: "user" });
    return Number(process.exitCode ?? exitCodes.ok.code);
  } catch (error) {
    // Commander has printed help, version or its complaint already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok.code : exitCodes.usage.code;
    const report = reportError(error, context);
    const [first = "", ...advice] = report.lines;
    terminal.note(`varve: ${first}`);
    for (const line of advice) terminal.note(`  ${withInvocation(line, invocation(process.env))}`);
    if (process.env["VARVE_DEBUG"] !== undefined && error instanceof Error) terminal.note(error.stack ?? "");
    return report.exitCode;
  }
}

/** "varve topic create" */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function withDescendants(command: Command): Command[] {
  return [command, ...command.commands.flatMap((child) => withDescendants(child))];
}

const topLevelHelp = `
Start here:
  $ varve first-run                            a node, a topic, real data, two replays, all checked
  $ varve serve                                a node on 127.0.0.1:9094, data in ./varve-data
  $ varve topic create orders --partitions 3
  $ echo 'k1:hello' | varve produce orders --key-delimiter :
  $ varve consume orders --from earliest

Exit codes:
${Object.values(exitCodes)
  .map(({ code, about }) => `  ${String(code).padStart(3)}  ${about}`)
  .join("\n")}

Environment:
  VARVE_ADDRESS   the node that commands talk to (default 127.0.0.1:9094)
  VARVE_*         configuration of "varve serve"; "varve config" lists it
  VARVE_DEBUG     set: errors print where they came from`;
