// What the pages of single things have in common.
import { Group, Paper, SimpleGrid, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { type Answer, useOperation } from "../api/operations";
import { TimelineDocument, type TimelineEntryFragment } from "../generated/graphql";
import { WHAT_CAME_OF_IT, WHEN } from "../kit/deeds";
import { Faulty, Nothing, ViewHead } from "../kit/states";
import type { Column } from "../table/declaration";
import { Rows } from "../table/Rows";

/** The Relay id of a raw one. */
export const globalId = (type: string, raw: string): string => btoa(`${type}:${raw}`);

export function Section({ title, children }: { title: string; children: ReactNode }) {
  return (
    <Paper withBorder component="section" aria-label={title}>
      <Title order={2} size="h4" p="md" pb="xs">
        {title}
      </Title>
      {children}
    </Paper>
  );
}

/** Facts by name, in as many columns as there is width for. */
export function Facts({ facts }: { facts: [string, ReactNode][] }) {
  return (
    <Paper withBorder p="md">
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
        {facts.map(([name, value]) => (
          <div key={name}>
            <Text size="sm" c="dimmed">
              {name}
            </Text>
            <Text component="div">{value}</Text>
          </div>
        ))}
      </SimpleGrid>
    </Paper>
  );
}

const ENTRIES: Column<TimelineEntryFragment>[] = [WHEN, ...WHAT_CAME_OF_IT];

/** What was done to a thing, by whom, and what was refused and why. */
export function Timeline({ objectId }: { objectId: string }) {
  const { data, fault, again } = useOperation(
    TimelineDocument,
    { objectId },
    { typenames: ["Activity", "Coupon", "Order", "UsageFollower"] },
  );
  const rows = data?.activity.nodes;
  return (
    <Section title="Timeline">
      {fault ? (
        <Faulty sentence={fault} again={again} />
      ) : rows?.length === 0 ? (
        <Nothing sentence="No admin and no event has touched it." />
      ) : (
        <Rows label="Timeline" columns={ENTRIES} rows={rows} keyOf={({ id }) => id} nameOf={({ verb }) => verb} />
      )}
    </Section>
  );
}

interface PageProps<Result, Thing> {
  answer: Answer<Result>;
  thing: Thing | null | undefined;
  title: (thing: Thing) => string;
  about: string;
  /** What to say where there is none. */
  none: string;
  tools?: (thing: Thing) => ReactNode;
  children: (thing: Thing) => ReactNode;
}

/** A page of one thing: asked for, not there, or shown. */
export function ThingPage<Result, Thing>({ answer, thing, ...page }: PageProps<Result, Thing>) {
  if (answer.fault) return <Faulty sentence={answer.fault} again={answer.again} />;
  if (answer.data === undefined) return <Nothing sentence="Loading …" />;
  if (!thing) return <Nothing sentence={page.none} />;
  return (
    <Stack gap="md">
      <ViewHead title={page.title(thing)} about={page.about} asked={answer.asked}>
        <Group gap="xs">{page.tools?.(thing)}</Group>
      </ViewHead>
      {page.children(thing)}
    </Stack>
  );
}
