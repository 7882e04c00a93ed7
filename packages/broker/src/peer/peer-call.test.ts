import { Client, Server, ServerCredentials, credentials, status } from "@grpc/grpc-js";
import { afterEach, expect, test } from "vitest";
import { type PeerMethod, callPeer } from "./peer-call.ts";

const closers: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const asIs = (bytes: Buffer): Buffer => bytes;
const method: PeerMethod<Buffer, Buffer> = { path: "/t.T/Ask", requestSerialize: asIs, responseDeserialize: asIs };

/** A node that answers with what it was asked; nothing to an empty question. */
async function open(): Promise<{ client: Client; asked: () => number; cancelled: () => number }> {
  const server = new Server();
  let asked = 0;
  let cancelled = 0;
  const Ask = {
    ...method,
    requestStream: false,
    responseStream: false,
    requestDeserialize: asIs,
    responseSerialize: asIs,
  };
  server.addService(
    { Ask },
    {
      Ask: (
        call: { request: Buffer; on: (event: string, listener: () => void) => void },
        answer: (error: null, bytes: Buffer) => void,
      ) => {
        asked += 1;
        call.on("cancelled", () => (cancelled += 1));
        if (call.request.length > 0) answer(null, call.request);
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  closers.push(() => server.forceShutdown());
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  closers.push(() => client.close());
  return { client, asked: () => asked, cancelled: () => cancelled };
}

test("callPeer() gives the answer, and its timer goes", async () => {
  const { client } = await open();
  let timers = 0;
  const setTimer = (): { cancel: () => void } => {
    timers += 1;
    return { cancel: () => void (timers -= 1) };
  };
  const answered = await callPeer(client, method, Buffer.from("hello"), { clock: { setTimer }, timeoutMs: 1_000 });
  expect(answered).toMatchObject({ kind: "answer", answer: Buffer.from("hello") });
  expect(timers).toBe(0);
});

test("callPeer() ends by the clock it was given, whatever the wall clock says, and the node hears of it", async () => {
  const { client, asked, cancelled } = await open();
  const due: (() => void)[] = [];
  const setTimer = (_: number, run: () => void): { cancel: () => void } => {
    due.push(run);
    return { cancel: () => undefined };
  };
  const answered = callPeer(client, method, Buffer.alloc(0), { clock: { setTimer }, timeoutMs: 50 });
  await expect.poll(asked).toBe(1);
  for (const run of due) run();
  expect(await answered).toMatchObject({ kind: "failed", error: { code: status.DEADLINE_EXCEEDED } });
  await expect.poll(cancelled).toBe(1);
});
