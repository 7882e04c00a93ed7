// SPDX-License-Identifier: Apache-2.0
// Generates packages/api/src/gen from proto/: TypeScript types (proto-loader-gen-types), the parsed schema as JSON
// (what the codecs run on, so that the package reads no file at run time), and buf's descriptor set (what server
// reflection shows). `--check` generates to a temporary directory and fails when the committed files differ.

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import protobuf from "protobufjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");
const committed = join(root, "packages/api/src/gen");
const sources = ["common", "log", "admin", "groups", "peer", "replication"].map((name) => `varve/v1/${name}.proto`);
const banner = "// Generated from proto/ by `npm run generate --workspace @varve/api`. Do not edit.\n";

function generate(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  run("proto-loader-gen-types", [
    "--longs=Number",
    "--enums=String",
    "--defaults",
    "--oneofs",
    "--includeComments",
    "--grpcLib=@grpc/grpc-js",
    "--importFileExtension=.ts",
    `--outDir=${directory}`,
    "-I=proto",
    "--",
    ...sources,
  ]);
  // The entry file that each source gets repeats what the files in varve/v1 say, and nothing here needs it.
  for (const name of sources) rmSync(join(directory, name.replace("varve/v1/", "").replace(/\.proto$/, ".ts")));
  writeFileSync(join(directory, "schema.ts"), schemaModule());
  writeFileSync(join(directory, "descriptor-set.ts"), descriptorModule(directory));
}

function schemaModule(): string {
  const schema = new protobuf.Root();
  schema.resolvePath = (_origin, target) => join(root, "proto", target);
  schema.loadSync(sources).resolveAll();
  const json = JSON.stringify(schema.toJSON({ keepComments: false }), undefined, 1);
  return `${banner}/** The services and messages of varve.v1, as protobufjs describes them. */\nexport const schema = ${json};\n`;
}

function descriptorModule(directory: string): string {
  const image = join(directory, "image.binpb");
  run("buf", ["build", "proto", "--exclude-source-info", "-o", image]);
  const lines = readFileSync(image)
    .toString("base64")
    .match(/.{1,100}/g)!;
  rmSync(image);
  const text = lines.map((line) => `  "${line}"`).join(" +\n");
  return `${banner}/** A google.protobuf.FileDescriptorSet of varve.v1, base64. */\nexport const descriptorSetBase64 =\n${text};\n`;
}

function run(tool: string, args: readonly string[]): void {
  execFileSync(join(root, "node_modules/.bin", tool), args, { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}

function contents(directory: string): Map<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return new Map(files.sort().map((path) => [relative(directory, path), readFileSync(path, "utf8")]));
}

function differences(directory: string): string[] {
  const [old, now] = [contents(committed), contents(directory)];
  return [...new Set([...old.keys(), ...now.keys()])].filter((name) => old.get(name) !== now.get(name));
}

if (process.argv.includes("--check")) {
  const temporary = mkdtempSync(join(tmpdir(), "varve-gen-"));
  try {
    generate(join(temporary, "gen"));
    const changed = differences(join(temporary, "gen"));
    if (changed.length > 0) {
      const remedy = "Run `npm run generate --workspace @varve/api` and commit the result.";
      process.stderr.write(`packages/api/src/gen differs from proto/ in: ${changed.join(", ")}\n${remedy}\n`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
} else {
  generate(committed);
}
