import { change } from "../api/changes";
import {
  type CouponRowFragment,
  CouponsDocument,
  type CouponsQueryVariables,
  DeleteCouponDocument,
  SetCouponActiveDocument,
} from "../generated/graphql";
import { Active, Instant, Mono } from "../kit/cells";
import { countOf, formatNumber, humanize } from "../kit/format";
import type { Action, Noun } from "../table/declaration";

const coupons = (count: number) => countOf(count, "coupon", "coupons");

const switchTo = (active: boolean): Action<CouponRowFragment>["run"] => {
  return (client, { id }) => change(client, SetCouponActiveDocument, { id, active });
};

export const couponActions: Action<CouponRowFragment>[] = [
  {
    key: "activate",
    label: "Activate",
    role: "SUPPORT",
    applies: ({ active }) => !active,
    confirmation: (count) => `${coupons(count)} can be redeemed again:`,
    done: (count) => `${coupons(count)} activated.`,
    run: switchTo(true),
    undo: switchTo(false),
  },
  {
    key: "deactivate",
    label: "Deactivate",
    role: "SUPPORT",
    applies: ({ active }) => active,
    confirmation: (count) => `${coupons(count)} will be refused as unknown codes are, until activated again:`,
    done: (count) => `${coupons(count)} deactivated.`,
    run: switchTo(false),
    undo: switchTo(true),
  },
  {
    key: "delete",
    label: "Delete",
    role: "ADMIN",
    destructive: true,
    applies: () => true,
    confirmation: (count) =>
      `${coupons(count)} will be gone for good, with the points; the redemptions stay on record. There is no undo:`,
    done: (count) => `${coupons(count)} deleted.`,
    run: (client, { id }) => change(client, DeleteCouponDocument, { id }),
  },
];

export const couponsNoun: Noun<CouponRowFragment, CouponsQueryVariables> = {
  path: "coupons",
  title: "Coupons",
  one: "coupon",
  many: "coupons",
  about: "Referral codes: who has one, and how often it brought somebody.",
  document: CouponsDocument,
  typenames: ["Coupon"],
  keyOf: ({ id }) => id,
  nameOf: ({ couponCode, username }) => `${couponCode} of ${username}`,
  columns: [
    { key: "couponCode", label: "Code", cell: ({ couponCode }) => <Mono>{couponCode}</Mono> },
    { key: "username", label: "Username", cell: ({ username }) => username },
    { key: "twitterId", label: "Twitter id", extra: true, cell: ({ twitterId }) => <Mono>{twitterId}</Mono> },
    { key: "role", label: "Role", cell: ({ role }) => humanize(role) },
    { key: "active", label: "State", cell: ({ active }) => <Active active={active} /> },
    {
      key: "followers",
      label: "Followers",
      numeric: true,
      sort: "FOLLOWERS",
      cell: ({ followers }) => formatNumber(followers),
    },
    { key: "points", label: "Points", numeric: true, cell: ({ points }) => formatNumber(points) },
    {
      key: "timesUsed",
      label: "Redeemed",
      numeric: true,
      sort: "TIMES_USED",
      cell: ({ timesUsed }) => formatNumber(timesUsed),
    },
    { key: "createdAt", label: "Made", sort: "CREATED_AT", cell: ({ createdAt }) => <Instant at={createdAt} /> },
    { key: "lastUsedAt", label: "Last redeemed", extra: true, cell: ({ lastUsedAt }) => <Instant at={lastUsedAt} /> },
  ],
  search: "username",
  searchHint: "Search by username",
  filters: [
    { name: "username", label: "Username", kind: "text" },
    { name: "couponCode", label: "Code", kind: "text" },
    {
      name: "role",
      label: "Role",
      kind: "choice",
      options: [
        { value: "CREATOR", label: "Creator", exported: "creator" },
        { value: "USER", label: "User", exported: "user" },
      ],
    },
    { name: "active", label: "State", kind: "flag", yes: "Active", no: "Inactive" },
    { name: "minFollowers", label: "Followers, at least", kind: "number" },
  ],
  dated: true,
  sorts: [
    { value: "CREATED_AT", label: "Newest" },
    { value: "TIMES_USED", label: "Most redeemed" },
    { value: "FOLLOWERS", label: "Most followers" },
  ],
  actions: couponActions,
  exported: "coupons",
  empty: "There are no coupons yet. The first appears here once somebody signs up for one.",
};
