// SPDX-License-Identifier: Apache-2.0
// Into a file, a line for each record. What lies behind the size in the state file was never finished, and is cut off.

import { type FileHandle, open } from "node:fs/promises";
import type { ConsumedRecord } from "@varve/client";
import { CliError } from "../exit-code.ts";
import type { RecordPrinter } from "../output/record-format.ts";
import type { ReplaySink, SinkState } from "./sink.ts";

const writeBytes = 256 * 1024;

export class FileSink implements ReplaySink {
  private readonly file: FileHandle;
  private readonly topic: string;
  private readonly print: RecordPrinter;
  private pieces: Uint8Array[] = [];
  private pieceBytes = 0;
  private sizeBytes: number;
  private closing: Promise<void> | undefined;

  private constructor(file: FileHandle, sizeBytes: number, topic: string, print: RecordPrinter) {
    this.file = file;
    this.sizeBytes = sizeBytes;
    this.topic = topic;
    this.print = print;
  }

  /** @param sizeBytes what of an existing file counts; undefined: there must be none */
  static async open(
    path: string,
    sizeBytes: number | undefined,
    { topic, print }: { topic: string; print: RecordPrinter },
  ): Promise<FileSink> {
    const file = await openFile(path, sizeBytes !== undefined);
    try {
      if (sizeBytes !== undefined) {
        const { size } = await file.stat();
        if (size < sizeBytes) {
          throw new CliError("failed", `Cannot go on with "${path}": it has ${size} bytes, and had ${sizeBytes}`, {
            advice: ["It was changed since. Begin anew with another file, and without the old state file."],
          });
        }
        await file.truncate(sizeBytes);
      }
      return new FileSink(file, sizeBytes ?? 0, topic, print);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  write(record: ConsumedRecord): boolean | Promise<boolean> {
    const bytes = this.print({ ...record, topic: this.topic });
    this.pieces.push(bytes);
    this.pieceBytes += bytes.length;
    return this.pieceBytes < writeBytes ? true : this.flush().then(() => true);
  }

  async settle(): Promise<SinkState> {
    await this.flush();
    await this.file.datasync();
    return { kind: "file", sizeBytes: this.sizeBytes };
  }

  close(): Promise<void> {
    this.closing ??= this.file.close();
    return this.closing;
  }

  private async flush(): Promise<void> {
    const bytes = Buffer.concat(this.pieces, this.pieceBytes);
    this.pieces = [];
    this.pieceBytes = 0;
    for (let written = 0; written < bytes.length;) {
      const { bytesWritten } = await this.file.write(bytes, written, bytes.length - written, this.sizeBytes);
      written += bytesWritten;
      this.sizeBytes += bytesWritten;
    }
  }
}

async function openFile(path: string, exists: boolean): Promise<FileHandle> {
  try {
    return await open(path, exists ? "r+" : "wx");
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "EEXIST") {
      throw new CliError("failed", `Cannot write "${path}": it exists already`, {
        advice: ["Name another file, or move that one away."],
        cause: error,
      });
    }
    if (error.code === "ENOENT" && exists) {
      throw new CliError("notFound", `Cannot go on with "${path}": it is gone`, {
        advice: ["Begin anew, without the old state file."],
        cause: error,
      });
    }
    if (error.code === "ENOENT") {
      throw new CliError("notFound", `Cannot write "${path}": there is no such directory`, {
        advice: ["Make it first, or name another file."],
        cause: error,
      });
    }
    throw error;
  }
}
