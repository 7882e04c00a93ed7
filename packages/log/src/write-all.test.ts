import * as fc from "fast-check";
import { expect, test } from "vitest";
import { writeAll } from "./write-all.ts";

test("writeAll() writes every byte once and in order, whatever part the system takes", async () => {
  const chunk = fc.uint8Array({ maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(chunk, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1 }),
      async (chunks, steps) => {
        const disk: number[] = [];
        let turn = 0;
        const done = await writeAll(chunks, 5, (group, at) => {
          expect(at).toBe(5 + disk.length);
          const taken = group.flatMap((bytes) => [...bytes]).slice(0, steps[turn++ % steps.length]);
          disk.push(...taken);
          return Promise.resolve(taken.length);
        });
        expect(done).toBe(true);
        expect(disk).toEqual(chunks.flatMap((bytes) => [...bytes]));
      },
    ),
  );
});

test("writeAll() offers at most 1024 buffers at a time", async () => {
  const sizes: number[] = [];
  await writeAll(
    Array.from({ length: 2500 }, () => Uint8Array.of(1)),
    0,
    (group) => {
      sizes.push(group.length);
      return Promise.resolve(group.length);
    },
  );
  expect(sizes).toEqual([1024, 1024, 452]);
});

test("writeAll() stops when the system takes nothing", async () => {
  let calls = 0;
  const done = await writeAll([Uint8Array.of(1, 2), Uint8Array.of(3)], 0, () => Promise.resolve(calls++ === 0 ? 1 : 0));
  expect(done).toBe(false);
  expect(calls).toBe(2);
});
