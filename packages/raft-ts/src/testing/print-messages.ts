// SPDX-License-Identifier: Apache-2.0
// How dialogues print what goes between cores: positions as `index@term`, entries with what they carry.

import type { Config, Entry, Message, PersistBatch } from "../core/types.ts";

const text = new TextDecoder();

export function printEntry(entry: Entry): string {
  const position = `${entry.index}@${entry.term}`;
  if (entry.type === "empty") return position;
  return entry.type === "config" ? `${position} ${printConfig(entry.config)}` : `${position} ${printData(entry.data)}`;
}

function printData(data: Uint8Array): string {
  return data.byteLength > 20 ? `(${data.byteLength} bytes)` : `"${text.decode(data)}"`;
}

export function printEntries(entries: readonly Entry[]): string {
  if (entries.length <= 6) return entries.map(printEntry).join(", ");
  return `${printEntry(entries[0]!)} … ${printEntry(entries.at(-1)!)}`;
}

export function printConfig({ voters, learners }: Config): string {
  return learners.length === 0 ? `{${voters.join(" ")}}` : `{${voters.join(" ")} + ${learners.join(" ")}}`;
}

export function printMessage(m: Message): string {
  return `${m.from}->${m.to} ${m.type} t${m.term}${details(m)}`;
}

function details(m: Message): string {
  switch (m.type) {
    case "PreVote":
      return ` last ${m.lastIndex}@${m.lastTerm}`;
    case "Vote":
      return ` last ${m.lastIndex}@${m.lastTerm}${m.transfer ? " transfer" : ""}`;
    case "PreVoteResp":
    case "VoteResp":
      return m.granted ? " granted" : " refused";
    case "Append": {
      const entries = m.entries.length === 0 ? "" : ` [${printEntries(m.entries)}]`;
      return ` after ${m.prevIndex}@${m.prevTerm}${entries} commit ${m.commit}`;
    }
    case "AppendResp":
      return m.ok ? ` ok ${m.index}` : ` rejected ${m.rejectedPrev}, try ${m.hintIndex}@${m.hintTerm}`;
    case "Heartbeat":
      return ` commit ${m.commit}${m.readPos === 0 ? "" : ` read ${m.readPos}`}`;
    case "HeartbeatResp":
      return m.readPos === 0 ? "" : ` read ${m.readPos}`;
    case "TimeoutNow":
      return "";
    case "SnapDone":
      return ` ${m.meta.index}@${m.meta.term}`;
  }
}

export function printBatch(batch: PersistBatch): string {
  const { hard, truncateFrom, entries, install } = batch;
  const parts = [`t${hard.term}`, `vote ${hard.vote ?? "-"}`, `commit ${hard.commit}`];
  if (truncateFrom !== null) parts.push(`truncate from ${truncateFrom}`);
  if (entries.length > 0) parts.push(`[${printEntries(entries)}]`);
  if (install !== null) parts.push(`install ${install.meta.index}@${install.meta.term}`);
  return parts.join(" ");
}
