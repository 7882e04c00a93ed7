import { hash } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { KeyIdentity } from "./key-identity.ts";

/** A secret that is the same every time. */
function notRandom(into: Int32Array): void {
  for (const index of into.keys()) into[index] = Math.imul(index + 1, 0x9e37_79b9) ^ (index << 7);
}

function identityOf(key: Uint8Array, identity = new KeyIdentity(notRandom)): Buffer {
  identity.take(key, 0, key.length);
  return Buffer.from(Uint8Array.from(new Uint8Array(identity.words.buffer)));
}

/** As the header of the file defines it, in numbers of any size. */
function multilinear(key: Uint8Array): Buffer {
  const factors = new Int32Array(65 * 8);
  notRandom(factors);
  const words = [key.length];
  for (let at = 0; at < 126; at += 2) words.push((key[at] ?? 0) + 256 * (key[at + 1] ?? 0));
  const expected = Buffer.alloc(16);
  for (let lane = 0; lane < 8; lane++) {
    let sum = BigInt(factors[lane] ?? 0);
    for (const [index, word] of words.entries()) sum += BigInt(factors[(index + 1) * 8 + lane] ?? 0) * BigInt(word);
    expected.writeUInt16LE(Number(BigInt.asUintN(32, sum) >> 16n), lane * 2);
  }
  expected[0] = 254;
  return expected;
}

test("KeyIdentity: a key of up to 15 bytes is its own", () => {
  expect(identityOf(Buffer.from("abc"))).toEqual(Buffer.from("\u0003abc\0\0\0\0\0\0\0\0\0\0\0\0"));
  expect(identityOf(Buffer.alloc(15, 0xff))).toEqual(Buffer.concat([Buffer.from([15]), Buffer.alloc(15, 0xff)]));
});

test("KeyIdentity: of up to 126 bytes it is eight multilinear hashes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 126 }), (key) => {
      expect(identityOf(key)).toEqual(multilinear(key));
    }),
  );
  for (const length of [16, 17, 36, 125, 126]) {
    expect(identityOf(Buffer.alloc(length, 0xff))).toEqual(multilinear(Buffer.alloc(length, 0xff)));
  }
});

test("KeyIdentity: of a longer key it is the SHA-256 of a secret and the key", () => {
  const identity = new KeyIdentity(notRandom);
  const secret = new Int32Array(8);
  notRandom(secret);
  for (const length of [127, 5000, 300]) {
    const key = Buffer.alloc(length, "k");
    const expected = Buffer.from(hash("sha256", Buffer.concat([Buffer.from(secret.buffer), key]), "buffer"));
    expected[0] = 255;
    expect(identityOf(key, identity)).toEqual(expected.subarray(0, 16));
  }
});

test("KeyIdentity: what follows a key, or is left of the one before, is not of it", () => {
  const identity = new KeyIdentity(notRandom);
  for (const length of [0, 3, 15, 16, 17, 126, 127]) {
    const key = Buffer.alloc(length + 9, "x");
    identity.take(Buffer.alloc(200, 0xff), 0, 15);
    identity.take(key, 4, length);
    const words = [...identity.words];
    identity.take(Buffer.alloc(length, "x"), 0, length);
    expect([...identity.words]).toEqual(words);
  }
});

test("KeyIdentity: another secret gives other places, and other identities of long keys only", () => {
  const [one, other] = [new KeyIdentity(), new KeyIdentity()];
  const places: number[] = [];
  for (const key of [Buffer.from("short"), Buffer.alloc(36, "long"), Buffer.alloc(127, "longer")]) {
    const same = Buffer.compare(identityOf(key, one), identityOf(key, other)) === 0;
    expect(same).toBe(key.length < 16);
    places.push(one.place, other.place);
  }
  // Six of 32 bits each.
  expect(new Set(places).size).toBe(6);
});
