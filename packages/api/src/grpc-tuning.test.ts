// SPDX-License-Identifier: Apache-2.0
// Measures the windows that really are in force, by looking from the other side with bare HTTP/2.

import { once } from "node:events";
import { connect, createServer, type ServerHttp2Session } from "node:http2";
import type { AddressInfo } from "node:net";
import { credentials, Metadata, Server, ServerCredentials } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { channelOptions, serverOptions, tuneServer, windowBytes } from "./grpc-tuning.ts";
import { loadServices } from "./services.ts";

async function until(condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error(`Waited 30 s in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

describe("tuneServer()", () => {
  it("lets a client have 1 MiB under way, for each stream and for the connection", async () => {
    const server = new Server(serverOptions);
    const warnings: string[] = [];
    expect(tuneServer(server, (message) => warnings.push(message))).toBe(true);
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
        error === null ? resolve(bound) : reject(error),
      );
    });
    const session = connect(`http://127.0.0.1:${port}`);
    try {
      await once(session, "remoteSettings");
      expect(session.remoteSettings.initialWindowSize).toBe(windowBytes);
      await until(() => session.state.remoteWindowSize === windowBytes);
      expect(warnings).toEqual([]);
    } finally {
      session.destroy();
      server.forceShutdown();
    }
  });

  it("warns and leaves a grpc-js alone that looks different inside", () => {
    const warnings: string[] = [];
    expect(tuneServer({} as Server, (message) => warnings.push(message))).toBe(false);
    expect(warnings).toHaveLength(1);
  });
});

describe("channelOptions", () => {
  it("let a server have 1 MiB under way, for each stream and for the connection", async () => {
    const server = createServer();
    const sessions: ServerHttp2Session[] = [];
    server.on("session", (session) => sessions.push(session));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const client = loadServices().openLogClient(`127.0.0.1:${port}`, credentials.createInsecure(), channelOptions);
    const call = client.Consume({ topic: "t" }, new Metadata(), {});
    call.on("error", () => undefined);
    try {
      await until(() => sessions[0]?.remoteSettings.initialWindowSize === windowBytes);
      await until(() => sessions[0]?.state.remoteWindowSize === windowBytes);
    } finally {
      call.cancel();
      client.close();
      for (const session of sessions) session.destroy();
      server.close();
    }
  });
});
