/**
 * Looking at the files of a store that is not running: `varve inspect` and `verify`. Reads only.
 *
 * Inspection does not share the engine's walk over a segment on purpose: it goes on after a fault, where the engine must
 * stop, and a mistake in the one shows against the other. Rows are handed out as they come, so a segment of a gigabyte
 * takes a megabyte of memory; faults are kept, up to a limit.
 */
/**
 * - `damage`: bytes that no crash explains.
 * - `torn`: the end of a file that a crash may have left; recovery cuts it.
 * - `stale`: an index or snapshot that does not fit; it is built again, nothing is lost.
 */
export type FaultKind = "damage" | "torn" | "stale";

export interface InspectionFault {
  readonly kind: FaultKind;
  readonly file: string;
  /** Bytes from the start of the file; 0 when it concerns the whole. */
  readonly positionBytes: number;
  /** The offset in the log that it concerns, when it concerns one. */
  readonly offset: number | undefined;
  readonly message: string;
}

/** Faults kept in a report; more are only counted. */
export const faultsKeptMax = 1000;

/** Collects faults. */
export class Faults {
  readonly list: InspectionFault[] = [];
  /** All of them, also those above `faultsKeptMax`. */
  count = 0;

  add(fault: InspectionFault): void {
    this.count++;
    if (this.list.length < faultsKeptMax) this.list.push(fault);
  }
}
