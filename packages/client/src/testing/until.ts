/** Waits for a condition, not for a time; fails after 30 s, with the condition as it is written. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`Waited 30 s in vain for: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
