/**
 * The envelope of small files that are written whole and replaced by renaming: `leader-epochs`, `producer-state-…`.
 *
 *   0           4             8            12                    12 + length
 *   ├───────────┼─────────────┼────────────┼──────── … ──────────┼─────────┤
 *   │ magic u32 │ version u32 │ length u32 │ payload             │ CRC u32 │
 *   └───────────┴─────────────┴────────────┴──────── … ──────────┴─────────┘
 *
 * All little endian; the CRC-32C covers everything before it, and the length makes the file exactly as long as it says.
 */
import { crc32c } from "@varve/format";

const headerBytes = 12;
const trailerBytes = 4;

/** What may be wrong with a file: its bytes, or its being from a newer Varve (which is no reason to throw it away). */
export interface FileFault {
  readonly kind: "bad" | "unknown-version";
  readonly why: string;
}

/** An owned file around a copy of `payload`. */
export function encodeCheckedFile(magic: number, version: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + payload.length + trailerBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, version, true);
  view.setUint32(8, payload.length, true);
  bytes.set(payload, headerBytes);
  view.setUint32(bytes.length - trailerBytes, crc32c(bytes, 0, bytes.length - trailerBytes), true);
  return bytes;
}

/** The payload, a view of `bytes`; or what is wrong. Never throws. */
export function decodeCheckedFile(
  magic: number,
  version: number,
  bytes: Uint8Array,
): { kind: "ok"; payload: Uint8Array } | FileFault {
  if (bytes.length < headerBytes + trailerBytes) return { kind: "bad", why: `only ${bytes.length} bytes` };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) return { kind: "bad", why: "another kind of file" };
  const end = bytes.length - trailerBytes;
  if (view.getUint32(end, true) !== crc32c(bytes, 0, end)) return { kind: "bad", why: "the CRC does not match" };
  const found = view.getUint32(4, true);
  if (found !== version) return { kind: "unknown-version", why: `version ${found}, this Varve reads ${version}` };
  if (view.getUint32(8, true) !== end - headerBytes) return { kind: "bad", why: "the length does not match" };
  return { kind: "ok", payload: bytes.subarray(headerBytes, end) };
}
