#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
import { main } from "../dist/storage/raft-check.js";

process.exitCode = await main(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
});
