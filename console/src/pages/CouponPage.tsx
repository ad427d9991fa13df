import { Button } from "@mantine/core";
import { useLocation } from "wouter";
import { useOperation } from "../api/operations";
import { useSession } from "../api/session";
import { BroughtByDocument, CouponPageDocument, type CouponPageQuery } from "../generated/graphql";
import { Active, Instant, Mono } from "../kit/cells";
import { formatNumber, humanize } from "../kit/format";
import { couponActions, couponsNoun } from "../nouns/coupons";
import { Person } from "../people/Person";
import { useAct } from "../table/act";
import { Facts, globalId, Section, ThingPage, Timeline } from "./kit";
import { type Branch, Tree } from "./Tree";

type Coupon = Extract<NonNullable<CouponPageQuery["node"]>, { __typename: "Coupon" }>;

/** The coupon with those who came by it, and those who came by theirs. */
function branchOf(coupon: Coupon): Branch {
  return {
    key: coupon.databaseId,
    name: coupon.username,
    coupon,
    children: (coupon.redemptions?.nodes ?? []).map(({ id, redeemerTwitterId, redeemerCoupon }) => ({
      key: id,
      name: redeemerCoupon?.username ?? redeemerTwitterId ?? "unknown",
      coupon: redeemerCoupon,
      children: (redeemerCoupon?.redemptions?.nodes ?? []).map((next) => ({
        key: next.id,
        name: next.redeemerCoupon?.username ?? next.redeemerTwitterId ?? "unknown",
        coupon: next.redeemerCoupon,
        children: [],
      })),
    })),
  };
}

function Referrals({ coupon }: { coupon: Coupon }) {
  const { data } = useOperation(BroughtByDocument, { twitterId: coupon.twitterId }, { typenames: ["Redemption"] });
  const by = data?.redemptions.nodes[0];
  const own = branchOf(coupon);
  const root = by
    ? { key: by.id, name: by.coupon?.username ?? by.creatorTwitterId ?? "unknown", coupon: by.coupon, children: [own] }
    : own;
  return (
    <Section title="Who brought whom">
      <Tree root={root} marked={coupon.databaseId} />
    </Section>
  );
}

function Tools({ coupon }: { coupon: Coupon }) {
  const session = useSession();
  const [, go] = useLocation();
  const act = useAct(couponsNoun.nameOf);
  return couponActions
    .filter((action) => session.may(action.role) && action.applies(coupon))
    .map((action) => (
      <Button
        key={action.key}
        variant="default"
        {...(action.destructive && { color: "red", variant: "light" })}
        onClick={() => act(action, [coupon], () => action.destructive && go("/coupons"))}
      >
        {action.label}
      </Button>
    ));
}

export default function CouponPage({ id }: { id: string }) {
  const answer = useOperation(
    CouponPageDocument,
    { id: globalId("Coupon", id) },
    { typenames: ["Coupon", "Redemption"] },
  );
  const node = answer.data?.node;
  return (
    <ThingPage
      answer={answer}
      thing={node?.__typename === "Coupon" ? node : null}
      title={({ couponCode }) => couponCode}
      about="A coupon, whom it brought, and what was done to it."
      none="There is no coupon of this id; it may have been deleted."
      tools={(coupon) => <Tools coupon={coupon} />}
    >
      {(coupon) => (
        <>
          <Facts
            facts={[
              ["Owner", <Person key="owner" name={coupon.username} />],
              ["Twitter id", <Mono key="id">{coupon.twitterId}</Mono>],
              ["Role", humanize(coupon.role)],
              ["State", <Active key="state" active={coupon.active} />],
              ["Points", formatNumber(coupon.points)],
              ["Redeemed", formatNumber(coupon.timesUsed)],
              ["Made", <Instant key="made" at={coupon.createdAt} />],
              ["Last redeemed", <Instant key="last" at={coupon.lastUsedAt} />],
            ]}
          />
          <Referrals coupon={coupon} />
          <Timeline objectId={coupon.databaseId} />
        </>
      )}
    </ThingPage>
  );
}
