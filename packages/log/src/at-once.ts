/** The same work for many things, a few at a time: waiting for one file after the other would take as long as all of them together. */

/**
 * What `work` makes of each of `items`, in their order; at most `count` at a time. After the first error nothing more is begun; it is
 * thrown once nothing is under way any more.
 */
export async function mapAtOnce<T, R>(items: Iterable<T>, count: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const todo = [...items].entries();
  const results: R[] = [];
  const failures: unknown[] = [];
  const run = async (): Promise<void> => {
    for (const [index, item] of todo) {
      if (failures.length > 0) return;
      try {
        results[index] = await work(item);
      } catch (error) {
        failures.push(error);
      }
    }
  };
  await Promise.all(Array.from({ length: count }, run));
  if (failures.length > 0) throw failures[0];
  return results;
}
