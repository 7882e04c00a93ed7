import { once } from "node:events";
import { type Socket, connect } from "node:net";
import { Registry } from "prom-client";
import { afterEach, expect, test } from "vitest";
import { until } from "../testing/test-broker.ts";
import { HttpServer } from "./server.ts";

const sockets: Socket[] = [];
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

test("HttpServer answers a probe beside more connections than it keeps, of which the oldest go", async () => {
  const dependencies = { registry: new Registry(), whyNotReady: () => undefined };
  const server = await HttpServer.open({ host: "127.0.0.1", port: 0 }, dependencies);
  const { host, port } = server.address;
  const closed: number[] = [];
  for (let number = 0; number < 70; number++) {
    const socket = connect(port, host);
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("close", () => closed.push(number));
    await once(socket, "connect");
    socket.write("GET /metrics HTTP/1.1\r\nx-slow: ");
  }
  const answer = await fetch(`http://${host}:${port}/healthz`);
  expect(await answer.text()).toBe("ok\n");
  await until("the oldest are closed", () => closed.length >= 6);
  expect(closed.length).toBeLessThan(10);
  expect(closed.sort((a, b) => a - b)).toEqual(closed.map((_, index) => index));
  for (const socket of sockets) socket.destroy();
  await server.close();
});
