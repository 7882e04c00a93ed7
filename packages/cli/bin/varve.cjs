#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// libuv reads the size of its thread pool once, before the first module that uses it is loaded, so this launcher is
// CommonJS: inside an ES module it would be too late (static imports run first).
"use strict";
process.env.UV_THREADPOOL_SIZE ??= "16";
// V8 counts buffers outside of its heap against the limit of the heap. With the usual limit, which is close to what a small heap
// holds, a stream of 64 KiB messages made it collect everything for each few MB; three times what is live leaves room for them.
require("node:v8").setFlagsFromString("--heap-growing-percent=200");
// What goes wrong with a connection or a port is said by the commands, in words that help; grpc-js would print it raw too.
process.env.GRPC_VERBOSITY ??= "NONE";
import("../dist/main.js").catch((error) => {
  if (error?.code === "ERR_MODULE_NOT_FOUND" && String(error.message).includes("dist")) {
    console.error("varve is not built yet. Run: npm run build");
  } else {
    console.error(error);
  }
  process.exitCode = 1;
});
