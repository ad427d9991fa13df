// What is shown of a list: the address bar holds all of it, so that a view can be sent to a colleague.
import { startOfDay } from "../kit/format";
import type { Filter, Option } from "./declaration";

export const SIZES = [25, 50, 100] as const;

export interface View {
  /** As they stand in the address: of each filter by its name, `from` and `to` as days. */
  filters: Record<string, string>;
  sort: string | null;
  after: string | null;
  before: string | null;
  size: number;
  /** The keys of the columns that are shown, where they were chosen. */
  columns: string[] | null;
}

interface Listed {
  filters: Filter[];
  dated: boolean;
  sorts?: Option[] | undefined;
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

const dayNames = (listed: Listed): string[] => (listed.dated ? ["from", "to"] : []);

/** Reads the address; whatever is none of the list's is left out. */
export function readView(parameters: URLSearchParams, listed: Listed): View {
  const filters: Record<string, string> = {};
  for (const filter of listed.filters) {
    const value = parameters.get(filter.name);
    if (value && isPossible(filter, value)) filters[filter.name] = value;
  }
  for (const name of dayNames(listed)) {
    const value = parameters.get(name);
    if (value && DAY.test(value)) filters[name] = value;
  }
  const size = Number(parameters.get("size"));
  const sort = parameters.get("sort");
  return {
    filters,
    sort: listed.sorts?.some(({ value }) => value === sort) ? sort : (listed.sorts?.[0]?.value ?? null),
    after: parameters.get("after"),
    before: parameters.get("before"),
    size: SIZES.find((known) => known === size) ?? SIZES[0],
    columns: parameters.get("columns")?.split(",") ?? null,
  };
}

function isPossible(filter: Filter, value: string): boolean {
  if (filter.kind === "choice") return filter.options.some((option) => option.value === value);
  if (filter.kind === "flag") return value === "true" || value === "false";
  if (filter.kind === "number") return /^\d{1,9}$/.test(value);
  return true;
}

/** The filter of the GraphQL operation. */
export function toFilter(view: View, listed: Listed): Record<string, unknown> {
  const wanted: Record<string, unknown> = {};
  for (const filter of listed.filters) {
    const value = view.filters[filter.name];
    if (value === undefined) continue;
    if (filter.kind === "flag") wanted[filter.name] = value === "true";
    else if (filter.kind === "number") wanted[filter.name] = Number(value);
    else wanted[filter.name] = value;
  }
  return { ...wanted, ...toInstants(view) };
}

/** The filters of the export, as REST spells them. */
export function toExportFilters(view: View, listed: Listed): Record<string, string> {
  const wanted: Record<string, string> = {};
  for (const filter of listed.filters) {
    const value = view.filters[filter.name];
    if (value === undefined) continue;
    const option = filter.kind === "choice" ? filter.options.find((known) => known.value === value) : undefined;
    wanted[filter.name] = option?.exported ?? value;
  }
  return { ...wanted, ...toInstants(view) };
}

/** Both days are within: the last ends where the day after it begins. */
function toInstants(view: View): { from?: string; to?: string } {
  const { from, to } = view.filters;
  return { ...(from && { from: startOfDay(from) }), ...(to && { to: startOfDay(to, 1) }) };
}

/** Which part of the list: from its start, or behind or before a row. The total is counted at the start alone. */
export function toWindow(view: View): Record<string, unknown> {
  if (view.before) return { last: view.size, before: view.before, count: false };
  return { first: view.size, after: view.after, count: view.after === null };
}

/** The address with these changes; what is null leaves it, and any other list than before begins at its start. */
export function changed(parameters: URLSearchParams, changes: Record<string, string | null>): URLSearchParams {
  const next = new URLSearchParams(parameters);
  const moves = "after" in changes || "before" in changes;
  if (!moves && !("columns" in changes)) for (const name of ["after", "before"]) next.delete(name);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  return next;
}
