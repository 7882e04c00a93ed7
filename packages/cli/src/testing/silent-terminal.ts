// SPDX-License-Identifier: Apache-2.0
// A terminal that nobody watches, for command lines that are run inside a test. It remembers the notes.

import type { Terminal } from "../terminal/terminal.ts";

export function silentTerminal(): { readonly terminal: Terminal; readonly notes: readonly string[] } {
  const notes: string[] = [];
  const terminal: Terminal = {
    canAsk: false,
    canDraw: false,
    canRedraw: false,
    out: async () => true,
    note: (line) => notes.push(line),
    ask: async () => undefined,
  };
  return { terminal, notes };
}
