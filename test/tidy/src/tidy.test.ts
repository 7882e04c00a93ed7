// SPDX-License-Identifier: Apache-2.0
// The house rules that no compiler checks: layers, file sizes, docs whose links lead somewhere, names that must not leak in.
// Reads only files that git tracks or would track.

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "../../..");

function files(...patterns: string[]): string[] {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 } as const;
  return execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "--", ...patterns], options)
    .split("\n")
    .filter((path) => path !== "" && existsSync(join(root, path)));
}

const text = (path: string): string => readFileSync(join(root, path), "utf8");

/** Who may import whom (docs/architecture.md, "The house"): package directory → names it may depend on. */
const layers: Record<string, readonly string[]> = {
  format: [],
  "raft-ts": [],
  api: ["@varve/format"],
  log: ["@varve/format"],
  cluster: ["@varve/format"],
  client: ["@varve/api", "@varve/format"],
  broker: ["@varve/api", "@varve/cluster", "@varve/format", "@varve/log", "raft-ts"],
  cli: ["@varve/api", "@varve/broker", "@varve/client", "@varve/cluster", "@varve/format", "@varve/log"],
};

describe("packages", () => {
  it("depend only on the layers below them", () => {
    for (const [directory, allowed] of Object.entries(layers)) {
      const manifest = JSON.parse(text(`packages/${directory}/package.json`)) as {
        dependencies?: Record<string, string>;
      };
      const ours = Object.keys(manifest.dependencies ?? {}).filter(
        (name) => name.startsWith("@varve/") || name === "raft-ts" || name === "varve",
      );
      for (const name of ours) expect(allowed, `packages/${directory} imports ${name}`).toContain(name);
    }
  });

  it("each have a licence field and an index without `export *`", () => {
    for (const directory of Object.keys(layers)) {
      const manifest = JSON.parse(text(`packages/${directory}/package.json`)) as { license?: string };
      expect(manifest.license).toBe("Apache-2.0");
      const index = `packages/${directory}/src/index.ts`;
      if (existsSync(join(root, index))) expect(text(index)).not.toMatch(/export \*/);
    }
  });

  it("name every dependency in docs/dependencies.md", () => {
    const page = text("docs/dependencies.md");
    for (const path of files("package.json", "*/package.json", "*/*/package.json")) {
      const manifest = JSON.parse(text(path)) as Record<string, Record<string, string> | undefined>;
      for (const name of Object.keys({ ...manifest["dependencies"], ...manifest["devDependencies"] })) {
        if (name.startsWith("@varve/") || name.startsWith("@types/") || name === "varve" || name === "raft-ts")
          continue;
        expect(page.includes(`\`${name}\``), `${name} (of ${path}) has a line in docs/dependencies.md`).toBe(true);
      }
    }
  });
});

describe("sources", () => {
  const sources = files("packages/*.ts", "bench/*.ts", "test/*.ts", "scripts/*.ts").filter(
    (path) => !path.includes("/gen/") && path !== "test/tidy/src/tidy.test.ts",
  );

  it("stay below 600 lines a file", () => {
    const long = sources.map((path) => ({ path, lines: text(path).split("\n").length })).filter((f) => f.lines > 620);
    expect(long).toEqual([]);
  });

  it("are not named after nothing", () => {
    const vague = /(^|\/)(utils?|helpers?|common|manager|misc)\.ts$/;
    expect(sources.filter((path) => vague.test(path))).toEqual([]);
  });

  it("hold no unfinished work and switch no check off", () => {
    const marks = /TODO(?!\(#\d+\))|FIXME|@ts-ignore|@ts-nocheck|istanbul ignore/;
    expect(sources.filter((path) => marks.test(text(path)))).toEqual([]);
  });

  it("narrow no test run by accident", () => {
    const only = /\b(it|test|describe)\.only\(/;
    expect(sources.filter((path) => only.test(text(path)))).toEqual([]);
  });
});

describe("docs", () => {
  const pages = files("*.md");

  it("link to files that exist", () => {
    const broken: string[] = [];
    for (const page of pages) {
      const body = text(page).replace(/```[\s\S]*?```/g, "");
      for (const [, target] of body.matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
        if (!existsSync(join(root, dirname(page), target!))) broken.push(`${page} → ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });

  it("number their ADRs without gaps and give each a status", () => {
    const records = files("docs/adr/*.md").filter((path) => /\/\d{4}-/.test(path));
    const numbers = records.map((path) => Number(/\/(\d{4})-/.exec(path)![1])).sort((a, b) => a - b);
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
    for (const path of records) expect(text(path), path).toMatch(/^Status: (accepted|superseded by .+)$/m);
  });
});

describe("the lock file", () => {
  it("names no registry", () => {
    expect(text("package-lock.json")).not.toMatch(/"resolved": "https?:/);
  });

  it("has every optional package, else `npm ci` refuses it (mend: npx tsx scripts/complete-lock-file.ts)", () => {
    const { packages } = JSON.parse(text("package-lock.json")) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const missing = Object.entries(packages).flatMap(([path, entry]) =>
      Object.keys(entry.optionalDependencies ?? {}).filter(
        (name) => !(`${path}/node_modules/${name}` in packages) && !(`node_modules/${name}` in packages),
      ),
    );
    expect(missing).toEqual([]);
  });
});

describe("deploy/", () => {
  it("asks in alert rules and dashboards only for metrics that docs/metrics.md has", () => {
    const known = new Set(
      text("docs/metrics.md")
        .match(/`varve_\w+`/g)
        ?.map((name) => name.slice(1, -1)),
    );
    for (const path of files("deploy/prometheus/*.yml", "deploy/grafana/dashboards/*.json")) {
      for (const name of text(path).match(/varve_\w+/g) ?? []) {
        expect(known, `${path} asks for ${name}`).toContain(name.replace(/_(bucket|sum|count)$/, ""));
      }
    }
  });
});
