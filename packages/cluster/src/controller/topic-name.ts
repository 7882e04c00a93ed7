// Which topic names are legal: Kafka's rule, so that every client and every file system can hold them.

import { topicNameCharactersMax } from "@varve/format";

const legal = /^[a-zA-Z0-9._-]+$/;

/** Why this is no legal topic name, as the second half of a sentence; `undefined` when it is one. */
export function topicNameFault(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name === "." || name === "..") return 'it must not be "." or ".."';
  if (name.length > topicNameCharactersMax)
    return `it has ${name.length} characters, at most ${topicNameCharactersMax} are allowed`;
  if (!legal.test(name)) return 'only letters, digits, ".", "_" and "-" are allowed';
  return undefined;
}

/** Names that differ only in "." and "_" would have the same metric names, so the second of them is refused, as in Kafka. */
export function collisionKey(name: string): string {
  return name.replaceAll(".", "_");
}
