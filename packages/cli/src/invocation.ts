// SPDX-License-Identifier: Apache-2.0
// How the reader of a message has to write our name so that a printed command works when pasted: `npx varve` when npm
// started us (npx, npm run), `varve` when it is on the path.

import { readFileSync } from "node:fs";

/** @param environment of the process: npm tells what it runs in `npm_command` */
export function invocation(environment: Readonly<Record<string, string | undefined>>): string {
  return environment["npm_command"] === undefined ? "varve" : "npx varve";
}

/** Puts the right name in front of every command of ours in a text. */
export function withInvocation(text: string, name: string): string {
  return text.replace(
    /(?<![\w/.-])(?:npx )?varve (?=(?:first-run|serve|topic|produce|consume|replay|group|offsets|inspect|bench|config|cluster|partition)\b)/g,
    `${name} `,
  );
}

/** Version of this package. */
export function version(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as { version: string };
  return manifest.version;
}
