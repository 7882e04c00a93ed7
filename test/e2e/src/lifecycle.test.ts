// Starting and stopping the real binary: in order, refused, and twice.

import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as connectHttp2 } from "node:http2";
import { promisify } from "node:util";
import { connect } from "@varve/client";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { VarveNode, varve, varveOk } from "./varve-process.ts";

const run = promisify(execFile);
const hasPrlimit = await run("prlimit", ["--version"]).then(
  () => true,
  // Not Linux, or a small image of it.
  () => false,
);

/** A call that is never finished: its request does not come. Resolves when it has arrived, with whether it has ended. */
async function openCall(address: string): Promise<() => boolean> {
  const session = connectHttp2(`http://${address}`);
  session.on("error", () => undefined);
  const call = session.request({
    ":method": "POST",
    ":path": "/varve.v1.Log/Produce",
    "content-type": "application/grpc+proto",
    te: "trailers",
  });
  call.on("error", () => undefined);
  afterThisTest(async () => session.destroy());
  await once(session, "connect");
  // Frames are taken in order: what was sent before is there when the ping is answered.
  await new Promise<void>((resolve, reject) => {
    session.ping((error) => (error === null ? resolve() : reject(error)));
  });
  return () => call.closed;
}

/** Makes topic `a` and has one record acknowledged. */
async function keepOne(address: string): Promise<void> {
  const client = await connect({ address });
  await client.admin.createTopic({ topic: "a" });
  const producer = client.producer();
  await producer.send({ topic: "a", value: "kept" });
  await client.close();
}

/** The values of topic `a`. */
async function read(address: string): Promise<string[]> {
  const client = await connect({ address });
  afterThisTest(() => client.close());
  const values: string[] = [];
  for await (const { value } of client.reader({ topic: "a", to: { kind: "latest-at-start" } })) {
    values.push(Buffer.from(value ?? []).toString());
  }
  return values;
}

describe("varve serve", () => {
  it("SIGTERM while records are being sent: what was acknowledged stays, exit 0", async () => {
    const dataDir = await newDirectory();
    const node = await VarveNode.start({ dataDir });
    const { address } = node;
    const client = await connect({ address });
    afterThisTest(() => client.close());
    await client.admin.createTopic({ topic: "a" });
    const producer = client.producer({ deliveryTimeoutMs: 500 });
    let acknowledged = 0;
    const stopped = new AbortController();
    const pumping = (async () => {
      while (!stopped.signal.aborted) {
        // What is refused because the node stops is no record that was acknowledged.
        await producer.send({ topic: "a", value: "x" }).then(
          () => (acknowledged += 1),
          () => undefined,
        );
      }
    })();
    await until("records are acknowledged", () => acknowledged > 50);
    expect(await node.stop()).toBe(0);
    stopped.abort();
    await pumping;
    await client.close();

    await VarveNode.start({ dataDir, address });
    expect((await read(address)).length).toBeGreaterThanOrEqual(acknowledged);
  });

  it("ends what does not end by itself when --shutdown-timeout is over, exit 0", async () => {
    const node = await VarveNode.start({ dataDir: await newDirectory(), flags: ["--shutdown-timeout", "300ms"] });
    await openCall(node.address);
    expect(await node.stop()).toBe(0);
    expect(node.output).toContain("Stopped.");
  });

  it("--log-format json: every line of the output is an event, from the start to the end", async () => {
    const node = await VarveNode.start({ dataDir: await newDirectory(), flags: ["--log-format", "json"] });
    expect(await node.stop()).toBe(0);
    const events = node.output
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
    expect(events).toEqual(["this node is the active controller", "broker is ready", "broker is closed"]);
  });

  it.each(["SIGTERM", "SIGINT"] as const)(
    "a second signal (%s) ends a shutdown that waits, exit 130; what was acknowledged stays",
    async (second) => {
      const dataDir = await newDirectory();
      const node = await VarveNode.start({ dataDir, flags: ["--shutdown-timeout", "10m"] });
      const { address } = node;
      await keepOne(address);
      const ended = await openCall(address);
      node.signal("SIGTERM");
      await node.printed("Once more ends it now.");
      // The connection is told to go away, the call on it is waited for.
      expect(ended()).toBe(false);
      node.signal(second);
      expect(await node.ended).toEqual({ code: 130, signal: null });
      await VarveNode.start({ dataDir, address });
      expect(await read(address)).toEqual(["kept"]);
    },
  );

  it.skipIf(!hasPrlimit)("exits with 1 and says why when its disk fails, and keeps what it acknowledged", async () => {
    const dataDir = await newDirectory();
    const node = await VarveNode.start({ dataDir });
    const { address } = node;
    await keepOne(address);
    // From here on every write beyond the first bytes of a file fails with EFBIG, which is no full disk.
    await run("prlimit", ["--pid", String(node.pid), "--fsize=16"]);
    const refused = await varve(["produce", "a"], { address, input: Buffer.from("lost\n") });
    expect(refused.code).not.toBe(0);
    expect(await node.ended).toEqual({ code: 1, signal: null });
    expect(node.output).toContain("the broker cannot go on");
    // Which write is the first to fail is a matter of time: the journal's, or the checkpoint's.
    expect(node.output).toMatch(/^varve: The node stopped: .*(journal|checkpoint).*$/m);
    expect(node.output).toContain("Nothing that was acknowledged is gone.");
    await VarveNode.start({ dataDir, address });
    expect((await read(address))[0]).toBe("kept");
  });

  it.skipIf(!existsSync("/dev/full"))("goes on when its log cannot be written", async () => {
    const dataDir = await newDirectory();
    const node = await VarveNode.start({ dataDir, logTo: "/dev/full" });
    const { address } = node;
    await keepOne(address);
    expect(await node.stop()).toBe(0);
  });

  it("refuses a port that is taken, by its number", async () => {
    const { address } = await VarveNode.start({ dataDir: await newDirectory() });
    const dataDir = await newDirectory();
    const second = await varve(["serve", "--data-dir", dataDir, "--grpc", address, "--http", "off"]);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("varve: Cannot listen for gRPC");
    expect(second.stderr).toContain(address.split(":").at(-1));
    // What the failed start had opened is free again.
    await VarveNode.start({ dataDir });
  });

  it("refuses a wrong configuration with the nearest key and exit code 2", async () => {
    const dataDir = await newDirectory();
    const flag = await varve(["serve", "--data-dir", dataDir, "--grcp", "127.0.0.1:0"]);
    expect(flag.code).toBe(2);
    expect(flag.stderr).toContain("--grpc");
    const variable = await varve(["serve", "--data-dir", dataDir], { env: { VARVE_NODE_IDD: "1" } });
    expect(variable.code).toBe(2);
    expect(variable.stderr).toContain('Did you mean "VARVE_NODE_ID"?');
  });

  it("starts again after kill -9 with its topics and configs", async () => {
    const dataDir = await newDirectory();
    const first = await VarveNode.start({ dataDir });
    const { address } = first;
    await varveOk(["topic", "create", "a", "--partitions", "5", "--config", "retention.ms=1h"], { address });
    await first.kill();
    await VarveNode.start({ dataDir, address });
    const described = (await varveOk(["topic", "describe", "a", "-o", "json"], { address })).toString();
    expect(described).toContain("3600000");
    expect(described.match(/"partition"/g)).toHaveLength(5);
  });
});
