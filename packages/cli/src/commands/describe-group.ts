// SPDX-License-Identifier: Apache-2.0
// Asks what a group is like, for the commands that show it. Its coordinator may be gone with the nodes that had its offsets: then a person
// is told what is waited for, and the command ends within seconds.

import type { Client, GroupDescription } from "@varve/client";
import { withPatience } from "../connection.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** `signal` gives it up, with CANCELLED. */
export function describeGroup(
  terminal: Terminal,
  client: Client,
  { group, signal }: { readonly group: string; readonly signal?: AbortSignal },
): Promise<GroupDescription> {
  return withPatience(
    (line) => terminal.note(line),
    `group "${group}"`,
    (control) => client.groups.describe({ group }, { ...control, signal }),
  );
}
