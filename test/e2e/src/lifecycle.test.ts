// Starting and stopping the real binary: in order, refused, and twice.

import { connect } from "@varve/client";
import { describe, expect, it } from "vitest";
import { afterThisTest, newDirectory, until } from "./clean-up.ts";
import { VarveNode, varve, varveOk } from "./varve-process.ts";

describe("varve serve", () => {
  it("SIGTERM while records are being sent: what was acknowledged stays, exit 0", async () => {
    const dataDir = await newDirectory();
    const node = await VarveNode.start({ dataDir });
    const { address } = node;
    const client = await connect({ address });
    afterThisTest(() => client.close());
    await client.admin.createTopic({ topic: "a" });
    const producer = client.producer({ deliveryTimeoutMs: 2_000 });
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
    const lines = (await varveOk(["consume", "a"], { address })).toString().trimEnd().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(acknowledged);
  });

  it("refuses a directory that another node uses, and leaves that one alone", async () => {
    const dataDir = await newDirectory();
    const { address } = await VarveNode.start({ dataDir });
    const second = await varve(["serve", "--data-dir", dataDir, "--grpc", "127.0.0.1:0", "--http", "off"]);
    expect(second.code).not.toBe(0);
    expect(second.stderr).toContain("is in use by another broker");
    expect(second.stderr).toContain(dataDir);
    await varveOk(["topic", "create", "a"], { address });
    expect((await varveOk(["topic", "list"], { address })).toString()).toContain("a");
  });

  it("refuses a port that is taken, by its number", async () => {
    const { address } = await VarveNode.start({ dataDir: await newDirectory() });
    const dataDir = await newDirectory();
    const second = await varve(["serve", "--data-dir", dataDir, "--grpc", address, "--http", "off"]);
    expect(second.code).not.toBe(0);
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
