// SPDX-License-Identifier: Apache-2.0
// A Python with grpcio, in node_modules/.cache so that only the first run downloads, and the code that grpcio-tools generates
// from proto/, in a directory of its own that is fresh each time.

import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { mustRun } from "./run-command.ts";

export const repository = fileURLToPath(new URL("../../../", import.meta.url));
export const pythonExample = join(repository, "examples/python");

/** The newest that were tried; the example's requirements.txt allows older ones. */
const packages = ["grpcio==1.85.1", "grpcio-tools==1.85.1", "grpcio-status==1.85.1"];

/** Path of an interpreter that has the packages. @throws when python3 is missing or pip fails, saying what to do */
export async function pythonWithGrpc(): Promise<string> {
  const home = join(
    repository,
    "node_modules/.cache/varve-interop",
    `python-${packages.join("-").replace(/[^\w.-]/g, "_")}`,
  );
  const python = join(home, "bin/python");
  if (existsSync(python)) return python;
  // Made under another name: an interrupted installation is not taken for a finished one.
  const making = `${home}.making-${process.pid}`;
  await mkdir(join(making, ".."), { recursive: true });
  await rm(making, { recursive: true, force: true });
  await mustRun("python3", ["-m", "venv", making], {
    timeoutMs: 120_000,
    whenMissing: "Install Python 3.9 or later (with venv) to run the interop tests.",
  });
  await mustRun(join(making, "bin/python"), ["-m", "pip", "install", "--quiet", ...packages], { timeoutMs: 600_000 });
  // A venv is found by its interpreter's place; only its scripts, which are not used here, hold the old path.
  await rename(making, home);
  return python;
}

/** Generates the client into `directory` by the example's own script. */
export async function generatePythonClient(python: string, directory: string): Promise<void> {
  await mustRun(join(pythonExample, "generate.sh"), [], { env: { PYTHON: python, OUT: directory } });
}
