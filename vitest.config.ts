import { defineConfig } from "vitest/config";

// Packages are resolved to their sources (condition "source"), so unit tests need no build;
// tests that start processes use dist, which `npm test` builds first.
const conditions = ["source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: "files",
          include: ["packages/{broker,cli,client}/src/**/*.{test,fuzz}.ts", "test/{e2e,sim,tidy}/src/**/*.test.ts"],
        },
      },
      {
        extends: true,
        test: {
          name: "pure",
          include: ["packages/{api,cluster,format,log,raft-ts}/src/**/*.{test,fuzz}.ts"],
          // Nothing outlives a test of these, and most take less time than a process and the loading of what they import.
          isolate: false,
        },
      },
    ],
    // Two cores: more workers only make the timings of process tests worse.
    maxWorkers: 2,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // No test fails because the machine is slow: by default a condition has one second to come about.
    expect: { poll: { timeout: 60_000 } },
    reporters: ["default"],
  },
});
