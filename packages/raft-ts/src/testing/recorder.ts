// SPDX-License-Identifier: Apache-2.0
/**
 * The newest events of a run, for whoever looks for the cause of a failure: after each what every node was, and what was
 * told of it. Only a replay is recorded, since asking every node after every event costs more than the events.
 */
import type { Role } from "../core/types.ts";

/** One node at one moment; null while it is down. */
export type NodeColumn = {
  readonly role: Role;
  readonly term: number;
  readonly last: number;
  readonly commit: number;
  readonly applied: number;
} | null;

export interface RecordedEvent {
  /** Which one it was since the start. */
  readonly event: number;
  /** Virtual µs. */
  readonly time: number;
  readonly nodes: Readonly<Record<string, NodeColumn>>;
  /** What was told while it happened. */
  readonly lines: readonly string[];
}

const columnWidth = 22;

export class Recorder {
  readonly #eventsMax: number;
  #events: RecordedEvent[] = [];
  #lines: string[] = [];
  #columns = "";

  /** Keeps the newest `eventsMax` events that told or changed something. */
  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax;
  }

  line(line: string): void {
    this.#lines.push(line);
  }

  /** An event ended; `nodes` is what they are now. */
  after(event: number, time: number, nodes: Readonly<Record<string, NodeColumn>>): void {
    const columns = JSON.stringify(nodes);
    if (this.#lines.length === 0 && columns === this.#columns) return;
    this.#columns = columns;
    this.#events.push({ event, time, nodes, lines: this.#lines });
    this.#lines = [];
    if (this.#events.length >= 2 * this.#eventsMax) this.#events = this.#events.slice(-this.#eventsMax);
  }

  /** The run broke off in the middle of an event: what was told until then belongs to it. */
  breakOff(event: number, time: number): void {
    if (this.#lines.length === 0) return;
    this.#events.push({ event, time, nodes: this.#events.at(-1)?.nodes ?? {}, lines: this.#lines });
    this.#lines = [];
  }

  /** Oldest first. */
  events(): readonly RecordedEvent[] {
    return this.#events.slice(-this.#eventsMax);
  }

  /** One event on a line, as JSON. */
  ndjson(): string {
    return this.events()
      .map((event) => `${JSON.stringify(event)}\n`)
      .join("");
  }

  /** The newest `count` events that changed a node: a column for each, `role term/last/commit/applied`. */
  table(count: number): string {
    const names = Object.keys(this.#events.at(-1)?.nodes ?? {});
    const rows: string[] = [];
    let before: RecordedEvent["nodes"] = {};
    for (const { event, time, nodes } of this.events()) {
      const cells = names.map((name) => {
        const cell = printColumn(nodes[name]);
        return cell === printColumn(before[name]) ? "" : cell;
      });
      before = nodes;
      if (cells.every((cell) => cell === "")) continue;
      rows.push(`${String(event).padStart(8)} ${String(time).padStart(10)}  ${cells.map(pad).join("")}`.trimEnd());
    }
    const head = `${"event".padStart(8)} ${"µs".padStart(10)}  ${names.map(pad).join("")}`.trimEnd();
    return `${[head, ...rows.slice(-count)].join("\n")}\n`;
  }
}

function printColumn(column: NodeColumn | undefined): string {
  if (column === undefined) return "";
  if (column === null) return "down";
  const { role, term, last, commit, applied } = column;
  return `${role === "pre-candidate" ? "pre" : role} ${term}/${last}/${commit}/${applied}`;
}

function pad(text: string): string {
  return text.padEnd(columnWidth);
}
