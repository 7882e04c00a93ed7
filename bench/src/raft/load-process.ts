// SPDX-License-Identifier: Apache-2.0
// The load on a member, outside of it, so that a member's memory is its own: entries over TCP, so many unanswered at a time.

import { connect } from "node:net";
import type { LoadRequest, LoadResult } from "./member-process.ts";

export interface LoadProcessOptions extends LoadRequest {
  readonly port: number;
}

const { port, bytes, inFlight, entriesMax, secondsMax } = JSON.parse(process.argv[2]!) as LoadProcessOptions;
const data = Buffer.alloc(bytes, 97);
const began = performance.now();
const end = began + secondsMax * 1000;
let sent = 0;
let entries = 0;

const socket = connect({ port, host: "127.0.0.1", noDelay: true });
const send = (count: number): void => {
  const left = performance.now() < end ? Math.min(count, entriesMax - sent) : 0;
  sent += left;
  if (left > 0) socket.write(Buffer.concat(Array.from({ length: left }, () => data)));
  else if (entries === sent) socket.end();
};
socket.on("connect", () => send(inFlight));
socket.on("data", (answers: Buffer) => {
  entries += answers.length;
  send(answers.length);
});
socket.on("error", (error) => {
  throw error;
});
socket.on("close", () => {
  const result: LoadResult = { entries, seconds: (performance.now() - began) / 1000, latenciesMs: [] };
  process.send?.(result, () => process.disconnect());
});
