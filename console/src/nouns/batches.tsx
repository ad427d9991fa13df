import { change } from "../api/changes";
import {
  ActivateBatchDocument,
  BatchesDocument,
  type BatchesQueryVariables,
  type BatchRowFragment,
  DeactivateBatchDocument,
} from "../generated/graphql";
import { Instant, Unset } from "../kit/cells";
import { countOf, formatNumber } from "../kit/format";
import type { Noun } from "../table/declaration";

const batches = (count: number) => countOf(count, "batch", "batches");

export const batchesNoun: Noun<BatchRowFragment, BatchesQueryVariables> = {
  path: "batches",
  title: "Batches",
  one: "batch",
  many: "batches",
  about: "Access codes that were made or imported together.",
  document: BatchesDocument,
  typenames: ["AccessCodeBatch", "AccessCode"],
  keyOf: ({ id }) => id,
  nameOf: ({ name }) => name,
  href: ({ name }) => `/access-codes?batch=${encodeURIComponent(name)}`,
  columns: [
    { key: "name", label: "Name", cell: ({ name }) => name },
    { key: "description", label: "Description", cell: ({ description }) => description ?? <Unset /> },
    { key: "codes", label: "Codes", numeric: true, cell: ({ counts }) => formatNumber(counts.codes) },
    { key: "usable", label: "Usable", numeric: true, cell: ({ counts }) => formatNumber(counts.usable) },
    { key: "uses", label: "Uses", numeric: true, cell: ({ counts }) => formatNumber(counts.uses) },
    { key: "full", label: "Used up", numeric: true, cell: ({ counts }) => formatNumber(counts.full) },
    { key: "inactive", label: "Inactive", numeric: true, cell: ({ counts }) => formatNumber(counts.inactive) },
    {
      key: "expired",
      label: "Expired",
      numeric: true,
      extra: true,
      cell: ({ counts }) => formatNumber(counts.expired),
    },
    { key: "expiresAt", label: "Expires", cell: ({ expiresAt }) => <Instant at={expiresAt} /> },
    { key: "createdBy", label: "Made by", extra: true, cell: ({ createdBy }) => createdBy },
    { key: "createdAt", label: "Made", cell: ({ createdAt }) => <Instant at={createdAt} /> },
  ],
  search: "name",
  searchHint: "Search by a part of the name",
  filters: [
    { name: "name", label: "Name", kind: "text" },
    { name: "createdBy", label: "Made by", kind: "text" },
  ],
  dated: true,
  actions: [
    {
      key: "activate",
      label: "Activate",
      role: "SUPPORT",
      applies: ({ counts }) => counts.inactive > 0,
      confirmation: (count) => `Every code of ${batches(count)} can be redeemed but those that are used up or expired:`,
      done: (count) => `${batches(count)} activated.`,
      run: (client, { id }) => change(client, ActivateBatchDocument, { id }),
    },
    {
      key: "deactivate",
      label: "Deactivate",
      role: "SUPPORT",
      applies: ({ counts }) => counts.inactive < counts.codes,
      confirmation: (count) => `No code of ${batches(count)} will let anybody in until activated again:`,
      done: (count) => `${batches(count)} deactivated.`,
      run: (client, { id }) => change(client, DeactivateBatchDocument, { id }),
    },
  ],
  empty: "There are no batches yet. An admin makes one under Make.",
};
