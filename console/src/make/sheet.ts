// A CSV file read row by row: what each row would make, or what is wrong with it, before anything is sent.
import type { Client } from "@urql/core";
import { parse } from "papaparse";
import { change } from "../api/changes";
import { CreateCouponDocument, CreateUsageFollowerDocument } from "../generated/graphql";

export const MOST_ROWS = 5000;

export interface Cell {
  column: string;
  required?: boolean;
  /** Reads a cell that is not empty; raises an error whose message says what it must be. */
  read: (text: string) => unknown;
}

export interface Kind {
  key: "followers" | "coupons";
  label: string;
  about: string;
  cells: Cell[];
  /** What is wrong with several cells together. */
  judge?: (row: Record<string, unknown>) => string | null;
  /** By what a row is the same as another. */
  keyOf: (row: Record<string, unknown>) => string;
  make: (client: Client, row: Record<string, unknown>) => Promise<unknown>;
}

export interface SheetRow {
  /** The line in the file, the head being the first. */
  line: number;
  values: Record<string, unknown>;
  faults: string[];
}

export interface Sheet {
  rows: SheetRow[];
  /** Why the file is none of this kind. */
  fault: string | null;
}

function text(longest: number): Cell["read"] {
  return (raw) => {
    if (raw.length > longest) throw new Error(`must be at most ${longest} characters`);
    return raw;
  };
}

function whole(least: number): Cell["read"] {
  return (raw) => {
    const value = Number(raw);
    if (!/^\d{1,10}$/.test(raw) || value > 2_147_483_647) throw new Error("must be a whole number");
    if (value < least) throw new Error(`must be at least ${least}`);
    return value;
  };
}

function rawId(raw: string): string {
  if (!/^[0-9a-fA-F]{24}$/.test(raw)) throw new Error("must be an id of 24 digits and letters a to f");
  return raw;
}

function role(raw: string): string {
  const wanted = raw.toUpperCase();
  if (wanted !== "USER" && wanted !== "CREATOR") throw new Error("must be user or creator");
  return wanted;
}

export const KINDS: Kind[] = [
  {
    key: "followers",
    label: "Usage followers",
    about: "A row for each campaign or coupon that is to have limits.",
    cells: [
      { column: "campaignId", read: rawId },
      { column: "couponId", read: rawId },
      { column: "maxTotalLimit", read: whole(0) },
      { column: "maxLimitPerCustomer", read: whole(0) },
      { column: "maxLimitInBasket", read: whole(0) },
    ],
    judge: ({ campaignId, couponId }) =>
      (campaignId === undefined) === (couponId === undefined) ? "give exactly one of campaignId and couponId" : null,
    keyOf: ({ campaignId, couponId }) => String(campaignId ?? couponId),
    make: (client, row) => change(client, CreateUsageFollowerDocument, row),
  },
  {
    key: "coupons",
    label: "Coupons",
    about: "A row for each person who is to have a coupon.",
    cells: [
      { column: "twitterId", required: true, read: text(256) },
      { column: "username", required: true, read: text(256) },
      { column: "followers", required: true, read: whole(1000) },
      { column: "role", read: role },
    ],
    keyOf: ({ twitterId }) => String(twitterId),
    make: (client, row) =>
      change(client, CreateCouponDocument, row as { twitterId: string; username: string; followers: number }),
  },
];

function readRow(kind: Kind, raw: Record<string, string>, line: number): SheetRow {
  const values: Record<string, unknown> = {};
  const faults: string[] = [];
  for (const { column, required, read } of kind.cells) {
    const given = (raw[column] ?? "").trim();
    if (given === "") {
      if (required) faults.push(`${column} is required`);
      continue;
    }
    try {
      values[column] = read(given);
    } catch (fault) {
      faults.push(`${column} ${fault instanceof Error ? fault.message : ""}`);
    }
  }
  const together = faults.length === 0 ? kind.judge?.(values) : null;
  return { line, values, faults: together ? [together] : faults };
}

/** Reads a file of this kind; a row that says the same as an earlier one is at fault. */
export function readSheet(kind: Kind, content: string): Sheet {
  const { data, meta } = parse<Record<string, string>>(content.replace(/^\ufeff/, ""), {
    header: true,
    skipEmptyLines: "greedy",
  });
  const known = kind.cells.map(({ column }) => column);
  const named = meta.fields?.map((field) => field.trim()) ?? [];
  const missing = kind.cells.filter(({ column, required }) => required && !named.includes(column));
  if (missing.length > 0 || !named.some((name) => known.includes(name))) {
    return { rows: [], fault: `The first line must name the columns: ${known.join(", ")}.` };
  }
  if (data.length > MOST_ROWS)
    return { rows: [], fault: `A file may have ${MOST_ROWS} rows; this one has ${data.length}.` };
  const lines = new Map<string, number>();
  const rows = data.map((raw, index) => {
    const row = readRow(kind, raw, index + 2);
    const first = lines.get(kind.keyOf(row.values));
    if (row.faults.length === 0 && first !== undefined) row.faults.push(`is the same as line ${first}`);
    if (row.faults.length === 0) lines.set(kind.keyOf(row.values), row.line);
    return row;
  });
  return { rows, fault: null };
}
