// A CSV taken in: shown first with what is wrong with each row, then made row by row, with what came of each.
import { Alert, Button, FileButton, Group, Paper, Progress, SegmentedControl, Stack, Text } from "@mantine/core";
import { UploadIcon } from "@radix-ui/react-icons";
import { unparse } from "papaparse";
import { useState } from "react";
import { useClient } from "urql";
import { save } from "../api/exports";
import { State, Unset } from "../kit/cells";
import { countOf } from "../kit/format";
import { Faulty } from "../kit/states";
import { type Failed, toEach } from "../table/act";
import type { Column } from "../table/declaration";
import { Rows } from "../table/Rows";
import { KINDS, type Kind, readSheet, type Sheet, type SheetRow } from "./sheet";

const PREVIEWED = 100;
const rowsOf = (count: number): string => countOf(count, "row", "rows");

const columnsOf = (kind: Kind): Column<SheetRow>[] => [
  { key: "line", label: "Line", cell: ({ line }) => line },
  {
    key: "state",
    label: "State",
    cell: ({ faults }) => (
      <State color={faults.length > 0 ? "red" : "teal"}>{faults.length > 0 ? "Left out" : "Ready"}</State>
    ),
  },
  ...kind.cells.map(({ column }) => ({
    key: column,
    label: column,
    cell: ({ values }: SheetRow) => (values[column] === undefined ? <Unset /> : String(values[column])),
  })),
  { key: "faults", label: "What is wrong", cell: ({ faults }) => faults.join("; ") || <Unset /> },
];

/** Those at fault first: they are what has to be looked at. */
function Preview({ kind, rows }: { kind: Kind; rows: SheetRow[] }) {
  const shown = [
    ...rows.filter(({ faults }) => faults.length > 0),
    ...rows.filter(({ faults }) => faults.length === 0),
  ];
  return (
    <Paper withBorder>
      <Rows
        label="Preview"
        columns={columnsOf(kind)}
        rows={shown.slice(0, PREVIEWED)}
        keyOf={({ line }) => String(line)}
        nameOf={({ line }) => `line ${line}`}
      />
      {rows.length > PREVIEWED && (
        <Text size="sm" c="dimmed" p="sm">
          and {rowsOf(rows.length - PREVIEWED)} more
        </Text>
      )}
    </Paper>
  );
}

/** The refused as a file of the same columns, to be mended and taken in again. */
function saveRefused(failed: Failed<SheetRow>[]): void {
  const rows = failed.map(({ row, reason }) => ({ ...row.values, line: row.line, reason }));
  save(new Blob(["\ufeff", unparse(rows)], { type: "text/csv" }), "refused.csv");
}

function Outcome({ made, failed, again }: { made: number; failed: Failed<SheetRow>[]; again: () => void }) {
  return (
    <Stack>
      <Alert color={failed.length > 0 ? "orange" : "tessera"} role="status" title={`${rowsOf(made)} taken in`}>
        {failed.length === 0 ? "All that were ready are there." : `${rowsOf(failed.length)} refused by the server:`}
        {failed.slice(0, PREVIEWED).map(({ row, reason }) => (
          <Text size="sm" key={row.line}>
            Line {row.line}: {reason}
          </Text>
        ))}
      </Alert>
      <Group>
        {failed.length > 0 && (
          <Button variant="light" onClick={() => saveRefused(failed)}>
            Download the refused
          </Button>
        )}
        <Button variant="default" onClick={again}>
          Take in another file
        </Button>
      </Group>
    </Stack>
  );
}

function Chooser({ kind, setKind, take }: { kind: Kind; setKind: (kind: Kind) => void; take: (file: File) => void }) {
  return (
    <Stack>
      <SegmentedControl
        aria-label="What the file holds"
        data={KINDS.map(({ key, label }) => ({ value: key, label }))}
        value={kind.key}
        onChange={(key) => setKind(KINDS.find((one) => one.key === key) ?? kind)}
      />
      <Text size="sm">
        {kind.about} Its first line names the columns: {kind.cells.map(({ column }) => column).join(", ")}.
      </Text>
      <FileButton
        accept=".csv,text/csv"
        onChange={(file) => file && take(file)}
        inputProps={{ "aria-label": "The CSV file" }}
      >
        {(props) => (
          <Button {...props} variant="light" leftSection={<UploadIcon aria-hidden />}>
            Choose a CSV file
          </Button>
        )}
      </FileButton>
    </Stack>
  );
}

export function Import() {
  const client = useClient();
  const [kind, setKind] = useState<Kind>(KINDS[0] as Kind);
  const [sheet, setSheet] = useState<Sheet | null>(null);
  const [finished, setFinished] = useState<number | null>(null);
  const [outcome, setOutcome] = useState<{ made: number; failed: Failed<SheetRow>[] } | null>(null);

  const begin = () => {
    setSheet(null);
    setOutcome(null);
    setFinished(null);
  };
  const take = (file: File) => void file.text().then((content) => setSheet(readSheet(kind, content)));
  const ready = sheet?.rows.filter(({ faults }) => faults.length === 0) ?? [];
  const run = async () => {
    setFinished(0);
    const { changed, failed } = await toEach(ready, ({ values }) => kind.make(client, values), setFinished);
    setOutcome({ made: changed.length, failed });
  };

  if (outcome) return <Outcome {...outcome} again={begin} />;
  if (!sheet) return <Chooser kind={kind} setKind={setKind} take={take} />;
  if (sheet.fault) return <Faulty sentence={sheet.fault} again={begin} />;
  return (
    <Stack>
      <Text role="status">
        {rowsOf(ready.length)} ready, {sheet.rows.length - ready.length} left out. Nothing is written yet.
      </Text>
      <Preview kind={kind} rows={sheet.rows} />
      {finished !== null && <Progress aria-label="Progress" value={(100 * finished) / Math.max(1, ready.length)} />}
      <Group justify="flex-end">
        <Button variant="default" onClick={begin} disabled={finished !== null}>
          Cancel
        </Button>
        <Button onClick={() => void run()} loading={finished !== null} disabled={ready.length === 0}>
          Take in {rowsOf(ready.length)}
        </Button>
      </Group>
    </Stack>
  );
}
