// SPDX-License-Identifier: Apache-2.0
// Proves with strace what an acknowledgement means: the node writes the record, syncs the file, and only then answers.
//
//   node --import tsx scripts/strace-produce.ts          runs a broker under strace, produces, reads the trace
//   node --import tsx scripts/strace-produce.ts serve D  the broker itself, on data directory D
//
// The answer is found in the trace by its bytes: enough records are sent before that the last one's offset is a pattern that
// nothing else on the connection has.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { credentials, Metadata } from "@grpc/grpc-js";
import { channelOptions, loadServices } from "@varve/api";
import { Broker } from "@varve/broker";

const recordsBefore = 123_456;
/** Protobuf of base_offset = last_offset = 123,456: tags 2 and 3, then the number. */
const answerPattern = "\\20\\300\\304\\7\\30\\300\\304\\7";
const marker = "varve-strace-marker";

async function serve(dataDir: string): Promise<void> {
  const broker = await Broker.start({ dataDir, listeners: { grpc: { port: 0 }, http: false } });
  console.log(`ready ${process.pid} ${broker.addresses.grpc}`);
  process.once("SIGTERM", () => void broker.close());
}

async function produce(address: string): Promise<void> {
  const services = loadServices();
  const admin = services.openAdminClient(address, credentials.createInsecure(), channelOptions);
  const log = services.openLogClient(address, credentials.createInsecure(), channelOptions);
  await new Promise<void>((resolve, reject) => {
    admin.CreateTopic({ topic: "traced", partitions: 1 }, new Metadata(), {}, (error) =>
      error ? reject(error) : resolve(),
    );
  });
  const send = (values: readonly string[]): Promise<number> =>
    new Promise((resolve, reject) => {
      const records = values.map((value) => ({ value: Buffer.from(value) }));
      log.Produce({ topic: "traced", partition: 0, acks: "all", records }, new Metadata(), {}, (error, response) => {
        if (error) reject(error);
        else resolve(response!.results[0]!.baseOffset);
      });
    });
  for (let sent = 0; sent < recordsBefore; sent += recordsBefore / 4) {
    await send(Array.from({ length: recordsBefore / 4 }, () => "x"));
  }
  const offset = await send([marker]);
  if (offset !== recordsBefore) throw new Error(`Expected offset ${recordsBefore}, got ${offset}.`);
  admin.close();
  log.close();
}

interface Call {
  readonly line: number;
  readonly text: string;
  /** Thread id: a call that another thread interrupts is printed as "unfinished" and "resumed". */
  readonly thread: string;
}

/** The order that must hold, or an explanation of what is missing. */
function judge(trace: string): { ok: boolean; said: string[] } {
  const calls: Call[] = trace
    .split("\n")
    .map((text, line) => ({ line, text, thread: text.split(/\s/, 1)[0]! }))
    .filter((call) => call.text !== "");
  const finished = (from: number, thread: string, name: string): number => {
    const start = calls[from]!;
    if (!start.text.includes("unfinished ...")) return from;
    return calls.findIndex((c, i) => i > from && c.thread === thread && c.text.includes(`${name} resumed`));
  };
  const write = calls.findIndex(
    (c) => /pwritev?(64|2)?\(\d+<[^>]*\.(wal|log)>/.test(c.text) && c.text.includes(marker),
  );
  if (write < 0) return { ok: false, said: ["No write of the record to the journal or a segment was seen."] };
  const file = /<([^>]*)>/.exec(calls[write]!.text)![1]!;
  const sync = calls.findIndex((c, i) => i > write && /f(data)?sync\(/.test(c.text) && c.text.includes(`<${file}>`));
  if (sync < 0) return { ok: false, said: [`No sync of ${file} after the write.`] };
  const synced = finished(sync, calls[sync]!.thread, "sync");
  const answer = calls.findIndex(
    (c) => /(write|writev|sendmsg)\(\d+<(TCP|socket)/.test(c.text) && c.text.includes(answerPattern),
  );
  if (answer < 0) return { ok: false, said: ["The answer was not found in the trace."] };
  const name = file.split("/").slice(-2).join("/");
  const said = [
    `line ${calls[write]!.line}: write of the record to ${name}`,
    `line ${calls[sync]!.line}: sync of ${name} begins`,
    `line ${calls[synced]!.line}: the sync has returned`,
    `line ${calls[answer]!.line}: the answer leaves the node`,
  ];
  return { ok: write < sync && sync <= synced && synced < answer, said };
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "varve-strace-"));
  try {
    const output = join(directory, "trace.txt");
    const self = fileURLToPath(import.meta.url);
    const calls = "trace=pwrite64,pwritev,pwritev2,write,writev,sendmsg,fdatasync,fsync";
    // The value is the end of what is written, and strace prints the head only: print all of it.
    const tracer = ["-f", "-y", "-s", "70000", "-e", calls, "-o", output];
    const program = [process.execPath, "--import", "tsx", self, "serve", join(directory, "data")];
    const child = spawn("strace", [...tracer, ...program], { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    let pid = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      const ready = /^ready (\d+) (\S+)$/.exec(line);
      if (!ready) continue;
      pid = Number(ready[1]);
      try {
        await produce(ready[2]!);
      } finally {
        process.kill(pid, "SIGTERM");
      }
    }
    await exited;
    const { ok, said } = judge(await readFile(output, "latin1"));
    for (const line of said) console.log(line);
    console.log(ok ? "In order: written, synced, acknowledged." : "NOT in the order written, synced, acknowledged.");
    process.exitCode = ok ? 0 : 1;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

if (process.argv[2] === "serve") await serve(process.argv[3]!);
else await main();
