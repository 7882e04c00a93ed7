/** Who can reach this broker, and the warning that belongs to it. */
import type { Logger } from "./logger.ts";
import type { BrokerOptions, ListenerOptions } from "./options.ts";

export const loopback = "127.0.0.1";

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(host);
}

/** Every address of this machine. */
export function isAnyAddress(host: string): boolean {
  return ["0.0.0.0", "::", "[::]"].includes(host);
}

/** The listeners that other machines can reach. */
export function exposedListeners(options: Pick<BrokerOptions, "listeners" | "cluster">): string[] {
  const { grpc = {}, http = {}, peer = {} } = options.listeners ?? {};
  const exposed: string[] = [];
  const look = (name: string, listener: ListenerOptions): void => {
    if (!isLoopback(listener.host ?? loopback)) exposed.push(`${name} on ${listener.host}`);
  };
  look("grpc", grpc);
  if (http !== false) look("http", http);
  if (options.cluster !== undefined && options.cluster.secret === undefined)
    look("peer, without a cluster secret,", peer);
  return exposed;
}

/** Says, where it cannot be missed, that anybody may do anything; unless told that this is known. */
export function warnWhenExposed(
  options: Pick<BrokerOptions, "listeners" | "cluster" | "insecure">,
  logger: Logger,
): void {
  const exposed = exposedListeners(options);
  if (exposed.length === 0 || options.insecure === true) return;
  const text =
    `This broker listens beyond this machine without TLS or passwords (${exposed.join(", ")}): anybody who reaches it may ` +
    `read, write and delete everything. Bind 127.0.0.1, or say that this is meant (insecure: true, --insecure)`;
  logger.warn({ exposed }, text);
  process.emitWarning(text, { type: "VarveInsecureWarning" });
}
