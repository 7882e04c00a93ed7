/**
 * The names of the simulated disk: directories whose entries in the cache and on the disk are apart.
 *
 *   create, mkdir, rename, unlink ──▶ entries in the cache, and a pending change
 *   syncDirectory(d)              ──▶ pending changes that touch d are durable, and earlier ones they build on
 *   power cut                     ──▶ some pending changes are kept, the others never happened
 *
 * A change is atomic (a rename never leaves no name and never two). Which pending changes a power cut keeps is, by
 * lot: a prefix of all of them (a journaling file system), a prefix per directory, or any set in which a change is kept
 * only if the earlier pending changes of the same names are (what POSIX allows).
 */
import type { Random } from "./random.ts";
import { SimulatedFile } from "./simulated-file.ts";

export type SimulatedNode = SimulatedFile | SimulatedDirectory;

export class SimulatedDirectory {
  cache = new Map<string, SimulatedNode>();
  durable = new Map<string, SimulatedNode>();
}

interface Edit {
  readonly directory: SimulatedDirectory;
  readonly name: string;
  /** Undefined removes the name. */
  readonly node: SimulatedNode | undefined;
}

/** A change of names that no directory sync has covered. */
export interface NameChange {
  /** In the order they were made. */
  readonly number: number;
  readonly edits: readonly Edit[];
}

export class SimulatedTree {
  root = new SimulatedDirectory();
  #pending: NameChange[] = [];
  #forgotten: NameChange[] = [];
  #changes = 0;

  find(path: string): SimulatedNode | undefined {
    let node: SimulatedNode | undefined = this.root;
    for (const name of namesIn(path)) {
      if (!(node instanceof SimulatedDirectory)) return undefined;
      node = node.cache.get(name);
    }
    return node;
  }

  /** The directory that holds the last name of `path`; undefined when it does not exist. */
  parentOf(path: string): { directory: SimulatedDirectory; name: string } | undefined {
    const names = namesIn(path);
    const name = names.pop();
    if (name === undefined) return undefined;
    const directory = this.find(names.join("/"));
    return directory instanceof SimulatedDirectory ? { directory, name } : undefined;
  }

  change(edits: readonly Edit[]): void {
    apply(edits, "cache");
    this.#pending.push({ number: ++this.#changes, edits });
  }

  /** The changes that a sync of this directory, begun now, will cover, with all they build on. */
  pendingOf(directory: SimulatedDirectory): readonly NameChange[] {
    const covered: NameChange[] = [];
    const wanted = new Set<string>();
    for (const change of this.#pending.toReversed()) {
      const names = change.edits.map((edit) => this.#nameKey(edit));
      const touches = change.edits.some((edit) => edit.directory === directory);
      if (!touches && !names.some((name) => wanted.has(name))) continue;
      for (const name of names) wanted.add(name);
      covered.push(change);
    }
    return covered.toReversed();
  }

  makeDurable(changes: readonly NameChange[]): void {
    for (const change of this.#drop(changes)) apply(change.edits, "durable");
  }

  /**
   * A directory sync failed: the changes stay in the cache, but no later sync of the same process makes them durable.
   * (A file system that cannot write its names for good stops altogether, so the next process gets another chance.)
   */
  forget(changes: readonly NameChange[]): void {
    const forgotten = this.#drop(changes);
    this.#forgotten.push(...forgotten);
  }

  /** The process ended, the kernel lives on. */
  remember(): void {
    this.#pending = [...this.#forgotten, ...this.#pending].sort((a, b) => a.number - b.number);
    this.#forgotten = [];
  }

  #drop(changes: readonly NameChange[]): NameChange[] {
    const gone = new Set(changes);
    const dropped = this.#pending.filter((change) => gone.has(change));
    this.#pending = this.#pending.filter((change) => !gone.has(change));
    return dropped;
  }

  get hasPendingChanges(): boolean {
    return this.#pending.length > 0;
  }

  powerCut(random: Random): void {
    this.#dropPending(random);
    for (const node of everyNode(this.root, "durable")) {
      if (node instanceof SimulatedFile) node.powerCut(random);
      else node.cache = new Map(node.durable);
    }
  }

  /** Every file with a name in the cache, by path, sorted. */
  files(): { path: string; file: SimulatedFile }[] {
    const found: { path: string; file: SimulatedFile }[] = [];
    const visit = (directory: SimulatedDirectory, prefix: string): void => {
      for (const [name, node] of directory.cache) {
        if (node instanceof SimulatedFile) found.push({ path: `${prefix}/${name}`, file: node });
        else visit(node, `${prefix}/${name}`);
      }
    };
    visit(this.root, "");
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Every node that has a name, in the cache or on the disk. */
  nodes(): Set<SimulatedNode> {
    const found = everyNode(this.root, "cache");
    for (const node of everyNode(this.root, "durable")) found.add(node);
    return found;
  }

  clone(): SimulatedTree {
    const copies = new Map<SimulatedNode, SimulatedNode>();
    const copyOf = (node: SimulatedNode): SimulatedNode => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (node instanceof SimulatedFile) {
        const file = node.clone();
        copies.set(node, file);
        return file;
      }
      const directory = new SimulatedDirectory();
      copies.set(node, directory);
      for (const [name, child] of node.cache) directory.cache.set(name, copyOf(child));
      for (const [name, child] of node.durable) directory.durable.set(name, copyOf(child));
      return directory;
    };
    const tree = new SimulatedTree();
    tree.#changes = this.#changes;
    tree.root = copyOf(this.root) as SimulatedDirectory;
    tree.#pending = this.#pending.map(({ number, edits }) => ({
      number,
      edits: edits.map(({ directory, name, node }) => ({
        directory: copyOf(directory) as SimulatedDirectory,
        name,
        node: node === undefined ? undefined : copyOf(node),
      })),
    }));
    return tree;
  }

  #dropPending(random: Random): void {
    const kept = random.pick([0, 0.2, 0.5, 0.8, 1]);
    const order = random.pick(["all", "directory", "name"] as const);
    const blocked = new Set<unknown>();
    for (const change of this.#pending) {
      const keys = change.edits.map((edit) => {
        if (order === "all") return "all";
        return order === "directory" ? edit.directory : this.#nameKey(edit);
      });
      if (!keys.some((key) => blocked.has(key)) && random.chance(kept)) apply(change.edits, "durable");
      else for (const key of keys) blocked.add(key);
    }
    this.#pending = [];
    this.#forgotten = [];
  }

  #directoryNumbers = new Map<SimulatedDirectory, number>();

  #nameKey({ directory, name }: Edit): string {
    let number = this.#directoryNumbers.get(directory);
    if (number === undefined) {
      number = this.#directoryNumbers.size;
      this.#directoryNumbers.set(directory, number);
    }
    return `${number}/${name}`;
  }
}

/** The names of a path, empty ones and `.` left out. */
export function namesIn(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function apply(edits: readonly Edit[], image: "cache" | "durable"): void {
  for (const { directory, name, node } of edits) {
    if (node === undefined) directory[image].delete(name);
    else directory[image].set(name, node);
  }
}

function everyNode(root: SimulatedDirectory, image: "cache" | "durable"): Set<SimulatedNode> {
  const found = new Set<SimulatedNode>([root]);
  for (const node of found) {
    if (node instanceof SimulatedDirectory) for (const child of node[image].values()) found.add(child);
  }
  return found;
}
