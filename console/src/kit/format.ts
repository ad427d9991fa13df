// Numbers, money and instants in the reader's language and time zone.

const whole = new Intl.NumberFormat();
const money = new Intl.NumberFormat(undefined, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const instant = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const precise = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });
const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_557_600],
  ["month", 2_629_800],
  ["week", 604_800],
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

export const formatNumber = (value: number): string => whole.format(value);

/** A decimal of the API, exact to the cent however large. */
export const formatMoney = (value: string): string => money.format(value as `${number}`);

export const formatPercent = (share: number): string => percent.format(share);

export const formatInstant = (iso: string): string => instant.format(new Date(iso));

export const formatDay = (iso: string): string => day.format(new Date(iso));

/** With weekday, seconds and the time zone: for a tooltip. */
export const formatPrecisely = (iso: string): string => precise.format(new Date(iso));

/** How long ago or ahead, in the largest unit that fits. */
export function formatRelative(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ["second", 1];
  return relative.format(Math.round(seconds / size), unit);
}

/** `SET_COUPON_ACTIVE` → `Set coupon active`. */
export const humanize = (word: string): string =>
  word.charAt(0).toUpperCase() + word.slice(1).toLowerCase().replaceAll("_", " ");

/** The status of an order: a known one by its name, any other as it is. */
export const formatStatus = ({ status, statusText }: { status: string; statusText: string }): string =>
  status === "OTHER" ? statusText : humanize(status);

/** What a follower counts, or a move was of. */
export const whatIsFollowed = (of: { couponId: string | null; campaignId: string | null }): string =>
  of.couponId ? `coupon ${of.couponId}` : `campaign ${of.campaignId ?? ""}`;

/** `1 coupon`, `3 coupons`. */
export const countOf = (count: number, one: string, many: string): string =>
  `${formatNumber(count)} ${count === 1 ? one : many}`;

/** The instant at which a day of the reader's calendar begins, `days` later where given. */
export function startOfDay(date: string, days = 0): string {
  const [year = 1970, month = 1, dayOfMonth = 1] = date.split("-").map(Number);
  return new Date(year, month - 1, dayOfMonth + days).toISOString();
}

export const timeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;
