import { change } from "../api/changes";
import {
  DeleteFollowerDocument,
  type FollowerRowFragment,
  FollowersDocument,
  type FollowersQueryVariables,
} from "../generated/graphql";
import { Instant, Mono, State, Unset } from "../kit/cells";
import { countOf, formatNumber, whatIsFollowed } from "../kit/format";
import type { Noun } from "../table/declaration";

const followers = (count: number) => countOf(count, "follower", "followers");
const limit = (value: number | null) => (value === null ? <Unset /> : formatNumber(value));

export const followersNoun: Noun<FollowerRowFragment, FollowersQueryVariables> = {
  path: "followers",
  title: "Usage followers",
  one: "follower",
  many: "followers",
  about: "How often coupons and campaigns are used, within which limits.",
  document: FollowersDocument,
  typenames: ["UsageFollower"],
  keyOf: ({ id }) => id,
  nameOf: whatIsFollowed,
  href: ({ databaseId }) => `/followers/${databaseId}`,
  columns: [
    { key: "of", label: "Of", cell: (row) => <Mono>{whatIsFollowed(row)}</Mono> },
    {
      key: "totalUsageCount",
      label: "Used",
      numeric: true,
      cell: ({ totalUsageCount }) => formatNumber(totalUsageCount),
    },
    {
      key: "maxTotalLimit",
      label: "Of all together",
      numeric: true,
      cell: ({ maxTotalLimit }) => limit(maxTotalLimit),
    },
    {
      key: "each",
      label: "Each customer",
      numeric: true,
      cell: ({ maxLimitPerCustomer }) => limit(maxLimitPerCustomer),
    },
    { key: "basket", label: "One basket", numeric: true, cell: ({ maxLimitInBasket }) => limit(maxLimitInBasket) },
    {
      key: "exhausted",
      label: "State",
      cell: ({ exhausted }) => (exhausted ? <State color="orange">Used up</State> : <State color="teal">Open</State>),
    },
    { key: "isPublic", label: "Public", extra: true, cell: ({ isPublic }) => (isPublic ? "Yes" : "No") },
    { key: "createdAt", label: "Made", cell: ({ createdAt }) => <Instant at={createdAt} /> },
  ],
  filters: [
    { name: "couponId", label: "Coupon", kind: "text", hint: "Its id" },
    { name: "campaignId", label: "Campaign", kind: "text", hint: "Its id" },
    { name: "exhausted", label: "State", kind: "flag", yes: "Used up", no: "Open" },
  ],
  dated: false,
  actions: [
    {
      key: "delete",
      label: "Delete",
      role: "ADMIN",
      destructive: true,
      applies: () => true,
      confirmation: (count) => `${followers(count)} will be gone with all counts; the ledger stays. There is no undo:`,
      done: (count) => `${followers(count)} deleted.`,
      run: (client, { id }) => change(client, DeleteFollowerDocument, { id }),
    },
  ],
  empty: "Nothing is followed yet. An admin follows a campaign or a coupon under Make.",
};
