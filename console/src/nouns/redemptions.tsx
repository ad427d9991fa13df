import { type RedemptionRowFragment, RedemptionsDocument, type RedemptionsQueryVariables } from "../generated/graphql";
import { Instant, Mono, Unset } from "../kit/cells";
import { formatNumber } from "../kit/format";
import { Person } from "../people/Person";
import type { Noun } from "../table/declaration";

/** The username while the coupon is there; the Twitter id outlives it. */
function Who({ username, twitterId }: { username: string | undefined; twitterId: string | null }) {
  const name = username ?? twitterId;
  return name ? <Person name={name} /> : <Unset />;
}

export const redemptionsNoun: Noun<RedemptionRowFragment, RedemptionsQueryVariables> = {
  path: "redemptions",
  title: "Redemptions",
  one: "redemption",
  many: "redemptions",
  about: "Who brought whom, for ever: a redemption outlives both coupons.",
  document: RedemptionsDocument,
  typenames: ["Redemption"],
  keyOf: ({ id }) => id,
  nameOf: ({ couponCode, id }) => couponCode ?? id,
  columns: [
    {
      key: "couponCode",
      label: "Code",
      cell: ({ couponCode }) => (couponCode ? <Mono>{couponCode}</Mono> : <Unset />),
    },
    {
      key: "creator",
      label: "Brought by",
      cell: ({ coupon, creatorTwitterId }) => <Who username={coupon?.username} twitterId={creatorTwitterId} />,
    },
    {
      key: "redeemer",
      label: "Redeemed by",
      cell: ({ redeemerCoupon, redeemerTwitterId }) => (
        <Who username={redeemerCoupon?.username} twitterId={redeemerTwitterId} />
      ),
    },
    { key: "newUser", label: "New", cell: ({ newUser }) => (newUser === null ? <Unset /> : newUser ? "Yes" : "No") },
    { key: "points", label: "Points", numeric: true, cell: ({ points }) => formatNumber(points) },
    { key: "redeemedAt", label: "When", cell: ({ redeemedAt }) => <Instant at={redeemedAt} /> },
  ],
  search: "couponCode",
  searchHint: "Find by a whole code",
  filters: [
    { name: "couponCode", label: "Code", kind: "text" },
    { name: "creatorTwitterId", label: "Brought by, Twitter id", kind: "text" },
    { name: "redeemerTwitterId", label: "Redeemed by, Twitter id", kind: "text" },
  ],
  dated: true,
  exported: "redemptions",
  empty: "Nobody has redeemed a coupon yet.",
};
