// What stands around the rows: columns, export, pages, and what is done to those that were selected.
import { ActionIcon, Button, Checkbox, Group, Paper, Popover, Select, Stack, Text, Tooltip } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { ChevronLeftIcon, ChevronRightIcon, Cross2Icon, DownloadIcon, ViewVerticalIcon } from "@radix-ui/react-icons";
import { useState } from "react";
import { saveExport, type Wanted } from "../api/exports";
import { countOf } from "../kit/format";
import type { Action, Column, Page } from "./declaration";
import classes from "./table.module.css";
import { SIZES, type View } from "./view";

type Change = (changes: Record<string, string | null>) => void;

interface ColumnsProps<Row> {
  columns: Column<Row>[];
  shown: Column<Row>[];
  change: Change;
}

export function ColumnMenu<Row>({ columns, shown, change }: ColumnsProps<Row>) {
  const toggle = (key: string) => {
    const next = columns.filter((column) => shown.includes(column) !== (column.key === key));
    change({ columns: next.map((column) => column.key).join(",") });
  };
  return (
    <Popover position="bottom-end" shadow="md" trapFocus withinPortal={false}>
      <Popover.Target>
        <Button variant="default" leftSection={<ViewVerticalIcon aria-hidden />}>
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Columns">
        <Stack gap="xs">
          {columns.map((column, index) => (
            <Checkbox
              key={column.key}
              label={column.label}
              checked={shown.includes(column)}
              disabled={index === 0}
              onChange={() => toggle(column.key)}
            />
          ))}
          <Button size="compact-sm" variant="subtle" onClick={() => change({ columns: null })}>
            As they were
          </Button>
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Saves exactly what is filtered, all pages of it. */
export function ExportButton({ wanted }: { wanted: Wanted }) {
  const [busy, setBusy] = useState(false);
  const run = async () => {
    setBusy(true);
    try {
      await saveExport(wanted);
    } catch (fault) {
      const reason = fault instanceof Error ? fault.message : "it broke off";
      notifications.show({ color: "red", title: "Not exported", message: reason, autoClose: false });
    }
    setBusy(false);
  };
  return (
    <Button variant="default" loading={busy} leftSection={<DownloadIcon aria-hidden />} onClick={() => void run()}>
      Export
    </Button>
  );
}

interface PagerProps {
  page: Page<unknown> | undefined;
  view: View;
  total: string;
  change: Change;
}

export function Pager({ page, view, total, change }: PagerProps) {
  const info = page?.pageInfo;
  const older = () => change({ after: info?.endCursor ?? null, before: null });
  const newer = () => change({ before: info?.startCursor ?? null, after: null });
  return (
    <Group justify="space-between" component="nav" aria-label="Pages">
      <Text size="sm" c="dimmed" role="status">
        {total}
      </Text>
      <Group gap="xs">
        <Select
          aria-label="Rows on a page"
          w={84}
          size="xs"
          data={SIZES.map(String)}
          value={String(view.size)}
          allowDeselect={false}
          onChange={(size) => change({ size })}
        />
        <Button
          variant="default"
          size="xs"
          disabled={!info?.hasPreviousPage}
          leftSection={<ChevronLeftIcon aria-hidden />}
          onClick={newer}
        >
          Previous
        </Button>
        <Button
          variant="default"
          size="xs"
          disabled={!info?.hasNextPage}
          rightSection={<ChevronRightIcon aria-hidden />}
          onClick={older}
        >
          Next
        </Button>
      </Group>
    </Group>
  );
}

interface SelectionProps<Row> {
  rows: Row[];
  one: string;
  many: string;
  actions: Action<Row>[];
  onAct: (action: Action<Row>) => void;
  onClear: () => void;
}

/** What can be done to those that were selected; it stays in sight while the page scrolls. */
export function SelectionBar<Row>({ rows, one, many, actions, onAct, onClear }: SelectionProps<Row>) {
  if (rows.length === 0) return null;
  return (
    <Paper
      className={classes.selection ?? ""}
      withBorder
      shadow="md"
      p="xs"
      role="region"
      aria-label={`What to do with the ${many} that are selected`}
    >
      <Group gap="xs">
        <Tooltip label="Select none">
          <ActionIcon variant="subtle" color="gray" aria-label="Select none" onClick={onClear}>
            <Cross2Icon aria-hidden />
          </ActionIcon>
        </Tooltip>
        <Text size="sm" fw={600} mr="auto">
          {countOf(rows.length, one, many)} selected
        </Text>
        {actions.map((action) => {
          const some = rows.some(action.applies);
          return (
            <Button
              key={action.key}
              size="xs"
              variant={action.destructive ? "filled" : "default"}
              color={action.destructive ? "red.9" : undefined}
              disabled={!some}
              onClick={() => onAct(action)}
            >
              {action.label}
            </Button>
          );
        })}
      </Group>
    </Paper>
  );
}
