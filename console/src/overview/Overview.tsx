import {
  Anchor,
  Group,
  Paper,
  SegmentedControl,
  Select,
  SimpleGrid,
  Skeleton,
  Stack,
  Text,
  Title,
  VisuallyHidden,
} from "@mantine/core";
import { lazy, type ReactNode, Suspense, useMemo } from "react";
import { Link, useSearchParams } from "wouter";
import { useOperation } from "../api/operations";
import { type CouponRole, NeedsALookDocument, OverviewDocument, type OverviewQuery } from "../generated/graphql";
import { Instant } from "../kit/cells";
import { countOf, formatMoney, formatNumber, formatPercent, timeZone } from "../kit/format";
import { Faulty, ViewHead } from "../kit/states";
import { boundsOf, changeOf, halves, SPANS, type Span, sumOf } from "./period";

const Chart = lazy(() => import("./Chart"));
const MINUTE = 60_000;
const ROLES = [
  { value: "CREATOR", label: "Creators" },
  { value: "USER", label: "Users" },
];

interface Figure {
  label: string;
  now: number;
  before: number;
  href: string;
  shown?: string;
}

function Card({ label, now, before, href, shown }: Figure) {
  const moved = changeOf(now, before);
  return (
    <Paper withBorder p="md">
      <Anchor component={Link} href={href} size="sm">
        {label}
      </Anchor>
      <Text fz={28} fw={650} lh={1.3}>
        {shown ?? formatNumber(now)}
      </Text>
      <Text size="sm" c="dimmed">
        {moved === null ? "nothing before" : `${moved >= 0 ? "+" : "−"}${formatPercent(Math.abs(moved))} to before`}
      </Text>
    </Paper>
  );
}

function figuresOf(data: OverviewQuery, { buckets }: Span): Figure[] {
  const redemptions = halves(data.redemptions, buckets);
  const uses = halves(data.uses, buckets);
  const usage = halves(data.usage, buckets);
  const orders = halves(data.orders, buckets);
  const paid = sumOf(orders.now, ({ amount }) => Number(amount));
  const both = <Bucket,>(parts: { now: Bucket[]; before: Bucket[] }, value: (bucket: Bucket) => number) => ({
    now: sumOf(parts.now, value),
    before: sumOf(parts.before, value),
  });
  return [
    { label: "Redemptions", href: "/redemptions", ...both(redemptions, ({ count }) => count) },
    { label: "New users", href: "/redemptions", ...both(redemptions, ({ newUsers }) => newUsers) },
    { label: "Access codes used", href: "/access-codes", ...both(uses, ({ count }) => count) },
    { label: "Units used", href: "/followers", ...both(usage, ({ net }) => net) },
    { label: "Orders", href: "/orders", ...both(orders, ({ count }) => count) },
    {
      label: "Paid",
      href: "/orders",
      ...both(orders, ({ amount }) => Number(amount)),
      shown: formatMoney(paid.toFixed(2)),
    },
    { label: "Refunds", href: "/orders?refunded=true", ...both(orders, ({ refundCount }) => refundCount) },
  ];
}

function pointsOf(data: OverviewQuery, { buckets }: Span) {
  const [redemptions, uses, orders] = [data.redemptions, data.uses, data.orders].map(
    (series) => halves<{ from: string; count: number }>(series, buckets).now,
  );
  return (redemptions ?? []).map(({ from, count }, index) => ({
    at: from,
    Redemptions: count,
    "Access codes": uses?.[index]?.count ?? 0,
    Orders: orders?.[index]?.count ?? 0,
  }));
}

const SERIES = [
  { name: "Redemptions", color: "tessera.7" },
  { name: "Access codes", color: "orange.6" },
  { name: "Orders", color: "indigo.6" },
];

function Look({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder p="md" component="section" aria-label={title}>
      <Title order={2} size="h5" mb="xs">
        {title}
      </Title>
      <Stack gap={6}>{children}</Stack>
    </Paper>
  );
}

/** What an admin should look at, and what there is in all. */
function NeedsALook() {
  const since = useMemo(() => new Date(Date.now() - 24 * 60 * MINUTE).toISOString(), []);
  const { data, fault, again } = useOperation(
    NeedsALookDocument,
    { since },
    { typenames: ["UsageFollower", "Activity"] },
  );
  if (fault) return <Faulty sentence={fault} again={again} />;
  if (!data) return <Skeleton height={140} />;
  const { exhausted, refused, couponStats, accessCodeStats } = data;
  return (
    <SimpleGrid cols={{ base: 1, md: 3 }}>
      <Look title="Used up">
        {exhausted.totalCount === 0 && <Text size="sm">No follower has reached its limit.</Text>}
        {exhausted.nodes.map(({ databaseId, couponId, campaignId }) => (
          <Anchor key={databaseId} component={Link} href={`/followers/${databaseId}`} size="sm">
            {couponId ? `Coupon ${couponId}` : `Campaign ${campaignId}`}
          </Anchor>
        ))}
        {exhausted.totalCount > exhausted.nodes.length && (
          <Anchor component={Link} href="/followers?exhausted=true" size="sm">
            All {formatNumber(exhausted.totalCount)}
          </Anchor>
        )}
      </Look>
      <Look title="Refused since yesterday">
        {refused.totalCount === 0 && <Text size="sm">Nobody was refused anything.</Text>}
        {refused.nodes.map(({ id, message, at }) => (
          <Text key={id} size="sm">
            {message} · <Instant at={at} />
          </Text>
        ))}
        {refused.totalCount > 0 && (
          <Anchor component={Link} href="/activity?outcome=REFUSED" size="sm">
            All {formatNumber(refused.totalCount)}
          </Anchor>
        )}
      </Look>
      <Look title="In all">
        <Text size="sm">{countOf(couponStats.totalCoupons, "coupon", "coupons")}</Text>
        <Text size="sm">{countOf(couponStats.totalRedeemed, "redemption", "redemptions")} of coupons that exist</Text>
        <Text size="sm">
          {countOf(accessCodeStats.totalAccessCodes, "access code", "access codes")},{" "}
          {formatNumber(accessCodeStats.activeAccessCodes)} active, {formatNumber(accessCodeStats.expiredAccessCodes)}{" "}
          expired, {formatNumber(accessCodeStats.fullyUsedAccessCodes)} used up
        </Text>
      </Look>
    </SimpleGrid>
  );
}

/** The numbers of the picture, for who hears the page. */
function Spoken({ points }: { points: ReturnType<typeof pointsOf> }) {
  return (
    <VisuallyHidden>
      <table>
        <caption>The numbers of the chart</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            {SERIES.map(({ name }) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {points.map((point) => (
            <tr key={point.at}>
              <th scope="row">{point.at}</th>
              <td>{point.Redemptions}</td>
              <td>{point["Access codes"]}</td>
              <td>{point.Orders}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </VisuallyHidden>
  );
}

export default function Overview() {
  const [parameters, setParameters] = useSearchParams();
  const span = SPANS.find(({ key }) => key === parameters.get("span")) ?? (SPANS[1] as Span);
  const role = ROLES.find(({ value }) => value === parameters.get("role"))?.value as CouponRole | undefined;
  const choose = (name: string, value: string | null) =>
    setParameters((now) => {
      const next = new URLSearchParams(now);
      value ? next.set(name, value) : next.delete(name);
      return next;
    });
  // To the minute, so that the same question is asked again and not a new one each time the view is drawn.
  const minute = Math.floor(Date.now() / MINUTE) * MINUTE;
  const variables = useMemo(
    () => ({ interval: span.interval, ...boundsOf(span, minute), timeZone: timeZone(), role: role ?? null }),
    [span, minute, role],
  );
  const { data, fault, again, asked } = useOperation(OverviewDocument, variables, {
    typenames: ["Redemption", "Order", "AccessCodeUse", "UsageMove"],
  });
  const points = data ? pointsOf(data, span) : [];
  return (
    <Stack gap="md">
      <ViewHead title="Overview" about="What the programme did lately, against the time before." asked={asked} />
      <Group>
        <SegmentedControl
          aria-label="Time"
          value={span.key}
          data={SPANS.map(({ key, label }) => ({ value: key, label }))}
          onChange={(key) => choose("span", key)}
        />
        <Select
          aria-label="Redemptions of"
          placeholder="All redemptions"
          data={ROLES}
          value={role ?? null}
          clearable
          clearButtonProps={{ "aria-label": "All redemptions" }}
          w={180}
          onChange={(value) => choose("role", value)}
        />
      </Group>
      {fault && <Faulty sentence={fault} again={again} />}
      <SimpleGrid cols={{ base: 2, sm: 3, lg: 4 }} aria-busy={!data}>
        {data
          ? figuresOf(data, span).map((figure) => <Card key={figure.label} {...figure} />)
          : SPANS.map(({ key }) => <Skeleton key={key} height={104} />)}
      </SimpleGrid>
      <Paper withBorder p="md">
        <Suspense fallback={<Skeleton height={260} />}>
          <div aria-hidden>
            <Chart points={points} series={SERIES} interval={span.interval} />
          </div>
        </Suspense>
        <Spoken points={points} />
      </Paper>
      <NeedsALook />
    </Stack>
  );
}
