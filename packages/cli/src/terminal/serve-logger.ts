// SPDX-License-Identifier: Apache-2.0
// The node's log: one JSON object a line on stderr for machines, or the same for people when stderr is a terminal. stdout
// stays free for the ready line.

import { pino, type Logger } from "pino";
import { PinoPretty } from "pino-pretty";

export type LogFormat = "auto" | "json" | "pretty";

/** Writes synchronously: the last line before an exit is the one that matters. */
export function serveLogger(level: string, format: LogFormat): Logger {
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  const destination = pretty
    ? PinoPretty({ colorize: process.stderr.isTTY, ignore: "pid,hostname,name", destination: 2, sync: true })
    : pino.destination({ dest: 2, sync: true });
  return pino({ name: "varve", level }, destination);
}
