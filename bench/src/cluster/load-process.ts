// SPDX-License-Identifier: Apache-2.0
// The load on a cluster, in a process of its own: told over IPC what to do (load.ts), answers with what it saw.

import { fill } from "./fill.ts";
import { type LoadRequest, type LoadResult, type ProbeReport, type StopProbe } from "./load-types.ts";
import { probe } from "./probe.ts";
import { sdkLoad } from "./sdk-load.ts";
import { streamLoad } from "./stream-load.ts";

let stopProbe: ((request: StopProbe) => Promise<ProbeReport>) | undefined;

async function answer(request: LoadRequest): Promise<LoadResult | ProbeReport | undefined> {
  switch (request.kind) {
    case "stream":
      return streamLoad(request);
    case "sdk":
      return sdkLoad(request);
    case "fill":
      await fill(request);
      return undefined;
    case "probe":
      stopProbe = probe(request);
      return undefined;
    case "stop-probe": {
      const report = await stopProbe?.(request);
      stopProbe = undefined;
      return report;
    }
  }
}

process.on("message", (request: LoadRequest) => {
  answer(request).then(
    (result) => process.send?.({ kind: "done", result }),
    (error: unknown) =>
      process.send?.({ kind: "failed", why: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on("disconnect", () => process.exit(0));
process.send?.({ kind: "ready" });
