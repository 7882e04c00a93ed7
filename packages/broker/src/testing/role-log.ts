/** A metadata log in memory, one entry after the other, committed at once; who leads is for the test to say. */
import type { MetadataLog, MetadataLogListener } from "../ports/metadata-log.ts";

export class RoleLog implements MetadataLog {
  listener: MetadataLogListener | undefined;
  #index = 0;

  start(listener: MetadataLogListener): Promise<void> {
    this.listener = listener;
    return Promise.resolve();
  }

  propose(bytes: Uint8Array): Promise<number> {
    this.#index += 1;
    this.listener?.onCommitted([{ index: this.#index, bytes }]);
    return Promise.resolve(this.#index);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
