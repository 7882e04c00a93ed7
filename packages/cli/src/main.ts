// SPDX-License-Identifier: Apache-2.0
// The entry that bin/varve.cjs imports: runs the command line and sets the exit code. It does not call process.exit() on
// success, so that output still on its way is written; commands close what they open.

import { run } from "./program.ts";
import { processTerminal } from "./terminal/terminal.ts";

process.exitCode = await run(process.argv.slice(2), processTerminal());
