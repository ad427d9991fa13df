import { Anchor, Group, Progress, Stack, Text } from "@mantine/core";
import { Link } from "wouter";
import { useOperation } from "../api/operations";
import { FollowerPageDocument, type FollowerPageQuery } from "../generated/graphql";
import { Instant, Mono, State, Unset } from "../kit/cells";
import { formatNumber, humanize } from "../kit/format";
import { Person } from "../people/Person";
import type { Column } from "../table/declaration";
import { Rows } from "../table/Rows";
import { Facts, globalId, Section, ThingPage, Timeline } from "./kit";

type Follower = Extract<NonNullable<FollowerPageQuery["node"]>, { __typename: "UsageFollower" }>;
type Usage = Follower["usages"]["nodes"][number];
type Move = NonNullable<Follower["moves"]>["nodes"][number];

/** How much of a limit is used, and how much is set aside. */
function Bar({ name, used, held, limit }: { name: string; used: number; held: number; limit: number | null }) {
  const told = `${formatNumber(used)} used${held > 0 ? `, ${formatNumber(held)} set aside` : ""}`;
  const share = (value: number) => (limit ? Math.min(100, (100 * value) / limit) : 0);
  return (
    <div>
      <Group justify="space-between" mb={4}>
        <Text size="sm">{name}</Text>
        <Text size="sm" c="dimmed">
          {told} {limit === null ? "without a limit" : `of ${formatNumber(limit)}`}
        </Text>
      </Group>
      {limit !== null && (
        <Progress.Root size="lg" aria-label={name}>
          <Progress.Section value={share(used)} aria-label={`${name}: used`} />
          <Progress.Section value={share(held)} color="orange" striped aria-label={`${name}: set aside`} />
        </Progress.Root>
      )}
    </div>
  );
}

function usagesOf(limit: number | null): Column<Usage>[] {
  return [
    { key: "userId", label: "User", cell: ({ userId }) => <Person name={userId} /> },
    { key: "used", label: "Used", numeric: true, cell: ({ used }) => formatNumber(used) },
    { key: "held", label: "Set aside", numeric: true, cell: ({ held }) => formatNumber(held) },
    {
      key: "left",
      label: "Left",
      numeric: true,
      cell: ({ used, held }) => (limit === null ? <Unset /> : formatNumber(Math.max(0, limit - used - held))),
    },
    { key: "holdExpiresAt", label: "Until", cell: ({ holdExpiresAt }) => <Instant at={holdExpiresAt} /> },
  ];
}

const MOVES: Column<Move>[] = [
  { key: "at", label: "When", cell: ({ at }) => <Instant at={at} /> },
  { key: "userId", label: "User", cell: ({ userId }) => (userId ? <Person name={userId} /> : <Unset />) },
  { key: "move", label: "Move", cell: ({ move }) => humanize(move) },
  { key: "amount", label: "Amount", numeric: true, cell: ({ amount }) => formatNumber(amount) },
  { key: "by", label: "By", cell: ({ by }) => by },
];

function Limits({ follower }: { follower: Follower }) {
  const held = follower.usages.nodes.reduce((sum, usage) => sum + usage.held, 0);
  const most = Math.max(0, ...follower.usages.nodes.map(({ used }) => used));
  return (
    <Section title="Limits">
      <Stack p="md" pt={0}>
        <Bar name="All together" used={follower.totalUsageCount} held={held} limit={follower.maxTotalLimit} />
        <Bar name="The customer who used most" used={most} held={0} limit={follower.maxLimitPerCustomer} />
        <Text size="sm">
          One basket: {follower.maxLimitInBasket === null ? "no limit" : formatNumber(follower.maxLimitInBasket)}
        </Text>
      </Stack>
    </Section>
  );
}

export default function FollowerPage({ id }: { id: string }) {
  const typenames = ["UsageFollower", "UserUsage", "UsageMove"];
  const answer = useOperation(FollowerPageDocument, { id: globalId("UsageFollower", id) }, { typenames });
  const node = answer.data?.node;
  return (
    <ThingPage
      answer={answer}
      thing={node?.__typename === "UsageFollower" ? node : null}
      title={({ couponId }) => (couponId ? "Follower of a coupon" : "Follower of a campaign")}
      about="How often it is used, by whom, and within which limits."
      none="There is no follower of this id; it may have been deleted."
    >
      {(follower) => (
        <>
          <Facts
            facts={[
              [
                follower.couponId ? "Coupon" : "Campaign",
                follower.couponId ? (
                  <Anchor key="of" component={Link} href={`/coupons/${follower.couponId}`}>
                    <Mono>{follower.couponId}</Mono>
                  </Anchor>
                ) : (
                  <Mono key="of">{follower.campaignId ?? ""}</Mono>
                ),
              ],
              [
                "State",
                <State key="state" color={follower.exhausted ? "orange" : "teal"}>
                  {follower.exhausted ? "Used up" : "Open"}
                </State>,
              ],
              ["Public", follower.isPublic ? "Yes" : "No"],
              ["Made", <Instant key="made" at={follower.createdAt} />],
            ]}
          />
          <Limits follower={follower} />
          <Section title="Users">
            <Rows
              label="Users"
              columns={usagesOf(follower.maxLimitPerCustomer)}
              rows={follower.usages.nodes}
              keyOf={({ userId }) => userId}
              nameOf={({ userId }) => userId}
            />
          </Section>
          <Section title="Moves">
            <Rows
              label="Moves"
              columns={MOVES}
              rows={follower.moves?.nodes ?? []}
              keyOf={({ at, userId, amount, move }) => `${at} ${userId} ${move} ${amount}`}
              nameOf={({ at }) => at}
            />
          </Section>
          <Timeline objectId={follower.databaseId} />
        </>
      )}
    </ThingPage>
  );
}
