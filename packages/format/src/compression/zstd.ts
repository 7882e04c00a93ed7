// SPDX-License-Identifier: Apache-2.0
// zstd by Node's own zlib where it has it (from 22.15), on the thread pool; otherwise by a WebAssembly build, on the main
// thread. Both read and write the same frames. The WebAssembly memory grows to the largest batch seen and stays so.

import { createRequire } from "node:module";
import * as zlib from "node:zlib";

import { CompressionError, malformed, tooLarge } from "./compression-error.ts";
import { zstdFrames, type ZstdFrame } from "./zstd-frame.ts";

/** One way to (de)compress; both are tested where both exist. */
export interface ZstdEngine {
  /** One frame; the result has at most `plainBytesMax` bytes or the promise fails. */
  decompress(frame: Uint8Array, plainBytesMax: number): Promise<Uint8Array>;
  compress(plain: Uint8Array, level: number): Promise<Uint8Array>;
}

const levelDefault = 3;

/** What this process has; `nodeZstd` is undefined before Node 22.15. */
export const nodeZstd: ZstdEngine | undefined = findNodeZstd();
export const wasmZstd: ZstdEngine = createWasmZstd();

const engineDefault = nodeZstd ?? wasmZstd;

/** Owned plain bytes of all frames, at most `maxBytes`. */
export async function unzstd(bytes: Uint8Array, maxBytes: number, engine = engineDefault): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let plainBytes = 0;
  for (const frame of zstdFrames(bytes)) {
    const part = await decompressFrame(bytes, frame, maxBytes - plainBytes, maxBytes, engine);
    plainBytes += part.length;
    parts.push(part);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, plainBytes);
}

/** One frame that tells its content size, owned. Levels 1 to 22, 3 unless given. */
export async function zstd(plain: Uint8Array, level = levelDefault, engine = engineDefault): Promise<Uint8Array> {
  return engine.compress(plain, level);
}

async function decompressFrame(
  bytes: Uint8Array,
  frame: ZstdFrame,
  room: number,
  maxBytes: number,
  engine: ZstdEngine,
): Promise<Uint8Array> {
  if (frame.sizeKnown && frame.plainBytesMax > room) throw tooLarge("zstd", maxBytes);
  // A frame that does not tell its size may hold less than it could: let it try, in the room that is left.
  const limit = Math.min(frame.plainBytesMax, room);
  try {
    const plain = await engine.decompress(bytes.subarray(frame.start, frame.end), limit);
    if (plain.length <= limit) return plain;
  } catch (error) {
    if (error instanceof CompressionError) throw error;
    if (frame.plainBytesMax <= room) throw malformed("zstd", (error as Error).message, error);
  }
  throw tooLarge("zstd", maxBytes);
}

type ZlibCall = (
  input: Uint8Array,
  options: { maxOutputLength?: number; chunkSize?: number; params?: Record<number, number>; pledgedSrcSize?: number },
  done: (error: Error | null, output: Uint8Array) => void,
) => void;

/** Typed here because the types are those of Node 20. */
function findNodeZstd(): ZstdEngine | undefined {
  const { zstdCompress, zstdDecompress, constants } = zlib as unknown as {
    zstdCompress?: ZlibCall;
    zstdDecompress?: ZlibCall;
    constants: Record<string, number | undefined>;
  };
  const levelParameter = constants["ZSTD_c_compressionLevel"];
  if (zstdCompress === undefined || zstdDecompress === undefined || levelParameter === undefined) return undefined;
  const promised = async (call: ZlibCall, input: Uint8Array, options: Parameters<ZlibCall>[1]): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      call(input, options, (error, output) => {
        if (error === null) resolve(output);
        else reject(error);
      });
    });
  return {
    async decompress(frame, plainBytesMax) {
      const chunkSize = Math.min(Math.max(plainBytesMax, 1024), 1024 * 1024);
      return promised(zstdDecompress, frame, { maxOutputLength: Math.max(plainBytesMax, 1), chunkSize });
    },
    async compress(plain, level) {
      return promised(zstdCompress, plain, { params: { [levelParameter]: level }, pledgedSrcSize: plain.length });
    },
  };
}

interface WasmModule {
  init(): Promise<void>;
  compress(plain: Uint8Array, level: number): Uint8Array;
  decompress(frame: Uint8Array, options: { defaultHeapSize: number }): Uint8Array;
}

/** What its memory may be asked for at once: it ends at 2 GiB, and an allocation that fails there is not reported. */
const wasmBytesMax = 256 * 1024 * 1024;

/** Loaded on first use, once; its own package resolves and reads its WebAssembly file. */
function createWasmZstd(): ZstdEngine {
  let loaded: Promise<WasmModule> | undefined;
  const load = async (): Promise<WasmModule> => {
    const wasm = createRequire(import.meta.url)("@bokuweb/zstd-wasm") as WasmModule;
    await wasm.init();
    return wasm;
  };
  const module = async (): Promise<WasmModule> => (loaded ??= load());
  return {
    async decompress(frame, plainBytesMax) {
      if (frame.length > wasmBytesMax || plainBytesMax > wasmBytesMax) throw tooLarge("zstd", wasmBytesMax);
      // It allocates the content size that the frame tells, which `zstdFrames` has checked, or else this much.
      return (await module()).decompress(frame, { defaultHeapSize: Math.max(plainBytesMax, 1) });
    },
    async compress(plain, level) {
      if (plain.length > wasmBytesMax) {
        const message = `Cannot compress ${plain.length} bytes with zstd: this Node's limit is ${wasmBytesMax}.`;
        throw new CompressionError("zstd", "TOO_LARGE", message);
      }
      return (await module()).compress(plain, level);
    },
  };
}
