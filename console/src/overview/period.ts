// Spans of the reader's calendar that end now, and the span of the same length before each.
import type { SeriesInterval } from "../generated/graphql";

export interface Span {
  key: string;
  label: string;
  interval: SeriesInterval;
  buckets: number;
}

export const SPANS: Span[] = [
  { key: "day", label: "24 hours", interval: "HOUR", buckets: 24 },
  { key: "month", label: "30 days", interval: "DAY", buckets: 30 },
  { key: "quarter", label: "13 weeks", interval: "WEEK", buckets: 13 },
];

const HOUR = 3_600_000;
const LENGTHS: Record<string, number> = { HOUR, DAY: 24 * HOUR, WEEK: 7 * 24 * HOUR };

/** Twice the span up to now: its first half is what the second is compared with. */
export function boundsOf({ interval, buckets }: Span, now: number): { from: string; to: string } {
  const length = (LENGTHS[interval] ?? HOUR) * buckets;
  return { from: new Date(now - 2 * length).toISOString(), to: new Date(now).toISOString() };
}

/** The later buckets, and those before them. */
export function halves<Bucket>(series: Bucket[], buckets: number): { now: Bucket[]; before: Bucket[] } {
  const cut = Math.max(0, series.length - buckets);
  return { now: series.slice(cut), before: series.slice(Math.max(0, cut - buckets), cut) };
}

export const sumOf = <Bucket>(series: Bucket[], value: (bucket: Bucket) => number): number =>
  series.reduce((sum, bucket) => sum + value(bucket), 0);

/** By what share it has changed; nothing where there was nothing before. */
export const changeOf = (now: number, before: number): number | null => (before === 0 ? null : (now - before) / before);
