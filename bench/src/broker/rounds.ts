// Contenders in turns. A machine that has other work, and memory that its host takes back while it lies free, change within
// seconds: two contenders that run one after the other for ten seconds each do not meet the same machine. In turns of a
// second they do, and the median of the ratios of single rounds is what is compared.

/** Runs all of them once to warm up, unmeasured, and then `count` times in turns. Returns what each round gave, in its order. */
export async function inTurns<T>(count: number, contenders: readonly (() => Promise<T>)[]): Promise<T[][]> {
  const results: T[][] = contenders.map(() => []);
  for (let round = 0; round <= count; round++) {
    for (const [index, run] of contenders.entries()) {
      const result = await run();
      if (round > 0) results[index]?.push(result);
    }
  }
  return results;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** The median over the rounds of what `values` is of `base` in the same round, in per cent, with the quarters around it. */
export function shareOf(values: readonly number[], base: readonly number[]): string {
  const shares = values.map((value, round) => value / (base[round] ?? Number.NaN)).sort((a, b) => a - b);
  const at = (share: number): number =>
    Math.round((shares[Math.floor((shares.length - 1) * share)] ?? Number.NaN) * 100);
  return `${Math.round(median(shares) * 100)} % (${at(0.25)}-${at(0.75)})`;
}
