// SPDX-License-Identifier: Apache-2.0
// varve replay TOPIC: a range of a topic again, into another topic, a file or standard output, at a pace of one's own.

import { printEnd, printPosition } from "@varve/api";
import type { Client, ConsumedRecord } from "@varve/client";
import type { Codec } from "@varve/format";
import { Command, Option } from "commander";
import { resolve } from "node:path";
import {
  addressOption,
  parsedBy,
  sayingWhatIsWaitedFor,
  withAddress,
  withClient,
  withOutput,
  type ConnectionOptions,
  type OutputOptions,
} from "../connection.ts";
import { exitCodes, usageError } from "../exit-code.ts";
import { printNumberOf } from "../input/duration.ts";
import { printRecordAsJson, recordPrinter } from "../output/record-format.ts";
import { printJson, printTable } from "../output/table.ts";
import { printTotal, Throughput } from "../output/throughput.ts";
import { aboutTimes, withRange, type RangeOptions } from "../range-options.ts";
import { FileSink } from "../replay/file-sink.ts";
import { findLanded } from "../replay/find-landed.ts";
import { Landed } from "../replay/landed.ts";
import { parsePace, parseSpeed, type Pace } from "../replay/pace.ts";
import {
  findTarget,
  findTopic,
  offsetsLeft,
  printRangeEnd,
  resolveRange,
  type FoundTopic,
  type PartitionRange,
} from "../replay/range.ts";
import { lockReplayState } from "../replay/replay-lock.ts";
import { readReplayState, writeReplayState, type ReplayIdentity, type ReplayState } from "../replay/replay-state.ts";
import { replay, type Progress } from "../replay/replay.ts";
import type { ReplaySink } from "../replay/sink.ts";
import { openSource } from "../replay/source.ts";
import { StdoutSink } from "../replay/stdout-sink.ts";
import { TopicSink, type PartitionBy } from "../replay/topic-sink.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { startProgress } from "../terminal/progress.ts";
import type { Terminal } from "../terminal/terminal.ts";

interface ReplayCommandOptions extends ConnectionOptions, OutputOptions, RangeOptions {
  into?: string;
  intoAddress?: string;
  file?: string;
  format?: string;
  partitionBy?: PartitionBy;
  codec: Codec;
  rate?: Pace;
  speed?: Pace;
  resume?: string;
  dryRun?: boolean;
  quiet?: boolean;
}

export function replayCommand(terminal: Terminal): Command {
  return withRange(withOutput(withAddress(new Command("replay"))))
    .argument("<topic>", "the topic to read")
    .option("--into <topic>", "write to this topic: keys, values, headers and times stay as they are")
    .option("--into-address <host:port>", "where that topic is (default: where the other one is)", addressOption)
    .option("--file <path>", "write to this file, which must not exist, a JSON document a line")
    .option("-f, --format <format>", "how to print a record to the file or stdout, as in 'varve consume'")
    .addOption(
      new Option(
        "--partition-by <what>",
        "with --into: the same partition, or by key (default: the same if both topics have as many)",
      ).choices(["same", "key"]),
    )
    .addOption(
      new Option("--codec <codec>", "with --into: compression")
        .choices(["none", "gzip", "snappy", "lz4", "zstd"])
        .default("none"),
    )
    .option(
      "--rate <n>",
      "at most so many records (1000, 2.5k) or bytes (5MB/s) a second",
      parsedBy(parsePace, "records a second, such as 500 or 2.5k, or bytes, such as 5MB/s"),
    )
    .option(
      "--speed <factor>",
      "at the pace of the records' own times, this much faster: 1x, 10x; merges partitions by time",
      parsedBy(parseSpeed, "a factor such as 1x or 10x"),
    )
    .option("--resume <file>", "keep in this file how far it is, and go on from there when it exists")
    .option("--dry-run", "say what would be read, write nothing")
    .option("-q, --quiet", "no progress, no summary")
    .addHelpText(
      "after",
      `
Without --into and --file, records go to standard output, and the summary to stderr. Without --to it ends at what was
committed when it started. The lines of a file hold all there is of a record: text that is not UTF-8 stands in base64
under keyBase64 and valueBase64; "varve produce --format records" brings them back.
${aboutTimes}

Ctrl-C stops behind the record at hand. With --resume the same command then goes on there, also after a crash: nothing
is left out, and a second process with that file is refused. A file has every record once: what the crash left behind the
last checkpoint is cut off. A topic has every record once, too: those of the last checkpoint's second that are in it
already are looked up first, by their order. What went to standard output in that second comes again; so may, in a
compacted topic, what others have overwritten since.

Examples:
  $ varve replay orders --from ago:2h --into orders-again
  $ varve replay orders --from time:2016-04-14 --to time:2016-04-17 --file april.ndjson
  $ varve replay orders --partition 0 --from last:1000 --rate 5MB/s --into orders-copy --resume copy.state
  $ varve replay visits --filter-from 2015-05-18 --filter-to 2015-05-19 --speed 60x -f '%d %v\\n'`,
    )
    .action(async (topic: string, options: ReplayCommandOptions) => runReplay(terminal, topic, options));
}

async function runReplay(terminal: Terminal, topic: string, options: ReplayCommandOptions): Promise<void> {
  checkOptions(options);
  await interruptible(async (signal) =>
    withClient(options, async (client) => {
      if (options.into === undefined) return against(terminal, { client, target: client, topic, options, signal });
      return withClient({ address: options.intoAddress ?? options.address }, async (target) =>
        against(terminal, { client, target, topic, options, signal }),
      );
    }),
  );
}

function checkOptions(options: ReplayCommandOptions): void {
  const { into, file, format, rate, speed, to } = options;
  const refuse = (wrong: boolean, message: string): void => {
    if (wrong) throw usageError(message);
  };
  refuse(into !== undefined && file !== undefined, "Cannot write to two places: give --into or --file");
  refuse(into !== undefined && format !== undefined, "Cannot print into a topic: -f is for --file and stdout");
  refuse(
    into === undefined && (options.intoAddress ?? options.partitionBy) !== undefined,
    "Cannot use --into-address or --partition-by without --into",
  );
  refuse(rate !== undefined && speed !== undefined, "Cannot keep two paces: give --rate or --speed");
  refuse(
    speed !== undefined && to?.kind === "none",
    "Cannot keep the pace of the records without an end: a partition without new records holds up the others",
  );
}

interface Run {
  readonly client: Client;
  readonly target: Client;
  readonly topic: string;
  readonly options: ReplayCommandOptions;
  readonly signal: AbortSignal;
}

async function against(terminal: Terminal, run: Run): Promise<void> {
  const { resume, dryRun } = run.options;
  // A dry run only looks.
  if (resume === undefined || dryRun === true) return goOn(terminal, run);
  const lock = await lockReplayState(resume);
  try {
    await goOn(terminal, run);
  } finally {
    await lock.release();
  }
}

async function goOn(terminal: Terminal, run: Run): Promise<void> {
  const { client, topic, options, signal } = run;
  const note = (line: string): void => terminal.note(line);
  const source = await sayingWhatIsWaitedFor(note, `topic "${topic}"`, () => findTopic(client, topic));
  const target =
    options.into === undefined ? undefined : await findTarget(run.target, options.into, source.partitionCount);
  const partitionBy = target === undefined ? "same" : partitioning(source, target, options);
  const identity = identityOf(source, target, partitionBy, options);
  const before = options.resume === undefined ? undefined : await readReplayState(options.resume, identity);
  const ranges =
    before?.partitions ??
    (await sayingWhatIsWaitedFor(note, `offsets of topic "${topic}"`, () =>
      resolveRange(client, note, topic, options),
    ));
  if (options.dryRun === true) return void (await terminal.out(printPlan(ranges, options)));
  if (before?.finished === true) {
    note(`Nothing is left to do: ${printNumberOf(before.records, "record")} went out before.`);
    return;
  }
  const filter = { fromTimeMs: options.filterFrom, toTimeMs: options.filterTo };
  const reading = { topic, filter, ranges };
  const landed =
    target === undefined || before === undefined
      ? Landed.none()
      : await findLanded(client, run.target, { ...reading, state: before, target, partitionBy });
  const alreadyThere = landed.size;
  const sink = await openSink(terminal, run, { target, partitionBy, before, landed });
  const meter = new Throughput(performance.now());
  const left = offsetsLeft(ranges);
  // A bar would stand among the records where both go to the same terminal.
  const isAmongRecords = options.into === undefined && options.file === undefined && terminal.canRedraw;
  const quiet = options.quiet === true || isAmongRecords;
  const progress = startProgress(terminal, { label: topic, total: left, meter, quiet });
  const stateOf = (now: Progress): ReplayState => ({
    identity,
    partitions: ranges,
    sink: now.sink,
    records: (before?.records ?? 0) + now.records,
    bytes: (before?.bytes ?? 0) + now.bytes,
    skipped: (before?.skipped ?? 0) + now.skipped,
    finished: now.finished,
  });
  let result: Progress;
  try {
    result = await replay({
      source: openSource(client, { ...reading, byTime: options.speed !== undefined }),
      sink,
      ranges,
      pace: options.rate ?? options.speed ?? { kind: "free" },
      checkpoint:
        options.resume === undefined ? undefined : (now) => writeReplayState(options.resume ?? "", stateOf(now)),
      onRecord(_record: ConsumedRecord, bytes) {
        meter.add(1, bytes, performance.now());
        progress.at(left === undefined ? 0 : left - (offsetsLeft(ranges) ?? 0));
      },
      signal,
    });
  } finally {
    progress.stop();
    await sink.close();
  }
  await tell(terminal, run, { state: stateOf(result), alreadyThere, meter });
  // Without an end, Ctrl-C is how it ends; and a reader of stdout that leaves has what it wanted.
  if (!result.finished && signal.aborted && options.to?.kind !== "none") process.exitCode = exitCodes.interrupted.code;
}

function partitioning(source: FoundTopic, target: FoundTopic, { partitionBy }: ReplayCommandOptions): PartitionBy {
  if (source.topicId === target.topicId && source.clusterId === target.clusterId) {
    throw usageError(`Cannot replay topic "${source.topic}" into itself: it would read what it writes`);
  }
  const fits = target.partitionCount >= source.partitionCount;
  if (partitionBy === "same" && !fits) {
    throw usageError(
      `Cannot keep the partitions: topic "${target.topic}" has ${target.partitionCount}, topic "${source.topic}" ${source.partitionCount}`,
      `Give it more: varve topic alter ${target.topic} --partitions ${source.partitionCount}`,
      "Or let the keys decide: --partition-by key",
    );
  }
  return partitionBy ?? (target.partitionCount === source.partitionCount ? "same" : "key");
}

/** What makes it the same replay when it goes on. */
function identityOf(
  source: FoundTopic,
  target: FoundTopic | undefined,
  partitionBy: PartitionBy,
  options: ReplayCommandOptions,
): ReplayIdentity {
  const { from = { kind: "earliest" }, to = { kind: "latest-at-start" }, partition, filterFrom, filterTo } = options;
  const [file, format] = [options.file, options.format];
  return {
    cluster: source.clusterId,
    topic: source.topic,
    "id of the topic": source.topicId,
    "--from": printPosition(from),
    "--to": printEnd(to),
    "--partition": partition?.join(",") ?? "all",
    "--filter-from": String(filterFrom ?? "none"),
    "--filter-to": String(filterTo ?? "none"),
    ...(file === undefined ? {} : { "--file": resolve(file) }),
    ...(format === undefined ? {} : { "--format": format }),
    ...(target === undefined
      ? {}
      : {
          "--into": target.topic,
          "id of the topic of --into": target.topicId,
          "cluster of --into": target.clusterId,
          "--partition-by": partitionBy,
        }),
  };
}

async function openSink(
  terminal: Terminal,
  { target: client, topic, options }: Run,
  where: {
    readonly target: FoundTopic | undefined;
    readonly partitionBy: PartitionBy;
    readonly before: ReplayState | undefined;
    readonly landed: Landed;
  },
): Promise<ReplaySink> {
  const { target, partitionBy, before, landed } = where;
  if (target !== undefined) {
    const ends =
      before?.sink.kind === "topic"
        ? before.sink.ends
        : new Map(
            (await client.admin.listOffsets({ topic: target.topic })).map((row) => [row.partition, row.logEndOffset]),
          );
    return new TopicSink(client, { topic: target.topic, partitionBy, codec: options.codec, ends, landed });
  }
  const print = options.format === undefined ? printRecordAsJson : recordPrinter(options.format);
  if (options.file === undefined) return new StdoutSink(terminal, { topic, print });
  const sizeBytes = before?.sink.kind === "file" ? before.sink.sizeBytes : undefined;
  return FileSink.open(options.file, sizeBytes, { topic, print });
}

function printPlan(ranges: readonly PartitionRange[], { output }: ReplayCommandOptions): string {
  if (output === "json") {
    // An offset is a number, as everywhere; other ends are as they are written.
    const to = (end: PartitionRange["end"]): number | string =>
      end.kind === "offset" ? end.offset : printRangeEnd(end);
    return printJson(ranges.map(({ partition, next, end }) => ({ partition, from: next, to: to(end) })));
  }
  return printTable(
    ["PARTITION", "FROM", "TO"],
    ranges.map(({ partition, next, end }) => [partition, next, printRangeEnd(end)]),
  );
}

async function tell(
  terminal: Terminal,
  { topic, options }: Run,
  { state, alreadyThere, meter }: { state: ReplayState; alreadyThere: number; meter: Throughput },
): Promise<void> {
  if (options.quiet === true) return;
  const totals = meter.total(performance.now());
  const partitions = state.partitions.map(({ partition, from, next, records }) => ({ partition, from, next, records }));
  const isToStdout = options.into === undefined && options.file === undefined;
  const print = async (text: string): Promise<unknown> =>
    isToStdout ? terminal.note(text.trimEnd()) : terminal.out(text);
  if (options.output === "json") {
    const { records, bytes, skipped, finished } = state;
    const to = options.into ?? options.file ?? "-";
    const elapsedMs = Math.round(totals.elapsedMs);
    await print(printJson({ topic, to, records, bytes, skipped, alreadyThere, finished, elapsedMs, partitions }));
    return;
  }
  if (state.skipped > 0) {
    terminal.note(`Left out ${printNumberOf(state.skipped, "record")} outside --filter-from and --filter-to.`);
  }
  if (alreadyThere > 0) terminal.note(`Found ${printNumberOf(alreadyThere, "record")} of the last run there already.`);
  terminal.note(`Replayed ${printTotal(totals)}${state.finished ? "" : ", not to the end"}`);
  await print(
    printTable(
      ["PARTITION", "FROM", "NEXT", "RECORDS"],
      partitions.map((row) => [row.partition, row.from, row.next, row.records]),
    ),
  );
}
