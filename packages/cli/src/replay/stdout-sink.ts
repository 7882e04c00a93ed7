// SPDX-License-Identifier: Apache-2.0
// To standard output. What its reader has taken counts; what that did with it nobody here knows.

import type { ConsumedRecord } from "@varve/client";
import { CoalescedOutput } from "../output/coalesced-output.ts";
import type { RecordPrinter } from "../output/record-format.ts";
import type { Terminal } from "../terminal/terminal.ts";
import type { ReplaySink, SinkState } from "./sink.ts";

export class StdoutSink implements ReplaySink {
  private readonly output: CoalescedOutput;
  private readonly topic: string;
  private readonly print: RecordPrinter;

  constructor(terminal: Terminal, { topic, print }: { topic: string; print: RecordPrinter }) {
    this.output = new CoalescedOutput(terminal);
    this.topic = topic;
    this.print = print;
  }

  write(record: ConsumedRecord): boolean | Promise<boolean> {
    return this.output.write(this.print({ ...record, topic: this.topic }));
  }

  async settle(): Promise<SinkState> {
    await this.output.flush();
    return { kind: "stdout" };
  }

  async close(): Promise<void> {
    await this.output.flush();
  }
}
