import { Group, Paper, Stack } from "@mantine/core";
import { type ReactNode, useEffect, useMemo, useState } from "react";
import { useSearchParams } from "wouter";
import { useOperation } from "../api/operations";
import { useSession } from "../api/session";
import { countOf } from "../kit/format";
import { Faulty, Nothing, ViewHead } from "../kit/states";
import { useAct } from "./act";
import type { Noun } from "./declaration";
import { FilterChips, FilterMenu, SearchField } from "./Filters";
import { Rows } from "./Rows";
import { ColumnMenu, ExportButton, Pager, SelectionBar } from "./Tools";
import { changed, readView, toExportFilters, toFilter, toWindow } from "./view";

/** Rows that were selected, also those of pages that were left; another filter or order begins anew. */
function useSelection<Row>(keyOf: (row: Row) => string, rows: Row[] | undefined, list: string) {
  const [chosen, setChosen] = useState(new Map<string, Row>());
  useEffect(() => setChosen(new Map()), [list]);
  // What a change made of them since: it is the row as it is now that is acted upon.
  useEffect(() => {
    setChosen((before) => {
      const fresh = rows?.filter((row) => before.has(keyOf(row))) ?? [];
      return fresh.length > 0 ? new Map([...before, ...fresh.map((row) => [keyOf(row), row] as const)]) : before;
    });
  }, [rows, keyOf]);
  const toggle = (row: Row) =>
    setChosen((before) => {
      const next = new Map(before);
      if (!next.delete(keyOf(row))) next.set(keyOf(row), row);
      return next;
    });
  const toggleAll = () =>
    setChosen((before) => {
      const next = new Map(before);
      const all = rows?.every((row) => next.has(keyOf(row)));
      for (const row of rows ?? []) all ? next.delete(keyOf(row)) : next.set(keyOf(row), row);
      return next;
    });
  const clear = () => setChosen(new Map());
  return { rows: [...chosen.values()], has: (row: Row) => chosen.has(keyOf(row)), toggle, toggleAll, clear };
}

interface ListViewProps<Row, Variables extends object> {
  noun: Noun<Row, Variables>;
  /** What stands beside the title, such as the way to make a new one. */
  extra?: ReactNode;
}

/** The list of any noun: search, filters, columns, order, pages, selection, export. */
export function ListView<Row, Variables extends object>({ noun, extra }: ListViewProps<Row, Variables>) {
  const session = useSession();
  const [parameters, setParameters] = useSearchParams();
  const view = useMemo(() => readView(parameters, noun), [parameters, noun]);
  const change = (changes: Record<string, string | null>) =>
    setParameters((now) => changed(now, changes), { replace: !("after" in changes || "before" in changes) });

  const filter = toFilter(view, noun);
  const list = JSON.stringify([filter, view.sort]);
  const variables = { filter, ...toWindow(view), ...(view.sort && { orderBy: view.sort }) };
  // The names of its filters are those of the schema, by the type of the declaration.
  const asked = useOperation(noun.document, variables as unknown as Variables, { typenames: noun.typenames });
  const page = asked.data?.page;
  const total = useTotal(list, page?.totalCount);

  const actions = (noun.actions ?? []).filter((action) => session.may(action.role));
  const selection = useSelection(noun.keyOf, page?.nodes, list);
  const act = useAct(noun.nameOf);

  const standard = noun.columns.filter((column) => !column.extra);
  const shown = view.columns ? noun.columns.filter(({ key }) => view.columns?.includes(key)) : standard;
  const columns = shown.length > 0 ? shown : standard;

  // Each change has the list asked for again, maybe before the last of them: what counts is how it is afterwards.
  const finish = () => {
    selection.clear();
    asked.again();
  };

  const search = noun.search;
  const filtered = Object.keys(view.filters).length > 0;
  const others = noun.filters.filter((known) => known.name !== search);

  return (
    <Stack gap="md">
      <ViewHead title={noun.title} about={noun.about} asked={asked.asked}>
        {extra}
      </ViewHead>
      <Group gap="xs">
        {search && (
          <SearchField
            value={view.filters[search] ?? ""}
            hint={noun.searchHint ?? "Search"}
            onChange={(text) => change({ [search]: text.trim() })}
          />
        )}
        <FilterMenu filters={others} dated={noun.dated} view={view} change={change} />
        <ColumnMenu columns={noun.columns} shown={columns} change={change} />
        {noun.exported && (
          <ExportButton wanted={{ family: noun.exported, filters: toExportFilters(view, noun) }} />
        )}
      </Group>
      <FilterChips filters={noun.filters} view={view} change={change} />
      {asked.fault ? (
        <Faulty sentence={asked.fault} again={asked.again} />
      ) : page && page.nodes.length === 0 ? (
        <Nothing
          sentence={filtered ? `There are no ${noun.many} that match.` : noun.empty}
          {...(filtered && { action: { label: "Clear the filters", run: () => setParameters(new URLSearchParams()) } })}
        />
      ) : (
        <Paper withBorder>
          <Rows
            label={noun.title}
            columns={columns}
            rows={page?.nodes}
            keyOf={noun.keyOf}
            nameOf={noun.nameOf}
            href={noun.href}
            picked={actions.length > 0 ? selection : undefined}
            sort={view.sort}
            onSort={(sort) => change({ sort })}
            refreshing={asked.fetching && page !== undefined}
          />
        </Paper>
      )}
      <SelectionBar
        rows={selection.rows}
        one={noun.one}
        many={noun.many}
        actions={actions}
        onAct={(action) => act(action, selection.rows, finish)}
        onClear={selection.clear}
      />
      <Pager
        page={page}
        view={view}
        total={total === undefined ? "" : countOf(total, noun.one, noun.many)}
        change={change}
      />
    </Stack>
  );
}

/** The total of a list, which its first page brings, for as long as it is the same list. */
function useTotal(list: string, counted: number | undefined): number | undefined {
  const [known, setKnown] = useState<{ list: string; total: number } | null>(null);
  useEffect(() => {
    if (counted !== undefined) setKnown({ list, total: counted });
  }, [list, counted]);
  return counted ?? (known?.list === list ? known.total : undefined);
}
