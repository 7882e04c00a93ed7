/** Waits for a condition, not for a time; fails after 5 s. */
export async function until(condition: () => boolean): Promise<void> {
  const endMs = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > endMs) throw new Error("The condition did not come true in 5 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
