import { change } from "../api/changes";
import {
  type AccessCodeRowFragment,
  AccessCodesDocument,
  type AccessCodesQueryVariables,
  ActivateAccessCodeDocument,
  DeactivateAccessCodeDocument,
  DeleteAccessCodeDocument,
} from "../generated/graphql";
import { Active, Instant, Mono, State, Unset } from "../kit/cells";
import { countOf, formatNumber } from "../kit/format";
import type { Action, Noun } from "../table/declaration";

const codes = (count: number) => countOf(count, "code", "codes");
const activate: Action<AccessCodeRowFragment>["run"] = (client, { code }) =>
  change(client, ActivateAccessCodeDocument, { code });
const deactivate: Action<AccessCodeRowFragment>["run"] = (client, { code }) =>
  change(client, DeactivateAccessCodeDocument, { code });

function StateOf({ active, expiresAt, usedCount, maxUses }: AccessCodeRowFragment) {
  if (new Date(expiresAt) <= new Date()) return <State color="gray">Expired</State>;
  if (usedCount >= maxUses) return <State color="orange">Used up</State>;
  return <Active active={active} />;
}

export const accessCodesNoun: Noun<AccessCodeRowFragment, AccessCodesQueryVariables> = {
  path: "access-codes",
  title: "Access codes",
  one: "access code",
  many: "access codes",
  about: "Codes that let users into a beta, each a number of times.",
  document: AccessCodesDocument,
  typenames: ["AccessCode"],
  keyOf: ({ id }) => id,
  nameOf: ({ code }) => code,
  columns: [
    { key: "code", label: "Code", cell: ({ code }) => <Mono>{code}</Mono> },
    { key: "description", label: "Description", cell: ({ description }) => description },
    { key: "state", label: "State", cell: (code) => <StateOf {...code} /> },
    { key: "usedCount", label: "Used", numeric: true, cell: ({ usedCount }) => formatNumber(usedCount) },
    { key: "maxUses", label: "Of", numeric: true, cell: ({ maxUses }) => formatNumber(maxUses) },
    { key: "batch", label: "Batch", cell: ({ batch }) => batch?.name ?? <Unset /> },
    { key: "expiresAt", label: "Expires", cell: ({ expiresAt }) => <Instant at={expiresAt} /> },
    { key: "isPublic", label: "Public", extra: true, cell: ({ isPublic }) => (isPublic ? "Yes" : "No") },
    { key: "createdBy", label: "Made by", extra: true, cell: ({ createdBy }) => createdBy },
    { key: "createdAt", label: "Made", extra: true, cell: ({ createdAt }) => <Instant at={createdAt} /> },
  ],
  search: "code",
  searchHint: "Search by a part of the code",
  filters: [
    { name: "code", label: "Code", kind: "text" },
    { name: "batch", label: "Batch", kind: "text", hint: "Its whole name" },
    { name: "description", label: "Description", kind: "text" },
    { name: "createdBy", label: "Made by", kind: "text" },
    { name: "active", label: "Switch", kind: "flag", yes: "Active", no: "Inactive" },
    { name: "expired", label: "Time", kind: "flag", yes: "Expired", no: "Not expired" },
  ],
  dated: true,
  actions: [
    {
      key: "activate",
      label: "Activate",
      role: "SUPPORT",
      applies: ({ active }) => !active,
      confirmation: (count) => `${codes(count)} can be redeemed again:`,
      done: (count) => `${codes(count)} activated.`,
      run: activate,
      undo: deactivate,
    },
    {
      key: "deactivate",
      label: "Deactivate",
      role: "SUPPORT",
      applies: ({ active }) => active,
      confirmation: (count) => `${codes(count)} will let nobody in until activated again:`,
      done: (count) => `${codes(count)} deactivated.`,
      run: deactivate,
      undo: activate,
    },
    {
      key: "delete",
      label: "Delete",
      role: "ADMIN",
      destructive: true,
      applies: () => true,
      confirmation: (count) =>
        `${codes(count)} will be gone for good; who used them stays on record. There is no undo:`,
      done: (count) => `${codes(count)} deleted.`,
      run: (client, { code }) => change(client, DeleteAccessCodeDocument, { code }),
    },
  ],
  exported: "access-codes",
  empty: "There are no access codes yet. An admin makes them under Make.",
};
