// H-14: whether what is deleted stays deleted, whoever leads next. Pure.
//
// A deletion moves the start of the leader's log; the others hear of it with what they fetch. Until one of them has moved its own, on
// its disk, it would show those records again as the leader. So it is waited for everybody who may be elected, as a high watermark
// waits, and nobody joins the ISR whose log begins below the leader's. Below `minIsr` whoever has left the ISR may still be
// elected as one of the ELR, which a leader does not know: there it is waited for all replicas.

import { maximalIsr } from "./isr.ts";
import type { Leadership } from "./leadership.ts";

/** Those who may be elected and have not said in this epoch that their log begins at `logStart` or above. */
export function behindLogStart({ isr, replicas, followers, brokerId }: Leadership, logStart: number): number[] {
  const isShort = isr.committed.isr.length < isr.committed.minIsr;
  const mayLead = isShort ? replicas : maximalIsr(isr);
  return mayLead.filter((id) => id !== brokerId && (followers.get(id)?.logStart ?? -1) < logStart);
}
