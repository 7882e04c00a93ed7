/**
 * How many messages grpc-js reads ahead of a paused stream. Its streams count messages, 16 of them, whatever their size: with
 * messages of 8 MiB that is 128 MiB for every stream that is being held back. There is no public setting, so this reaches into
 * the state of Node's own Readable, whose field has been the same since Node 10; where it is missing nothing changes.
 */
/** One that is being handled and one that is ready. */
export const messagesAhead = 2;

/** @returns whether it took effect. */
export function limitReadAhead(stream: { readonly readableHighWaterMark: number }): boolean {
  const state = (stream as unknown as { _readableState?: { highWaterMark?: unknown } })._readableState;
  if (typeof state?.highWaterMark !== "number") return false;
  state.highWaterMark = messagesAhead;
  return stream.readableHighWaterMark === messagesAhead;
}
