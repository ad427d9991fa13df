import { expect, test } from "vitest";
import { boundsOf, changeOf, halves, SPANS, sumOf } from "../src/overview/period";

test("a span reaches twice as far back as it is long", () => {
  const now = Date.UTC(2026, 2, 1);
  expect(SPANS.map((span) => boundsOf(span, now).from)).toEqual([
    "2026-02-27T00:00:00.000Z",
    "2025-12-31T00:00:00.000Z",
    "2025-08-31T00:00:00.000Z",
  ]);
});

test("the later half is compared with the one before, whatever more there is", () => {
  const { now, before } = halves([1, 2, 3, 4, 5], 2);
  expect([now, before]).toEqual([
    [4, 5],
    [2, 3],
  ]);
  expect(halves([1], 2)).toEqual({ now: [1], before: [] });
  expect(changeOf(sumOf(now, Number), sumOf(before, Number))).toBeCloseTo(0.8);
  expect(changeOf(3, 0)).toBeNull();
});
