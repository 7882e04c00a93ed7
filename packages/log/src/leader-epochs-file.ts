/**
 * The file `leader-epochs` of a partition: which leader epoch wrote which offsets (`EpochRuns`).
 *
 *   payload  0 count u32 · then count × { epoch u32 · first offset u64 }, both rising        (envelope: checked-file.ts)
 *
 * An addition is durable no later than the first batch of that epoch, a removal never before the truncation is (F-4, J-7);
 * both are in the journal first. A bad file is rebuilt from the batches, which carry their epochs, and the journal.
 */
import { EpochRuns } from "@varve/format";
import type { EpochRun } from "@varve/format";
import { decodeCheckedFile, encodeCheckedFile } from "./checked-file.ts";
import type { FileFault } from "./checked-file.ts";

export const leaderEpochsFileName = "leader-epochs";

const magic = 0x31_45_4c_56; // "VLE1"
const version = 1;
const runBytes = 12;

/** The file's bytes, owned. */
export function encodeLeaderEpochs(runs: readonly EpochRun[]): Uint8Array {
  const payload = new Uint8Array(4 + runs.length * runBytes);
  const view = new DataView(payload.buffer);
  view.setUint32(0, runs.length, true);
  for (const [index, run] of runs.entries()) {
    view.setUint32(4 + index * runBytes, run.epoch, true);
    view.setBigUint64(8 + index * runBytes, BigInt(run.start), true);
  }
  return encodeCheckedFile(magic, version, payload);
}

/** The runs, owned; or what is wrong with the file. Never throws. */
export function decodeLeaderEpochs(bytes: Uint8Array): { kind: "ok"; runs: EpochRuns } | FileFault {
  const file = decodeCheckedFile(magic, version, bytes);
  if (file.kind !== "ok") return file;
  const { payload } = file;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength);
  if (payload.length < 4 || payload.length !== 4 + view.getUint32(0, true) * runBytes) {
    return { kind: "bad", why: "the number of epochs does not match the length" };
  }
  const runs: EpochRun[] = [];
  for (let at = 4; at < payload.length; at += runBytes) {
    runs.push({ epoch: view.getUint32(at, true), start: Number(view.getBigUint64(at + 4, true)) });
  }
  if (!EpochRuns.isAscending(runs)) return { kind: "bad", why: "epochs that do not rise" };
  return { kind: "ok", runs: new EpochRuns(runs) };
}
