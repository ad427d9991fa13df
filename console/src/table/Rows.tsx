import { Anchor, Checkbox, Skeleton, Table, UnstyledButton } from "@mantine/core";
import { ArrowDownIcon } from "@radix-ui/react-icons";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Column } from "./declaration";
import classes from "./table.module.css";

const SKELETONS = 8;

export interface Picked<Row> {
  has: (row: Row) => boolean;
  toggle: (row: Row) => void;
  toggleAll: () => void;
}

interface RowsProps<Row> {
  label: string;
  columns: Column<Row>[];
  /** Nothing while they are still asked for. */
  rows: Row[] | undefined;
  keyOf: (row: Row) => string;
  nameOf: (row: Row) => string;
  href?: ((row: Row) => string) | undefined;
  picked?: Picked<Row> | undefined;
  sort?: string | null;
  onSort?: (sort: string) => void;
  refreshing?: boolean;
}

function Head<Row>({ column, sort, onSort }: { column: Column<Row> } & Pick<RowsProps<Row>, "sort" | "onSort">) {
  const order = column.sort;
  const sorted = order !== undefined && order === sort;
  const look = column.numeric ? { className: classes.numeric ?? "" } : {};
  if (order === undefined || !onSort) {
    return (
      <Table.Th role="columnheader" {...look}>
        {column.label}
      </Table.Th>
    );
  }
  return (
    <Table.Th role="columnheader" aria-sort={sorted ? "descending" : "none"} {...look}>
      <UnstyledButton fz="sm" fw={700} onClick={() => onSort(order)} title={`The highest ${column.label} first`}>
        {column.label} {sorted && <ArrowDownIcon aria-hidden width={12} height={12} />}
      </UnstyledButton>
    </Table.Th>
  );
}

function Cell<Row>({ column, children }: { column: Column<Row>; children: ReactNode }) {
  return (
    <Table.Td role="cell" data-label={column.label} className={column.numeric ? classes.numeric : undefined}>
      {/* One child, so that on a phone the value stands as a whole beside its name. */}
      <span>{children}</span>
    </Table.Td>
  );
}

function Skeletons<Row>({ columns, picks }: { columns: Column<Row>[]; picks: boolean }) {
  return Array.from({ length: SKELETONS }, (_, number) => (
    <Table.Tr key={number} aria-hidden>
      {picks && <Table.Td className={classes.chosen} />}
      {columns.map((column) => (
        <Table.Td key={column.key} data-label={column.label}>
          <Skeleton height={14} width={column.numeric ? 60 : 120} my={4} />
        </Table.Td>
      ))}
    </Table.Tr>
  ));
}

/** Rows of anything: a table on a laptop, cards on a phone. The roles outlive what the cards' style does to a table. */
export function Rows<Row>(props: RowsProps<Row>) {
  const { columns, rows, keyOf, nameOf, href, picked } = props;
  const all = picked && rows && rows.length > 0 && rows.every(picked.has);
  return (
    <div className={classes.scroll} aria-busy={rows === undefined || props.refreshing} tabIndex={0}>
      <Table
        role="table"
        aria-label={props.label}
        className={`${classes.table} ${props.refreshing ? classes.refreshing : ""}`}
        highlightOnHover
        verticalSpacing="xs"
      >
        <Table.Thead role="rowgroup">
          <Table.Tr role="row">
            {picked && (
              <Table.Th role="columnheader" className={classes.chosen}>
                <Checkbox
                  aria-label="Select all of this page"
                  checked={all === true}
                  indeterminate={!all && rows?.some(picked.has)}
                  onChange={picked.toggleAll}
                />
              </Table.Th>
            )}
            {columns.map((column) => (
              <Head key={column.key} column={column} sort={props.sort ?? null} onSort={props.onSort} />
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody role="rowgroup">
          {rows === undefined && <Skeletons columns={columns} picks={picked !== undefined} />}
          {rows?.map((row) => (
            <Table.Tr role="row" key={keyOf(row)} data-picked={picked?.has(row) || undefined}>
              {picked && (
                <Table.Td role="cell" className={classes.chosen}>
                  <Checkbox
                    aria-label={`Select ${nameOf(row)}`}
                    checked={picked.has(row)}
                    onChange={() => picked.toggle(row)}
                  />
                </Table.Td>
              )}
              {columns.map((column, index) => (
                <Cell key={column.key} column={column}>
                  {index === 0 && href ? (
                    <Anchor component={Link} href={href(row)} fw={600}>
                      {column.cell(row)}
                    </Anchor>
                  ) : (
                    column.cell(row)
                  )}
                </Cell>
              ))}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}
