/**
 * Topics that come into being when they are needed: those that somebody writes to, for development only (`autoCreateTopics`: a misspelt
 * name makes a topic), and the one that keeps consumer groups.
 *
 * Invariant: one creation per name is under way; who asks meanwhile gets the same promise.
 */
import type { Refusal } from "../refusal.ts";
import type { ControllerClient, MetadataView } from "../ports/peers.ts";
import type { Topics } from "./topics.ts";

/** @returns a function that makes a topic, with the cluster's defaults but for `how`, and resolves when it can be written to. */
export function topicCreation(
  { view, control }: { readonly view: MetadataView; readonly control: ControllerClient },
  topics: Topics,
  how: { readonly partitions?: number; readonly configs?: Readonly<Record<string, string>> } = {},
): (name: string) => Promise<Refusal | undefined> {
  const underWay = new Map<string, Promise<Refusal | undefined>>();
  const create = async (name: string): Promise<Refusal | undefined> => {
    const outcome = await control.submit({ kind: "createTopic", name, ...how });
    if (outcome.kind === "refused" && outcome.refusal.reason !== "TOPIC_ALREADY_EXISTS") return outcome.refusal;
    await topics.apply(view.image);
    return undefined;
  };
  return (name) => {
    let creating = underWay.get(name);
    if (creating === undefined) {
      creating = create(name)
        .catch((error: unknown): Refusal => {
          return { reason: "INTERNAL", message: `Cannot create topic "${name}": ${String(error)}`, metadata: {} };
        })
        .finally(() => underWay.delete(name));
      underWay.set(name, creating);
    }
    return creating;
  };
}
