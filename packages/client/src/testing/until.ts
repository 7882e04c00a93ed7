/** Waits for a condition, not for a time; fails after 30 s. */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error("The condition did not come true in 30 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
