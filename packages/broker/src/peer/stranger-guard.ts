/**
 * Connections of other nodes' listener that belong to nobody. There is room for so many of them, and who only keeps them open would keep
 * peers out: a connection has some seconds until its first call, and is closed with a call that proves nobody.
 *
 *   connected ──a call that is not refused──> kept, for as long as it lasts
 *       │ └──a call refused as UNAUTHENTICATED──> closed
 *       └── ten seconds without a call ──> closed; a peer comes again when it has something to say
 */
import type { Http2Server, ServerHttp2Session, ServerHttp2Stream } from "node:http2";
import { status } from "@grpc/grpc-js";
import type { Clock } from "@varve/log";

/** How long a connection may be without a call. */
const firstCallMs = 10_000;
const unauthenticated: number = status.UNAUTHENTICATED;

/** Watches the server's connections from now on. */
export function closeStrangers(http2Server: Http2Server, clock: Pick<Clock, "setTimer">): void {
  http2Server.on("session", (session: ServerHttp2Session) => {
    /** Calls that were refused to somebody who proved nothing, and those of whom that is not known. */
    let refused = 0;
    let begun = 0;
    const late = clock.setTimer(firstCallMs, () => {
      if (begun === refused) session.destroy();
    });
    session.once("close", () => late.cancel());
    session.on("stream", (stream: ServerHttp2Stream) => {
      begun += 1;
      stream.once("close", () => {
        if (!isRefused(stream)) return;
        refused += 1;
        if (begun === refused) session.close();
      });
    });
  });
}

/** By its answer: in the trailers, or in the headers of an answer that has nothing else. */
function isRefused({ sentHeaders, sentTrailers }: ServerHttp2Stream): boolean {
  // Node's types leave out that there may be no headers.
  const sent = sentTrailers?.["grpc-status"] ?? (sentHeaders as typeof sentTrailers)?.["grpc-status"];
  return sent !== undefined && Number(sent) === unauthenticated;
}
