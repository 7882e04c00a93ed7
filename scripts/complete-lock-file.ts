// SPDX-License-Identifier: Apache-2.0
// `npx tsx scripts/complete-lock-file.ts`, after a change of dependencies.
//
// npm leaves an optional package of another platform out of the lock file when the registry at hand does not serve it, and
// then `npm ci` refuses that lock file everywhere. This puts the missing ones back: version from the package that wants
// them, platform from their names. They carry no checksum, which npm allows; the platform's own `npm install` adds it.

import { readFile, writeFile } from "node:fs/promises";

interface Entry {
  version?: string;
  optional?: boolean;
  dev?: boolean;
  os?: string[];
  cpu?: string[];
  optionalDependencies?: Record<string, string>;
  [field: string]: unknown;
}

const systems = ["android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "aix", "win32"];
const processors: readonly (readonly [RegExp, string])[] = [
  [/arm64|aarch64/, "arm64"],
  [/armv7|armv6|-arm\b|arm-/, "arm"],
  [/x64/, "x64"],
  [/ia32/, "ia32"],
  [/ppc64/, "ppc64"],
  [/riscv64/, "riscv64"],
  [/s390x/, "s390x"],
  [/loong64/, "loong64"],
  [/mips64el/, "mips64el"],
  [/wasm32/, "wasm32"],
];

const lock = JSON.parse(await readFile("package-lock.json", "utf8")) as { packages: Record<string, Entry> };
let added = 0;
for (const [path, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const nested = `${path}/node_modules/${name}`;
    const hoisted = `node_modules/${name}`;
    if (lock.packages[nested] !== undefined || lock.packages[hoisted] !== undefined) continue;
    const os = systems.filter((system) => name.includes(system));
    const cpu = processors.find(([pattern]) => pattern.test(name))?.[1];
    lock.packages[hoisted] = {
      version,
      ...(cpu === undefined ? {} : { cpu: [cpu] }),
      ...(entry.dev === true ? { dev: true } : {}),
      optional: true,
      ...(os.length > 0 ? { os } : {}),
      ...(name.includes("musl") ? { libc: ["musl"] } : {}),
    };
    added += 1;
    console.log(`added ${name} ${version}`);
  }
}
const sorted = Object.fromEntries(Object.entries(lock.packages).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
await writeFile("package-lock.json", `${JSON.stringify({ ...lock, packages: sorted }, null, 2)}\n`);
console.log(`${added} packages added to package-lock.json`);
