import { defineConfig } from "vitest/config";

// Apart from `npm test`: these tests install packages of other languages, so they need a network the first time.
const conditions = ["source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["src/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 60_000,
    // pip and go download here.
    hookTimeout: 600_000,
  },
});
