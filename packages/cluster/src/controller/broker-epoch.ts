// Who speaks: the incarnation that is registered, or one that another has replaced.

import { refuse } from "./decision.ts";
import type { Refusal } from "./decision.ts";
import { brokerOf } from "./image.ts";
import type { ControllerImage } from "./state.ts";

/** B-2: every request of a broker carries its epoch; only the registered incarnation is heard. */
export function staleBroker(
  image: ControllerImage,
  { brokerId, brokerEpoch }: { readonly brokerId: number; readonly brokerEpoch: number },
): { refusal: Refusal } | undefined {
  const broker = brokerOf(image, brokerId);
  if (broker?.brokerEpoch === brokerEpoch) return undefined;
  const current = broker === undefined ? "is not registered" : `is registered with epoch ${broker.brokerEpoch}`;
  return refuse(
    "STALE_BROKER_EPOCH",
    `Broker ${brokerId} called with broker epoch ${brokerEpoch}, but it ${current}.`,
    {
      brokerId: String(brokerId),
      brokerEpoch: String(broker?.brokerEpoch ?? -1),
    },
  );
}
