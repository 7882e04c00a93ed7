// A map from strings to values that never changes: `set` and `delete` return a new map that shares almost everything with the
// old one. The controller's image is made of these (C-9), so a snapshot, the overlay of a running batch and the metrics can
// each hold their own stable version while commands go on, at the price of one short path of nodes per change.
//
//   root ─ 5 bits of the hash ─> branch ─ next 5 bits ─> … ─> leaf {hash, key, value}
//                                                             or bucket of leaves whose whole hashes are equal
//
// Invariant: a branch other than the root never holds exactly one leaf (it would be that leaf), so two maps with the same
// keys have the same shape but for the order inside buckets. Iteration order is not meaningful: sort where it matters.

interface Leaf<V> {
  readonly kind: "leaf";
  readonly hash: number;
  readonly key: string;
  readonly value: V;
}
interface Bucket<V> {
  readonly kind: "bucket";
  readonly hash: number;
  readonly leaves: readonly Leaf<V>[];
}
interface Branch<V> {
  readonly kind: "branch";
  /** Bit i is set when a child for the five hash bits i exists; children are packed in that order. */
  readonly bitmap: number;
  readonly children: readonly Node<V>[];
}
type Node<V> = Leaf<V> | Bucket<V> | Branch<V>;

const bitsPerLevel = 5;
const levelMask = 31;

export class PersistentMap<V> implements Iterable<readonly [string, V]> {
  readonly size: number;
  readonly #root: Node<V> | undefined;

  private constructor(root: Node<V> | undefined, size: number) {
    this.#root = root;
    this.size = size;
  }

  static empty<V>(): PersistentMap<V> {
    return new PersistentMap<V>(undefined, 0);
  }

  static of<V>(entries: Iterable<readonly [string, V]>): PersistentMap<V> {
    let map = PersistentMap.empty<V>();
    for (const [key, value] of entries) map = map.set(key, value);
    return map;
  }

  get(key: string): V | undefined {
    return this.#root === undefined ? undefined : find(this.#root, key, hashOf(key));
  }

  /** Values are never `undefined` here, so this is the same question as `get`. */
  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  /** A map in which `key` has this value; the receiver itself when it already is the same value. */
  set(key: string, value: V): PersistentMap<V> {
    const before = this.get(key);
    if (before === value) return this;
    const leaf: Leaf<V> = { kind: "leaf", hash: hashOf(key), key, value };
    const root = this.#root === undefined ? leaf : insert(this.#root, leaf, 0);
    return new PersistentMap(root, before === undefined ? this.size + 1 : this.size);
  }

  /** A map without `key`; the receiver itself when it was not there. */
  delete(key: string): PersistentMap<V> {
    if (this.#root === undefined || !this.has(key)) return this;
    return new PersistentMap(remove(this.#root, key, hashOf(key), 0), this.size - 1);
  }

  *[Symbol.iterator](): Generator<readonly [string, V]> {
    if (this.#root !== undefined) yield* walk(this.#root);
  }

  *keys(): Generator<string> {
    for (const [key] of this) yield key;
  }

  *values(): Generator<V> {
    for (const [, value] of this) yield value;
  }
}

function find<V>(root: Node<V>, key: string, hash: number): V | undefined {
  let node = root;
  for (let shift = 0; node.kind === "branch"; shift += bitsPerLevel) {
    const bit = bitAt(hash, shift);
    const child = (node.bitmap & bit) === 0 ? undefined : node.children[positionOf(node.bitmap, bit)];
    if (child === undefined) return undefined;
    node = child;
  }
  if (node.kind === "leaf") return node.key === key ? node.value : undefined;
  return node.hash === hash ? node.leaves.find((leaf) => leaf.key === key)?.value : undefined;
}

function insert<V>(node: Node<V>, leaf: Leaf<V>, shift: number): Node<V> {
  if (node.kind === "branch") {
    const bit = bitAt(leaf.hash, shift);
    const at = positionOf(node.bitmap, bit);
    if ((node.bitmap & bit) === 0) {
      return { kind: "branch", bitmap: node.bitmap | bit, children: node.children.toSpliced(at, 0, leaf) };
    }
    const child = insert(node.children[at] as Node<V>, leaf, shift + bitsPerLevel);
    return { kind: "branch", bitmap: node.bitmap, children: node.children.with(at, child) };
  }
  if (node.hash !== leaf.hash) return insert(branchAround(node, shift), leaf, shift);
  if (node.kind === "leaf") {
    return node.key === leaf.key ? leaf : { kind: "bucket", hash: leaf.hash, leaves: [node, leaf] };
  }
  const at = node.leaves.findIndex((other) => other.key === leaf.key);
  const leaves = at < 0 ? [...node.leaves, leaf] : node.leaves.with(at, leaf);
  return { kind: "bucket", hash: leaf.hash, leaves };
}

function remove<V>(node: Node<V>, key: string, hash: number, shift: number): Node<V> | undefined {
  if (node.kind === "leaf") return undefined;
  if (node.kind === "bucket") {
    const leaves = node.leaves.filter((leaf) => leaf.key !== key);
    return leaves.length === 1 ? leaves[0] : { kind: "bucket", hash, leaves };
  }
  const bit = bitAt(hash, shift);
  const at = positionOf(node.bitmap, bit);
  const child = remove(node.children[at] as Node<V>, key, hash, shift + bitsPerLevel);
  const children = child === undefined ? node.children.toSpliced(at, 1) : node.children.with(at, child);
  const only = children.length === 1 ? children[0] : undefined;
  if (only !== undefined && only.kind !== "branch") return only;
  if (children.length === 0) return undefined;
  return { kind: "branch", bitmap: child === undefined ? node.bitmap & ~bit : node.bitmap, children };
}

function branchAround<V>(node: Leaf<V> | Bucket<V>, shift: number): Branch<V> {
  return { kind: "branch", bitmap: bitAt(node.hash, shift), children: [node] };
}

function* walk<V>(node: Node<V>): Generator<readonly [string, V]> {
  if (node.kind === "leaf") yield [node.key, node.value];
  else for (const child of node.kind === "bucket" ? node.leaves : node.children) yield* walk(child);
}

function bitAt(hash: number, shift: number): number {
  return 1 << ((hash >>> shift) & levelMask);
}

/** How many children lie before the one of `bit`. */
function positionOf(bitmap: number, bit: number): number {
  let bits = bitmap & (bit - 1);
  bits -= (bits >>> 1) & 0x55555555;
  bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
  return (((bits + (bits >>> 4)) & 0x0f0f0f0f) * 0x01010101) >>> 24;
}

/** FNV-1a over UTF-16 units, finished so that keys which differ at the end differ in the low bits. */
function hashOf(key: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < key.length; at += 1) hash = Math.imul(hash ^ key.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
