/**
 * What strangers cost before a call is a call: connections, each with a file descriptor, and messages that are not whole.
 *
 * A process that has no descriptor left cannot open the files of its own log, so connections end well below the limit of the
 * process, and new ones are closed at once.
 */
import type { Http2Server } from "node:http2";
import type { Socket } from "node:net";
import type { FileBudget } from "../file-budget.ts";
import type { BrokerNode } from "../node.ts";
import { IncompleteMessages } from "./incomplete-messages.ts";

/** Watches each HTTP/2 server: sets its limits, keeps `sockets` up to date. */
export function connectionGuard(
  node: BrokerNode,
  options: { files: FileBudget; sockets: Set<Socket> },
): (http2Server: Http2Server) => void {
  const { limits, logger } = node;
  const { files, sockets } = options;
  const connectionsMax = Math.min(limits.connectionsMax, files.connections);
  const tellOfDrop = everPowerOfTwo((times) => {
    logger.warn({ connectionsMax, times }, "connection closed at once: as many are open as the node takes");
  });
  const tellOfCut = everPowerOfTwo((times) => {
    const { incompleteBytesMax } = limits;
    logger.warn(
      { incompleteBytesMax, times },
      "stream cut: too many bytes of messages that were not sent to their end",
    );
  });
  const messages = new IncompleteMessages(limits.incompleteBytesMax, tellOfCut);
  return (http2Server) => {
    http2Server.maxConnections = connectionsMax;
    http2Server.on("drop", tellOfDrop);
    http2Server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.once("close", () => sockets.delete(socket));
    });
    http2Server.on("stream", (stream) => messages.watch(stream));
  };
}

/** Tells of the first time, the second, the fourth: a stranger does not fill the log. */
function everPowerOfTwo(tell: (times: number) => void): () => void {
  let times = 0;
  return () => {
    times++;
    if ((times & (times - 1)) === 0) tell(times);
  };
}
