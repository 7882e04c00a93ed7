/**
 * One answer for each of several partitions, by whoever leads it: this node, or another one, which is asked once for all that it
 * leads. The leaders are asked at the same time; the answers come in the order of the questions.
 */
import type { ForwardedCall, Forwarding } from "../drivers/forwarding/forwarding.ts";
import type { LocalTopic } from "../drivers/topics.ts";
import type { BrokerNode } from "../node.ts";
import { type Refusal, isRefusal, refuse } from "../refusal.ts";

/** For a leader to answer: it may look into old files on a slow disk. */
export const forwardMs = 10_000;

export interface LeaderQuestions<Question, Answer> {
  readonly call: ForwardedCall;
  /** What another leader is sent. */
  readonly request: (questions: readonly Question[]) => object;
  /** This node's own answer: as leader, or because nobody leads. */
  readonly here: (question: Question) => Answer | Promise<Answer>;
  /** How long another leader may take. */
  readonly timeoutMs?: number;
  /** The answer when the leader gave none. */
  readonly failed: (question: Question, refusal: Refusal) => Answer;
}

/** What every call for several partitions answers. */
interface Answers<Answer> {
  readonly partitions: readonly Answer[];
}

export async function answersByLeader<Question extends { readonly partition: number }, Answer>(
  node: BrokerNode,
  topic: LocalTopic,
  questions: readonly Question[],
  how: LeaderQuestions<Question, Answer>,
): Promise<Answer[]> {
  const { forwarding } = node;
  const places = new Map<number | undefined, number[]>();
  for (const [place, { partition }] of questions.entries()) {
    const leader = forwarding === undefined ? undefined : topic.leaderElsewhere(partition);
    const those = places.get(leader);
    if (those === undefined) places.set(leader, [place]);
    else those.push(place);
  }
  const answers: Answer[] = [];
  const ask = async ([leader, those]: [number | undefined, number[]]): Promise<void> => {
    const mine = those.map((place) => questions[place] as Question);
    const found =
      leader === undefined || forwarding === undefined
        ? await answersHere(mine, how)
        : await answersThere(forwarding, leader, mine, how);
    for (const [at, place] of those.entries()) answers[place] = found[at] as Answer;
  };
  await Promise.all([...places].map(ask));
  return answers;
}

/** One after the other: a request for a thousand partitions does not fill the disk's queue. */
async function answersHere<Question, Answer>(
  questions: readonly Question[],
  { here }: LeaderQuestions<Question, Answer>,
): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const question of questions) answers.push(await here(question));
  return answers;
}

async function answersThere<Question, Answer>(
  forwarding: Forwarding,
  leader: number,
  questions: readonly Question[],
  { call, request, failed, timeoutMs = forwardMs }: LeaderQuestions<Question, Answer>,
): Promise<readonly Answer[]> {
  const answer = await forwarding.unary<Answers<Answer>>(leader, call, request(questions), { timeoutMs });
  if (isRefusal(answer)) return questions.map((question) => failed(question, answer));
  if (answer.partitions.length === questions.length) return answer.partitions;
  const why = `Broker ${leader} answered ${call} for ${answer.partitions.length} of ${questions.length} partitions`;
  return questions.map((question) => failed(question, refuse("INTERNAL", why)));
}
