// SPDX-License-Identifier: Apache-2.0
import { credentials, ServerCredentials } from "@grpc/grpc-js";
import { readFileSync } from "node:fs";
import { afterEach, describe, expect, it } from "vitest";
import { LoopbackMember, until } from "../testing/loopback-member.ts";
import type { TransportSecurity } from "./transport-security.ts";

const file = (name: string): Buffer => readFileSync(new URL(`../../test/tls/${name}`, import.meta.url));
const members: LoopbackMember[] = [];

/** Node `name` shows its certificate, and wants to see that of the other. `peerName` is what it expects the other to be called. */
function tls(name: "a" | "b", peerName: string): TransportSecurity {
  const [key, certificate] = [file(`${name}-key.pem`), file(`${name}.pem`)];
  return {
    kind: "tls",
    client: credentials.createSsl(file("ca.pem"), key, certificate),
    server: ServerCredentials.createSsl(file("ca.pem"), [{ private_key: key, cert_chain: certificate }], true),
    nameOf: () => peerName,
    maySpeakFor: (sender, { sslPeerCertificate }) => sslPeerCertificate?.subject.CN === `node-${sender.slice(0, 1)}`,
  };
}

async function member(id: string, security: TransportSecurity): Promise<LoopbackMember> {
  const started = await LoopbackMember.start({ id, security, limits: { reconnectMinMs: 5 } });
  members.push(started);
  return started;
}

afterEach(async () => {
  for (const started of members.splice(0)) await started.stop();
});

describe("TransportSecurity (X5)", () => {
  it("carries messages over TLS when both certificates say the right names", async () => {
    const [a, b] = [await member("a@1", tls("a", "node-b")), await member("b@1", tls("b", "node-a"))];
    a.transport.setPeers([b.address]);
    await until(() => a.count("outboundStreams") === 2, "the streams are up");
    a.transport.send([{ type: "TimeoutNow", from: "a@1", to: "b@1", term: 1 }]);
    await until(() => b.received.length === 1, "a message is there");
  });

  it("does not talk to a server of another name, nor in plaintext", async () => {
    const b = await member("b@1", tls("b", "node-a"));
    for (const security of [tls("a", "node-c"), { kind: "plaintext" } as const]) {
      const a = await member("a@1", security);
      a.transport.setPeers([b.address]);
      await until(() => a.count("disconnects") > 2, "it fails, and fails again");
      expect(a.count("connects")).toBe(0);
      await a.stop();
    }
    expect(b.count("acceptedStreams")).toBe(0);
  });

  it("refuses a sender whom the certificate does not name", async () => {
    const b = await member("b@1", tls("b", "node-a"));
    const impostor = await member("c@1", tls("a", "node-b"));
    impostor.transport.setPeers([b.address]);
    await until(() => impostor.refusals.length > 0, "it is refused");
    expect(impostor.refusals[0]).toContain('may not speak for "c@1"');
    expect(b.count("acceptedStreams")).toBe(0);
  });
});
