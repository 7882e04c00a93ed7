// SPDX-License-Identifier: Apache-2.0
// varve consume --group: prints as a member of a group. What is printed is what is committed: when the output has taken a batch it is
// committed, and with --count the group goes on behind the last record that was printed.

import { VarveError, type Position } from "@varve/api";
import type { CommitTarget, Consumer } from "@varve/client";
import { withClient, type ConnectionOptions } from "../connection.ts";
import { CoalescedOutput } from "../output/coalesced-output.ts";
import type { RecordPrinter } from "../output/record-format.ts";
import type { Throughput } from "../output/throughput.ts";
import { interruptible } from "../terminal/interrupt.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface GroupConsumeOptions extends ConnectionOptions {
  readonly topic: string;
  readonly group: string;
  readonly start: Position;
  /** Stop after so many records. */
  readonly count: number;
  readonly print: RecordPrinter;
  readonly meter: Throughput;
}

/** Until Ctrl-C, the count, or the end of a group that has one. */
export async function consumeAsMember(terminal: Terminal, options: GroupConsumeOptions): Promise<void> {
  const { topic, group, start, print, meter } = options;
  const output = new CoalescedOutput(terminal);
  await interruptible(async (signal) =>
    withClient(options, async (client) => {
      // A member may wait for a topic that is yet to be made; a person has mistyped it.
      await client.admin.describeTopic({ topic });
      const consumer = client.consumer({
        group,
        topics: [topic],
        start,
        autoCommit: false,
        clientId: "varve-consume",
      });
      signal.addEventListener("abort", () => void consumer.close(), { once: true });
      const stopWatching = sayWhenOut(terminal, consumer, group);
      let left = options.count;
      try {
        for await (const batch of consumer) {
          const records = batch.records.slice(0, left);
          for (const record of records) {
            const written = output.write(print({ ...record, topic: batch.topic }));
            meter.add(1, (record.key?.length ?? 0) + (record.value?.length ?? 0), performance.now());
            if (!(typeof written === "boolean" ? written : await written)) return;
          }
          if (!(await output.flush())) return;
          left -= records.length;
          // The batch knows which assignment it was read under: after a reset it counts for nothing. An offset would count.
          const { topic: from, partition } = batch;
          const isWhole = records.length === batch.records.length;
          await commit(
            consumer,
            isWhole ? batch : [{ topic: from, partition, offset: (records.at(-1)?.offset ?? -1) + 1 }],
          );
          if (left === 0) return;
        }
        if (!signal.aborted) terminal.note(`Group "${group}" is at its end.`);
      } finally {
        stopWatching();
        await consumer.close();
      }
    }),
  );
}

/** Looking for a node takes minutes before it is given up: a person shall know what the silence is. */
function sayWhenOut(terminal: Terminal, consumer: Consumer, group: string): () => void {
  let isSaid = false;
  const timer = setInterval(() => {
    const isOut = (consumer.health().outMs ?? 0) >= outSaidMs;
    if (isOut && !isSaid) {
      terminal.note(
        `Out of group "${group}" for ${outSaidMs / 1000} s: no node lets it in now; trying on. See: varve cluster status`,
      );
    }
    if (!isOut && isSaid) terminal.note(`In group "${group}" again.`);
    isSaid = isOut;
  }, 500);
  return () => clearInterval(timer);
}

const outSaidMs = 5000;

/** A partition that is not the member's any more, or was moved by a reset, is none of its business: somebody else prints it again. */
async function commit(consumer: Consumer, printed: CommitTarget): Promise<void> {
  await consumer.commit(printed).catch((error: unknown) => {
    if (!(error instanceof VarveError && error.reason === "NOT_ASSIGNED")) throw error;
  });
}
