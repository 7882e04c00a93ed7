/** One end of a stream between two nodes, as grpc-js and Node's streams have it: what replication needs of it. */

export interface PeerStream<In, Out> {
  /** False: wait for `drain` before the next one. `done` is called when the message has left, or never will. */
  write(message: Out, done?: () => void): boolean;
  /** Of this side; the stream is over when the other side has ended too, and everything that it sent was read. Idempotent. */
  end(): void;
  /** No more `data` until `resume`. */
  pause(): unknown;
  resume(): unknown;
  on(event: "data", listener: (message: In) => void): unknown;
  on(event: "drain" | "end" | "close" | "cancelled", listener: () => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

/** Calls `ended` once, however the stream ends; an error is an end like any other. */
export function onEnd<In, Out>(stream: PeerStream<In, Out>, ended: (why: string) => void): void {
  let isOver = false;
  const over = (why: string): void => {
    if (isOver) return;
    isOver = true;
    ended(why);
  };
  stream.on("error", (error) => over(error.message));
  stream.on("end", () => over("the other side ended it"));
  stream.on("close", () => over("it was closed"));
  stream.on("cancelled", () => over("it was cancelled"));
}
