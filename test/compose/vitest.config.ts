import { defineConfig } from "vitest/config";

// Apart from `npm test`: needs a Docker engine, and a network the first time.
const conditions = ["source"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["src/**/*.test.ts"],
    maxWorkers: 1,
    testTimeout: 300_000,
    // The image is built here.
    hookTimeout: 900_000,
  },
});
