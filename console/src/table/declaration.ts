// What a table is told of a noun: everything else about tables is the same for all of them.
import type { Client } from "@urql/core";
import type { ReactNode } from "react";
import type { AdminRole, TypedDocumentString } from "../generated/graphql";

export interface Page<Row> {
  nodes: Row[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  /** Counted for the first page only. */
  totalCount?: number;
}

export interface Column<Row> {
  key: string;
  label: string;
  cell: (row: Row) => ReactNode;
  /** Set flush right, with figures of one width. */
  numeric?: boolean;
  /** Not shown until it is asked for. */
  extra?: boolean;
  /** The order in which its head sorts the list, by the server. */
  sort?: string;
}

export interface Option {
  value: string;
  label: string;
  /** What REST calls it, where that is another word. */
  exported?: string;
}

export type Filter<Name extends string = string> = { name: Name; label: string; hint?: string } & (
  | { kind: "text" }
  | { kind: "number" }
  | { kind: "flag"; yes: string; no: string }
  | { kind: "choice"; options: Option[] }
);

/** Something that can be done to one or many of them. */
export interface Action<Row> {
  key: string;
  label: string;
  role: AdminRole;
  /** Whether it destroys something: then it is red, and asks in red. */
  destructive?: boolean;
  /** Of the rows that were chosen only these are changed. */
  applies: (row: Row) => boolean;
  /** What will change, in a sentence. */
  confirmation: (count: number) => string;
  /** What was done, in a sentence. */
  done: (count: number) => string;
  run: (client: Client, row: Row) => Promise<unknown>;
  /** Puts a row back as it was, where that can be done. */
  undo?: (client: Client, row: Row) => Promise<unknown>;
}

/** The name of a filter of a list; those of time are the same for all, and declared once. */
type FilterName<Variables> = Variables extends { filter?: infer F } ? Exclude<keyof NonNullable<F>, "from" | "to"> : never;

export interface Noun<Row, Variables extends object> {
  /** Where it is found, below /console/. */
  path: string;
  title: string;
  one: string;
  many: string;
  /** What the list is about, in a line. */
  about: string;
  document: TypedDocumentString<{ page: Page<Row> }, Variables>;
  /** Its types in the schema: a change of one of them has the list asked for again. */
  typenames: string[];
  keyOf: (row: Row) => string;
  nameOf: (row: Row) => string;
  /** The address of its own page, where it has one. */
  href?: (row: Row) => string;
  columns: Column<Row>[];
  /** The filter that the search field fills. */
  search?: FilterName<Variables> & string;
  searchHint?: string;
  filters: Filter<FilterName<Variables> & string>[];
  /** Whether the list can be narrowed to days. */
  dated: boolean;
  /** The orders that the server offers, the first of them unless another is chosen. */
  sorts?: Option[];
  actions?: Action<Row>[];
  /** The family of the exports that has exactly these rows. */
  exported?: string;
  /** What to do where there is none at all. */
  empty: string;
}
