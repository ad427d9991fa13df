// All that is known of a username, a Twitter id or a user id, of every family at once, and why they were refused.
import { Anchor, Group, Stack, Text } from "@mantine/core";
import { Link } from "wouter";
import { useOperation } from "../api/operations";
import {
  PersonDocument,
  type PersonCouponFragment,
  type PersonQuery,
  type PersonRedemptionFragment,
  PersonRedemptionsDocument,
} from "../generated/graphql";
import { Active, Instant, Mono, State, Unset } from "../kit/cells";
import { WHAT_CAME_OF_IT, WHEN } from "../kit/deeds";
import { countOf, formatMoney, formatNumber, formatStatus, humanize, whatIsFollowed } from "../kit/format";
import { Faulty, Nothing, ViewHead } from "../kit/states";
import { Section } from "../pages/kit";
import { Rows } from "../table/Rows";
import type { Column } from "../table/declaration";
import { Person } from "./Person";

type Use = PersonQuery["uses"]["nodes"][number];
type Order = PersonQuery["orders"]["nodes"][number];
type Move = PersonQuery["moves"]["nodes"][number];
type Deed = PersonQuery["activity"]["nodes"][number];

const USES: Column<Use>[] = [
  { key: "code", label: "Code", cell: ({ code }) => <Mono>{code}</Mono> },
  { key: "batch", label: "Batch", cell: ({ batch }) => batch ?? <Unset /> },
  { key: "redeemedAt", label: "Redeemed", cell: ({ redeemedAt }) => <Instant at={redeemedAt} /> },
];
const ORDERS: Column<Order>[] = [
  { key: "id", label: "Order", cell: ({ databaseId }) => <Mono>{databaseId}</Mono> },
  {
    key: "status",
    label: "Status",
    cell: formatStatus,
  },
  {
    key: "refunded",
    label: "Refunded",
    cell: ({ refunded }) => (refunded ? <State color="orange">Refunded</State> : <Unset />),
  },
  { key: "totalPrice", label: "Paid", numeric: true, cell: ({ totalPrice }) => formatMoney(totalPrice) },
  { key: "createdAt", label: "Made", cell: ({ createdAt }) => <Instant at={createdAt} /> },
];
const MOVES: Column<Move>[] = [
  {
    key: "of",
    label: "Of",
    cell: (move) => <Mono>{whatIsFollowed(move)}</Mono>,
  },
  { key: "move", label: "Move", cell: ({ move }) => humanize(move) },
  { key: "amount", label: "Amount", numeric: true, cell: ({ amount }) => formatNumber(amount) },
  { key: "by", label: "By", cell: ({ by }) => by },
  { key: "at", label: "When", cell: ({ at }) => <Instant at={at} /> },
];
const DEEDS: Column<Deed>[] = [...WHAT_CAME_OF_IT, WHEN];

interface ListedProps<Row> {
  title: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row, index: number) => string;
  href?: (row: Row) => string;
}

/** A section with what there is; no section where there is nothing. */
function Listed<Row>({ title, columns, rows, keyOf, href }: ListedProps<Row>) {
  if (rows.length === 0) return null;
  const places = new Map(rows.map((row, index) => [row, index]));
  const key = (row: Row) => keyOf(row, places.get(row) ?? 0);
  return (
    <Section title={title}>
      <Rows label={title} columns={columns} rows={rows} keyOf={key} nameOf={key} href={href} />
    </Section>
  );
}

function other(row: PersonRedemptionFragment, twitterId: string): string {
  const mine = row.creatorTwitterId === twitterId;
  const name = mine ? row.redeemerCoupon?.username : row.coupon?.username;
  return name ?? (mine ? row.redeemerTwitterId : row.creatorTwitterId) ?? "unknown";
}

function CouponOf({ coupon }: { coupon: PersonCouponFragment }) {
  const { twitterId } = coupon;
  const { data, fault, again } = useOperation(PersonRedemptionsDocument, { twitterId }, { typenames: ["Redemption"] });
  const columns: Column<PersonRedemptionFragment>[] = [
    { key: "who", label: "With", cell: (row) => <Person name={other(row, twitterId)} /> },
    {
      key: "way",
      label: "Way",
      cell: (row) => (row.creatorTwitterId === twitterId ? "was brought by this coupon" : "brought this person"),
    },
    { key: "points", label: "Points", numeric: true, cell: ({ points }) => formatNumber(points) },
    { key: "redeemedAt", label: "When", cell: ({ redeemedAt }) => <Instant at={redeemedAt} /> },
  ];
  const rows = data && [...data.made.nodes, ...data.received.nodes];
  return (
    <Section title={`Coupon of ${coupon.username}`}>
      <Group px="md" pb="sm" gap="lg">
        <Anchor component={Link} href={`/coupons/${coupon.databaseId}`} fw={600}>
          <Mono>{coupon.couponCode}</Mono>
        </Anchor>
        <Text size="sm">Twitter id {twitterId}</Text>
        <Text size="sm">{humanize(coupon.role)}</Text>
        <Active active={coupon.active} />
        <Text size="sm">{countOf(coupon.points, "point", "points")}</Text>
        <Text size="sm">redeemed {countOf(coupon.timesUsed, "time", "times")}</Text>
      </Group>
      {fault && <Faulty sentence={fault} again={again} />}
      {rows?.length !== 0 && !fault && (
        <Rows
          label={`Redemptions of ${coupon.username}`}
          columns={columns}
          rows={rows}
          keyOf={({ id }) => id}
          nameOf={({ id }) => id}
        />
      )}
    </Section>
  );
}

/** Whose name or id this is exactly come first; usernames that only hold it are other people's, and are named. */
function sorted(name: string, data: PersonQuery): { theirs: PersonCouponFragment[]; similar: PersonCouponFragment[] } {
  const named = data.byUsername.nodes;
  const exact = named.filter(({ username }) => username.toLowerCase() === name.toLowerCase());
  const theirs = [...(data.byTwitterId ? [data.byTwitterId] : []), ...exact];
  const ids = new Set(theirs.map(({ id }) => id));
  return {
    theirs: theirs.filter(({ id }, index) => theirs.findIndex((one) => one.id === id) === index),
    similar: named.filter(({ id }) => !ids.has(id)),
  };
}

function Known({ name, data }: { name: string; data: PersonQuery }) {
  const { theirs, similar } = sorted(name, data);
  const others = [data.uses, data.orders, data.moves, data.activity];
  const empty = theirs.length === 0 && others.every(({ nodes }) => nodes.length === 0);
  return (
    <>
      {empty && (
        <Nothing sentence={`Nothing is known of “${name}”: no username, Twitter id or user id is exactly this.`} />
      )}
      {theirs.map((coupon) => (
        <CouponOf key={coupon.id} coupon={coupon} />
      ))}
      <Listed title="What was done and refused" columns={DEEDS} rows={data.activity.nodes} keyOf={({ id }) => id} />
      <Listed title="Access codes" columns={USES} rows={data.uses.nodes} keyOf={({ code }) => code} />
      <Listed
        title="Orders"
        columns={ORDERS}
        rows={data.orders.nodes}
        keyOf={({ id }) => id}
        href={({ databaseId }) => `/orders/${databaseId}`}
      />
      <Listed title="Usage" columns={MOVES} rows={data.moves.nodes} keyOf={({ at }, index) => `${at} ${index}`} />
      {similar.length > 0 && (
        <Section title="Similar names">
          <Group px="md" pb="md">
            {similar.map(({ id, username }) => (
              <Person key={id} name={username} />
            ))}
          </Group>
        </Section>
      )}
    </>
  );
}

export default function PersonView({ name }: { name: string }) {
  const typenames = ["Coupon", "AccessCodeUse", "Order", "UsageMove", "Activity"];
  const { data, fault, again, asked } = useOperation(PersonDocument, { name }, { typenames });
  return (
    <Stack gap="md">
      <ViewHead title={name} about="All that is known of this username, Twitter id or user id." asked={asked} />
      {fault ? (
        <Faulty sentence={fault} again={again} />
      ) : data ? (
        <Known name={name} data={data} />
      ) : (
        <Nothing sentence="Looking …" />
      )}
    </Stack>
  );
}
