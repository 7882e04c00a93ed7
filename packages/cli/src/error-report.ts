// SPDX-License-Identifier: Apache-2.0
// Turns whatever ended a command into an exit code and lines for people: what failed, then what to do about it. Pure.
//
// Errors of the other packages are recognised by their fields (`reason` of the API, `code` of brokers and Node), not by
// class, so that an error that crossed a process or a bundle is understood as well.

import { CliError, exitCodes, type ExitName } from "./exit-code.ts";

export interface ErrorReport {
  exitCode: number;
  /** The first says what failed, the others what to do. */
  lines: readonly string[];
}

/** What the command line knew, for the advice. */
export interface ReportContext {
  address?: string | undefined;
  topic?: string | undefined;
  group?: string | undefined;
}

export function reportError(error: unknown, context: ReportContext = {}): ErrorReport {
  if (error instanceof CliError) return report(error.code, error.message, error.advice);
  if (!(error instanceof Error)) return report("failed", String(error), []);
  const fields = error as Error & { reason?: unknown; code?: unknown; metadata?: unknown; path?: unknown };
  if (isUnreachable(error)) return unreachable(error.message, context);
  const reason = typeof fields.reason === "string" ? fields.reason : undefined;
  if (reason !== undefined) return refusal(reason, error, context);
  if (typeof fields.code === "string") return operational(fields.code, error, context);
  return report("failed", error.message, []);
}

function refusal(reason: string, error: Error, context: ReportContext): ErrorReport {
  const { metadata } = error as { metadata?: unknown };
  const facts = typeof metadata === "object" && metadata !== null ? (metadata as Record<string, unknown>) : {};
  // What was refused names it; a command may have to do with two.
  const topic = typeof facts["topic"] === "string" ? facts["topic"] : (context.topic ?? "NAME");
  const advice = adviceByReason[reason]?.(topic, { group: context.group, ...facts }) ?? [];
  return report(exitByReason[reason] ?? "failed", `${error.message} (${reason})`, advice);
}

const exitByReason: Readonly<Record<string, ExitName>> = {
  UNKNOWN_TOPIC: "notFound",
  UNKNOWN_PARTITION: "notFound",
  UNKNOWN_GROUP: "notFound",
  OFFSET_OUT_OF_RANGE: "notFound",
  LEADER_NOT_AVAILABLE: "unreachable",
  NOT_CONTROLLER: "unreachable",
  NOT_COORDINATOR: "unreachable",
  SHUTTING_DOWN: "unreachable",
};

type Advice = (topic: string, facts: Readonly<Record<string, unknown>>) => readonly string[];

const adviceByReason: Readonly<Record<string, Advice>> = {
  UNKNOWN_TOPIC: (topic) => [
    `See what there is: varve topic list`,
    // Any other name could not be created, and would not survive a shell.
    ...(/^[\w.-]+$/.test(topic) ? [`Create it:         varve topic create ${topic} --partitions 3`] : []),
  ],
  UNKNOWN_PARTITION: (topic) => [`See its partitions: varve topic describe ${topic}`],
  UNKNOWN_GROUP: () => ["See what there is: varve group list"],
  NON_EMPTY_GROUP: (_topic, { group }) => [
    `See who is in it, and stop them: varve group members ${typeof group === "string" ? shellWord(group) : "NAME"}`,
  ],
  TOPIC_ALREADY_EXISTS: (topic) => [
    `Look at it: varve topic describe ${topic}`,
    `Use --if-not-exists when that is fine.`,
  ],
  OFFSET_OUT_OF_RANGE: (topic) => [
    `See what is kept: varve offsets ${topic}`,
    `Read from there:  varve consume ${topic} --from earliest`,
  ],
  MESSAGE_TOO_LARGE: (topic) => [`Raise the limit: varve topic alter ${topic} --config max.message.bytes=BYTES`],
  STORAGE_FULL: (topic) => [
    `Free some room on the node's disk, or keep less: varve topic alter ${topic} --config retention.bytes=BYTES`,
  ],
  PARTITION_QUARANTINED: (topic, { file, partition }) => [
    `See its state:  varve topic describe ${topic}`,
    ...(typeof file === "string" ? [`On its machine: varve inspect log ${shellWord(directoryOf(file))}`] : []),
    ...(typeof partition === "string"
      ? [`What giving the damaged records up would lose: varve partition accept-loss ${topic} ${partition} --dry-run`]
      : []),
  ],
  NOT_CONTROLLER: () => [
    "See who is there: varve cluster status",
    "A majority of the controllers must run, and reach each other: start those that are missing.",
  ],
  NOT_COORDINATOR: () => [
    "See who is there: varve cluster status",
    "A group is kept where __consumer_offsets is: varve topic describe __consumer_offsets",
  ],
  LEADER_NOT_AVAILABLE: (topic) =>
    topic === "NAME"
      ? ["See who is there: varve cluster status"]
      : [`See its partitions: varve topic describe ${topic}`],
  NOT_ENOUGH_REPLICAS: (topic) => [
    `See which nodes are not in sync, and start them: varve topic describe ${topic}`,
    "Or be content with less: --acks leader",
  ],
  INVALID_REPLICATION_FACTOR: () => [
    "See how many nodes are active: varve cluster status",
    "Or ask for fewer copies:       --replication-factor COUNT",
  ],
  POLICY_VIOLATION: (topic) =>
    topic === "__consumer_offsets" ? ["Look at groups, and change them: varve group --help"] : [],
  BUSY: () => ["The node is at a limit: send more slowly (--rate), or try again."],
  REQUEST_TIMED_OUT: () => ["What was sent may have been written. With --idempotent a retry writes nothing twice."],
};

function directoryOf(file: string): string {
  return file.slice(0, Math.max(0, file.lastIndexOf("/"))) || ".";
}

/** As a shell takes it for one word. */
function shellWord(text: string): string {
  return /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

function operational(code: string, error: Error, context: ReportContext): ErrorReport {
  switch (code) {
    case "DATA_DIRECTORY_LOCKED":
      return report("failed", error.message, [
        "Use the one that runs:  varve topic list",
        "Or another directory:   varve serve --data-dir PATH --grpc 127.0.0.1:0 --http off",
      ]);
    case "LISTEN":
    case "EADDRINUSE":
      return report("failed", error.message, [
        "Something listens there already, perhaps another node.",
        /other nodes/.test(error.message)
          ? "Stop it, or give this node another port among its --peers (and --peer), and tell the others."
          : "Use it, or let the system pick free ports: varve serve --grpc 127.0.0.1:0 --http 127.0.0.1:0",
      ]);
    case "CONFIGURATION":
      return report("usage", error.message, ["See every value and where it comes from: varve config"]);
    case "NOT_FOUND":
    case "ENOENT":
      return report("notFound", error.message, []);
    case "EACCES":
    case "PERMISSION":
      return report("failed", error.message, ["Check who owns the file or directory."]);
    case "UNAVAILABLE":
      return unreachable(error.message, context);
    default:
      return report("failed", error.message, []);
  }
}

/** Connection refused, no such host, no answer: whatever layer says so. 14 is gRPC's UNAVAILABLE. */
function isUnreachable(error: Error): boolean {
  const fields = error as { code?: unknown; reason?: unknown; grpcCode?: unknown };
  if (fields.reason === "UNREACHABLE" || fields.code === "ECONNREFUSED" || fields.code === "ENOTFOUND") return true;
  const status = fields.grpcCode ?? fields.code;
  if (status !== 14 && status !== "UNAVAILABLE") return false;
  // A node that answered names a reason of its own.
  return (
    typeof fields.reason !== "string" || /ECONNREFUSED|No connection established|Name resolution/.test(error.message)
  );
}

function unreachable(message: string, context: ReportContext): ErrorReport {
  // A command may have to do with two nodes: the client says which one it looked for.
  const [prefix, sought] = /^Cannot reach a broker at ("[^"]*"(?:, "[^"]*")*): /.exec(message) ?? [""];
  const asked = context.address === undefined ? undefined : `"${context.address}"`;
  const addresses = sought ?? asked;
  const where = addresses === undefined ? "" : ` at ${addresses}`;
  // grpc-js wraps what matters: "No connection established. Last error: Error: connect ECONNREFUSED … Resolution note: ".
  const isOtherProtocol = /Protocol error/.test(message);
  const why = message
    .slice(prefix.length)
    .replace(/^.*?Last error: (?:Error: )?/, "")
    .replace(/\.? Resolution note: *$/, "")
    .replace(/ \(\d{4}-\d\d-\d\dT[\d:.]+Z\)$/, "");
  return report("unreachable", `No node answers${where}: ${why}`, [
    ...(isOtherProtocol ? ["Something answers there that is no gRPC: perhaps the port of metrics (--http)."] : []),
    "Start one here:          varve serve",
    "Or say where one runs:   --address HOST:PORT, or VARVE_ADDRESS in the environment",
  ]);
}

function report(code: ExitName, message: string, advice: readonly string[]): ErrorReport {
  return { exitCode: exitCodes[code].code, lines: [message, ...advice] };
}
