// SPDX-License-Identifier: Apache-2.0
// The node's log: one JSON object a line on stderr for machines, or the same for people when stderr is a terminal. stdout
// stays free for the ready line.

import { pino, type Logger } from "pino";
import { PinoPretty } from "pino-pretty";

export type LogFormat = "auto" | "json" | "pretty";

/** Lines that could not be written wait here, up to so many bytes; more are dropped. */
const waitingBytesMax = 1 << 20;

/**
 * Writes synchronously: the last line before an exit is the one that matters. A log that cannot be written, because its disk
 * is full or its reader is gone, does not stop the node.
 */
export function serveLogger(level: string, format: LogFormat): Logger {
  const stderr = pino.destination({ dest: 2, sync: true, maxLength: waitingBytesMax });
  // There is nobody to tell: this is where one would be told.
  stderr.on("error", () => undefined);
  const pretty = format === "pretty" || (format === "auto" && process.stderr.isTTY);
  const destination = pretty
    ? PinoPretty({ colorize: process.stderr.isTTY, ignore: "pid,hostname,name", destination: stderr, sync: true })
    : stderr;
  return pino({ name: "varve", level }, destination);
}
