/**
 * The `Groups` service: sessions, commits, and what people want to know of groups. Any node answers; who keeps a group is found out in
 * coordinator-call.ts.
 */
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import type {
  CommitOffsetsRequestOutput,
  CommitOffsetsResponseMessage,
  ConfigureGroupRequestOutput,
  DeleteGroupRequestOutput,
  DeleteGroupResponseMessage,
  DescribeGroupRequestOutput,
  FetchOffsetsRequestOutput,
  FetchOffsetsResponseMessage,
  ForkGroupRequestOutput,
  ListGroupsRequestOutput,
  ResetOffsetsRequestOutput,
  Services,
} from "@varve/api";
import { type Group, groupRate } from "@varve/cluster";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";
import { unary } from "./answer.ts";
import { atCoordinator, unknownGroup } from "./coordinator-call.ts";
import { configureGroup, setRate, unlimited } from "./configure-group.ts";
import { describeGroup } from "./describe-group.ts";
import { forkGroup } from "./fork-group.ts";
import { JoinCalls } from "./join-call.ts";
import { listGroups } from "./list-groups.ts";
import { resetOffsets } from "./reset-offsets.ts";

export interface GroupsService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Sessions end. */
  stop(): void;
}

export function createGroupsService(node: BrokerNode, services: Services): GroupsService {
  const joins = new JoinCalls(node);
  return {
    definition: services.groups,
    implementation: {
      Join: joins.open,
      CommitOffsets: unary(node, "CommitOffsets", (request: CommitOffsetsRequestOutput) =>
        commitOffsets(node, request),
      ),
      FetchOffsets: unary(node, "FetchOffsets", (request: FetchOffsetsRequestOutput) => fetchOffsets(node, request)),
      ListGroups: unary(node, "ListGroups", (request: ListGroupsRequestOutput) => listGroups(node, request)),
      DescribeGroup: unary(node, "DescribeGroup", (request: DescribeGroupRequestOutput) =>
        describeGroup(node, request),
      ),
      ResetOffsets: unary(node, "ResetOffsets", (request: ResetOffsetsRequestOutput) => resetOffsets(node, request)),
      ForkGroup: unary(node, "ForkGroup", (request: ForkGroupRequestOutput) => forkGroup(node, request)),
      ConfigureGroup: unary(node, "ConfigureGroup", (request: ConfigureGroupRequestOutput) =>
        configureGroup(node, request),
      ),
      DeleteGroup: unary(node, "DeleteGroup", (request: DeleteGroupRequestOutput) => deleteGroup(node, request)),
    },
    stop: () => joins.stop(),
  };
}

function commitOffsets(
  node: BrokerNode,
  request: CommitOffsetsRequestOutput,
): Promise<CommitOffsetsResponseMessage | Refusal> {
  const { group, memberId, generation, offsets } = request;
  return atCoordinator<CommitOffsetsResponseMessage>(
    node,
    { call: "CommitOffsets", group, request, isMade: true },
    async (coordinator) => {
      const claim = memberId === "" ? undefined : { memberId, instanceId: "", epoch: generation };
      const committed = await node.groups.translator.commit(coordinator, group, { claim }, offsets);
      return isRefusal(committed) ? committed : { offsets: committed };
    },
    () => unknownGroup(group),
  );
}

function whyNotDelete({ groupId, members }: Group): Refusal | undefined {
  if (members.size === 0) return undefined;
  return refuse(
    "NON_EMPTY_GROUP",
    `Cannot delete group "${groupId}": it has ${members.size} members. Stop them first.`,
  );
}

/** What a group has committed: of these partitions, or of all. */
export function fetchOffsets(
  node: BrokerNode,
  request: FetchOffsetsRequestOutput,
): Promise<FetchOffsetsResponseMessage | Refusal> {
  const { group } = request;
  const { translator } = node.groups;
  const answer = (offsets: ReturnType<typeof translator.fetch>): FetchOffsetsResponseMessage | Refusal =>
    isRefusal(offsets) ? offsets : { offsets };
  return atCoordinator<FetchOffsetsResponseMessage>(
    node,
    { call: "FetchOffsets", group, request, isMade: false, isQuestion: true },
    (coordinator) => answer(translator.fetch(coordinator.groups.get(group), request)),
    () => answer(translator.fetch(undefined, request)),
  );
}

function deleteGroup(
  node: BrokerNode,
  request: DeleteGroupRequestOutput,
): Promise<DeleteGroupResponseMessage | Refusal> {
  const { group, validateOnly } = request;
  return atCoordinator<DeleteGroupResponseMessage>(
    node,
    { call: "DeleteGroup", group, request, isMade: false },
    async (coordinator) => {
      const known = coordinator.groups.get(group);
      if (known === undefined) return unknownGroup(group);
      if (validateOnly) return whyNotDelete(known) ?? {};
      const deleted = await coordinator.call(group, { kind: "delete" });
      if (isRefusal(deleted)) return deleted;
      // One of the same name that comes later shall not be slow for reasons that nobody remembers.
      const set = groupRate(node.controller.image, group) && (await setRate(node, group, unlimited));
      if (!isRefusal(set)) return {};
      const what = `Group "${group}" was deleted, but its rate may still be set (${set.message})`;
      return { ...set, message: `${what}: \`varve group rate ${group} none\` takes it away` };
    },
    () => unknownGroup(group),
  );
}
