// SPDX-License-Identifier: Apache-2.0
/**
 * What runs on a machine of the core world before a core may: it asks everybody who they are, through the same weather as
 * everything else, and does what `decide` says. Answers are matched to rounds by their number and nothing else.
 *
 * Identities of the world are short (`n1@2`); those of documents have a directory of 32 digits. They are translated here.
 */
import { hasRun, documentOf, answerOf } from "../bootstrap/answer.ts";
import { decide, whomToAsk, type BootstrapSelf } from "../bootstrap/decide.ts";
import type { BootState, Config, PeerId } from "../core/types.ts";
import type { BootstrapAnswer, ClusterDocument, InitialPeer, OpenedStorage } from "../runtime/ports.ts";
import { configDigest } from "./chain.ts";
import type { Coverage } from "./coverage.ts";
import type { SimulatedDisk } from "./disk.ts";
import { DiskImage } from "./disk-image.ts";
import type { RandomStream } from "./random-stream.ts";
import type { Registers } from "./register-machine.ts";
import type { SimulatedClock } from "./simulated-clock.ts";

/** "Who are you?" Names machines, not identities. */
export interface HelloPacket {
  readonly type: "Hello";
  readonly from: string;
  readonly to: string;
  /** Of the asker's incarnation and round. */
  readonly round: string;
}

export interface HelloAnswerPacket {
  readonly type: "HelloAnswer";
  readonly from: string;
  readonly to: string;
  readonly round: string;
  readonly answer: BootstrapAnswer;
}

export type FormingPacket = HelloPacket | HelloAnswerPacket;

export interface FormingNodeOptions {
  readonly host: string;
  readonly id: PeerId;
  /** Of the incarnation: `n1@1#3`. */
  readonly name: string;
  /** The machines that are to form the cluster. Others wait to be taken in. */
  readonly peers: readonly string[];
  /** Time that a round takes, in µs. */
  readonly roundTime: number;
  readonly clock: SimulatedClock;
  readonly disk: SimulatedDisk<Registers>;
  readonly random: RandomStream;
  readonly coverage: Coverage;
  readonly send: (packet: FormingPacket) => void;
  readonly note: (line: () => string) => void;
  /** The core may run. */
  readonly start: () => void;
}

export class FormingNode {
  readonly clock: SimulatedClock;
  /** What it waits for, as the last round said; null before the first. */
  report: { readonly kind: string; readonly needsOperator: boolean } | null = null;
  readonly #options: FormingNodeOptions;
  #round = 0;
  #answers = new Map<string, BootstrapAnswer>();
  #self: BootstrapSelf;

  constructor(options: FormingNodeOptions) {
    this.#options = options;
    this.clock = options.clock;
    this.#self = this.#look();
    this.clock.after(options.random.below(options.roundTime), () => this.#ask());
  }

  receive({ from, round, answer }: HelloAnswerPacket): void {
    this.clock.enter(() => {
      if (round !== this.#roundName()) return;
      this.#answers.set(from, answer);
    });
  }

  stop(): void {
    this.clock.stop();
  }

  #roundName(): string {
    return `${this.#options.name} ${this.#round}`;
  }

  #ask(): void {
    const { host, peers, roundTime, send } = this.#options;
    this.#round++;
    this.#answers = new Map();
    this.#self = this.#look();
    const round = this.#roundName();
    for (const { nodeId } of whomToAsk(this.#self, peers.map(peerOf))) {
      send({ type: "Hello", from: host, to: nodeId, round });
    }
    this.clock.after(roundTime, () => this.#decide());
  }

  #decide(): void {
    const { peers, coverage, disk, note, start, id } = this.#options;
    const decision = decide({ self: this.#self, peers: peers.map(peerOf), answers: this.#answers });
    note(() => `decides to ${decision.act}${decision.act === "wait" ? `: ${decision.report.kind}` : ""}`);
    coverage.count(`forming ${decision.act === "wait" ? decision.report.kind : decision.act}`);
    const again = (): void => this.clock.enter(() => this.#ask());
    switch (decision.act) {
      case "make":
      case "form":
        disk.format(formedImage(decision.document), again);
        return;
      case "join": {
        const image = new DiskImage<Registers>();
        image.clusterId = decision.clusterId;
        disk.format(image, again);
        return;
      }
      case "start":
        coverage.count(`forming started ${id.endsWith("@1") ? "first" : "later"} disk`);
        start();
        return;
      case "wait":
        this.report = decision.report;
        again();
    }
  }

  #look(): BootstrapSelf {
    const { id, disk, host, peers } = this.#options;
    const { identity, boot } = openedOf(id, disk);
    const { nodeId, dirId, clusterId } = identity;
    if (clusterId === null) {
      return { nodeId, dirId, state: "blank", intent: peers.includes(host) ? "form" : "join" };
    }
    return { nodeId, dirId, state: "member", clusterId, document: documentOf(identity, boot), mayRun: hasRun(boot) };
  }
}

/** What the machine `id` runs on answers; `running` of its core, if one runs. */
export function answerFor(
  id: PeerId,
  disk: SimulatedDisk<Registers>,
  peers: readonly string[],
  running: { readonly commit: number; readonly config: Config } | undefined,
): BootstrapAnswer {
  const host = id.slice(0, id.indexOf("@"));
  const state = running && { commit: running.commit, config: longConfig(running.config) };
  return answerOf(openedOf(id, disk), peers.includes(host) ? peers : [], state);
}

/** Whether a core may run on the disk without asking anybody. */
export function mayRunOn({ image }: SimulatedDisk<Registers>): boolean {
  return image.clusterId !== null && (image.snapshot === null || hasRun(image.bootState(0)));
}

function openedOf(id: PeerId, disk: SimulatedDisk<Registers>): OpenedStorage {
  const [nodeId, dirId] = longId(id).split("@") as [string, string];
  const { image, isSuspect } = disk;
  const boot = image.bootState(0);
  const long: BootState = {
    ...boot,
    snapshot: boot.snapshot && { ...boot.snapshot, config: longConfig(boot.snapshot.config) },
    configs: boot.configs.map(({ index, config }) => ({ index, config: longConfig(config) })),
  };
  const { clusterId } = image;
  if (isSuspect) {
    return {
      health: { state: "suspect", reason: "it is damaged" },
      identity: { nodeId, dirId, clusterId },
      boot: long,
    };
  }
  return { health: { state: clusterId === null ? "blank" : "ok" }, identity: { nodeId, dirId, clusterId }, boot: long };
}

/** The disk of an initial voter, as every one of them writes it. */
function formedImage({ clusterId, voters }: ClusterDocument): DiskImage<Registers> {
  const ids = voters.map(({ id }) => shortId(id));
  const addresses = voters.map(({ id, address }) => ({ id: shortId(id), address }));
  const config: Config = { voters: ids, votersOutgoing: [], learners: [], learnersNext: [], addresses };
  const chain = configDigest(config) >>> 0;
  const image = new DiskImage<Registers>({ meta: { index: 1, term: 1, config }, state: [], digest: 0, chain });
  image.clusterId = clusterId;
  return image;
}

function longConfig(config: Config): Config {
  const { voters, learners, addresses } = config;
  return {
    ...config,
    voters: voters.map(longId),
    learners: learners.map(longId),
    addresses: addresses.map(({ id, address }) => ({ id: longId(id), address })),
  };
}

function longId(id: PeerId): PeerId {
  const [node, dir] = id.split("@") as [string, string];
  return `${node}@${dir.padStart(32, "0")}`;
}

function shortId(id: PeerId): PeerId {
  const [node, dir] = id.split("@") as [string, string];
  return `${node}@${Number(dir)}`;
}

function peerOf(host: string): InitialPeer {
  return { nodeId: host, address: `${host}:1` };
}
