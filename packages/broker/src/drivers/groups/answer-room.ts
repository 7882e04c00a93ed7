/**
 * How much an answer about groups may hold: what a generated client takes without being told otherwise. A group may have more than that
 * (notes of 4 KiB on thousands of partitions); then it is asked for in parts.
 */
import { type Refusal, refuse } from "../../refusal.ts";

/** 4 MiB is what gRPC takes by default; the rest is for what surrounds the rows. */
export const answerBytesMax = 4 * 1024 * 1024 - 64 * 1024;
/** What the numbers of a row take, at most, and what surrounds it. */
const rowBytes = 80;

/** About what a row with these texts takes in an answer, and not less. */
export function rowSize(...texts: readonly string[]): number {
  return texts.reduce((bytes, text) => bytes + 4 + Buffer.byteLength(text), rowBytes);
}

/** Why rows of so many bytes cannot be told; undefined: they can. `what` begins the sentence, `instead` says what to do. */
export function tooMuch(what: string, bytes: number, instead: string): Refusal | undefined {
  if (bytes <= answerBytesMax) return undefined;
  return refuse(
    "INVALID_REQUEST",
    `${what}: it takes ${bytes} bytes, and an answer has room for ${answerBytesMax}; ${instead}`,
  );
}
