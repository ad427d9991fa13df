// Doing something to one or many: asked first, told after, and taken back where that can be done.
import { Button, Group, List, ScrollArea, Stack, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import type { Client } from "@urql/core";
import { useCallback } from "react";
import { useClient } from "urql";
import type { Action } from "./declaration";

const AT_ONCE = 4;
const NAMED = 200;

export interface Failed<Row> {
  row: Row;
  reason: string;
}

/** Does it to each row, a few at once; returns those that were changed and those that were refused, with the reason. */
export async function toEach<Row>(
  rows: Row[],
  run: (row: Row) => Promise<unknown>,
  onProgress: (finished: number) => void = () => {},
): Promise<{ changed: Row[]; failed: Failed<Row>[] }> {
  const waiting = [...rows];
  const changed: Row[] = [];
  const failed: Failed<Row>[] = [];
  const work = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
      try {
        await run(row);
        changed.push(row);
      } catch (fault) {
        failed.push({ row, reason: fault instanceof Error ? fault.message : String(fault) });
      }
      onProgress(changed.length + failed.length);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { changed, failed };
}

function Names({ names }: { names: string[] }) {
  return (
    <ScrollArea.Autosize mah={240} type="auto" viewportProps={{ tabIndex: 0, role: "group", "aria-label": "Affected" }}>
      <List size="sm" spacing={2} ff="monospace">
        {names.slice(0, NAMED).map((name) => (
          <List.Item key={name}>{name}</List.Item>
        ))}
      </List>
      {names.length > NAMED && <Text size="sm">and {names.length - NAMED} more</Text>}
    </ScrollArea.Autosize>
  );
}

interface Course<Row> {
  nameOf: (row: Row) => string;
  /** Called once all is done, and once all is undone. */
  onDone: () => void;
}

async function carryOut<Row>(client: Client, action: Action<Row>, rows: Row[], { nameOf, onDone }: Course<Row>) {
  const id = notifications.show({ loading: true, message: `${action.label} …`, autoClose: false });
  const tell = (finished: number) =>
    notifications.update({ id, loading: true, message: `${action.label}: ${finished} of ${rows.length}` });
  const { changed, failed } = await toEach(rows, (row) => action.run(client, row), rows.length > 1 ? tell : undefined);
  notifications.update({
    id,
    loading: false,
    color: failed.length > 0 ? "red" : "teal",
    autoClose: failed.length > 0 ? false : 12_000,
    message: (
      <Stack gap={6} align="flex-start">
        {changed.length > 0 && <Text size="sm">{action.done(changed.length)}</Text>}
        {failed.map(({ row, reason }) => (
          <Text size="sm" key={nameOf(row)}>
            {nameOf(row)}: {reason}
          </Text>
        ))}
        {action.undo && changed.length > 0 && (
          <Button size="compact-sm" variant="default" onClick={() => void takeBack(client, action, changed, id).then(onDone)}>
            Undo
          </Button>
        )}
      </Stack>
    ),
  });
  onDone();
}

async function takeBack<Row>(client: Client, action: Action<Row>, rows: Row[], notification: string) {
  const { undo } = action;
  if (!undo) return;
  const { changed, failed } = await toEach(rows, (row) => undo(client, row));
  notifications.update({
    id: notification,
    color: failed.length > 0 ? "red" : "gray",
    autoClose: failed.length > 0 ? false : 6_000,
    message: failed.length > 0 ? `Not undone: ${failed[0]?.reason}` : `Undone: ${changed.length} as before.`,
  });
}

/** Returns a function that asks about an action, does it, and calls back once it is done. */
export function useAct<Row>(nameOf: (row: Row) => string) {
  const client = useClient();
  return useCallback(
    (action: Action<Row>, chosen: Row[], onDone: () => void) => {
      const rows = chosen.filter(action.applies);
      const left = chosen.length - rows.length;
      const confirm = () => {
        modals.close(id);
        void carryOut(client, action, rows, { nameOf, onDone });
      };
      const id = modals.open({
        title: action.label,
        children: (
          <Stack>
            <Text>{action.confirmation(rows.length)}</Text>
            <Names names={rows.map(nameOf)} />
            {left > 0 && (
              <Text size="sm" c="dimmed">
                {left} of those chosen {left === 1 ? "needs" : "need"} no change.
              </Text>
            )}
            <Group justify="flex-end">
              <Button variant="default" onClick={() => modals.close(id)}>
                Cancel
              </Button>
              <Button color={action.destructive ? "red.9" : undefined} onClick={confirm} data-autofocus>
                {action.label}
              </Button>
            </Group>
          </Stack>
        ),
      });
    },
    [client, nameOf],
  );
}
