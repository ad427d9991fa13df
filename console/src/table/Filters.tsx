import { Button, Group, NumberInput, Popover, Select, Stack, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { Cross2Icon, MagnifyingGlassIcon, MixerHorizontalIcon } from "@radix-ui/react-icons";
import { useEffect, useState } from "react";
import { formatDay, startOfDay } from "../kit/format";
import type { Filter } from "./declaration";
import classes from "./table.module.css";
import type { View } from "./view";

const SETTLED = 300;

type Change = (changes: Record<string, string | null>) => void;

/** A text that reaches the address once its writer pauses, and follows it where it changes otherwise. */
function useTyped(value: string, settle: (value: string) => void) {
  const [typed, setTyped] = useState(value);
  const later = useDebouncedCallback(settle, SETTLED);
  useEffect(() => setTyped(value), [value]);
  const type = (next: string) => {
    setTyped(next);
    later(next);
  };
  return [typed, type] as const;
}

export function SearchField({ value, hint, onChange }: { value: string; hint: string; onChange: (v: string) => void }) {
  const [typed, type] = useTyped(value, onChange);
  return (
    <TextInput
      className={classes.search ?? ""}
      type="search"
      aria-label={hint}
      placeholder={hint}
      leftSection={<MagnifyingGlassIcon aria-hidden />}
      value={typed}
      onChange={(event) => type(event.currentTarget.value)}
    />
  );
}

function TextFilter({ filter, value, change }: { filter: Filter; value: string; change: Change }) {
  const [typed, type] = useTyped(value, (next) => change({ [filter.name]: next.trim() }));
  return (
    <TextInput
      label={filter.label}
      description={filter.hint}
      value={typed}
      onChange={(event) => type(event.currentTarget.value)}
    />
  );
}

function FilterField({ filter, value, change }: { filter: Filter; value: string; change: Change }) {
  if (filter.kind === "text") return <TextFilter filter={filter} value={value} change={change} />;
  if (filter.kind === "number") {
    return (
      <NumberInput
        label={filter.label}
        description={filter.hint}
        min={0}
        allowDecimal={false}
        value={value}
        onChange={(next) => change({ [filter.name]: String(next) })}
      />
    );
  }
  const options =
    filter.kind === "flag"
      ? [
          { value: "true", label: filter.yes },
          { value: "false", label: filter.no },
        ]
      : filter.options.map((option) => ({ value: option.value, label: option.label }));
  return (
    <Select
      label={filter.label}
      description={filter.hint}
      placeholder="Any"
      data={options}
      value={value || null}
      clearable
      clearButtonProps={{ "aria-label": `Clear ${filter.label}` }}
      comboboxProps={{ withinPortal: false }}
      onChange={(next) => change({ [filter.name]: next })}
    />
  );
}

function Days({ view, change }: { view: View; change: Change }) {
  return (
    <Group grow>
      {(["from", "to"] as const).map((name) => (
        <TextInput
          key={name}
          type="date"
          label={name === "from" ? "From" : "To"}
          value={view.filters[name] ?? ""}
          onChange={(event) => change({ [name]: event.currentTarget.value })}
        />
      ))}
    </Group>
  );
}

interface FiltersProps {
  filters: Filter[];
  dated: boolean;
  view: View;
  change: Change;
}

/** The button that opens the filters of a list. */
export function FilterMenu({ filters, dated, view, change }: FiltersProps) {
  const count = Object.keys(view.filters).length;
  return (
    <Popover position="bottom-start" shadow="md" width={320} trapFocus withinPortal={false}>
      <Popover.Target>
        <Button variant="default" leftSection={<MixerHorizontalIcon aria-hidden />}>
          Filters{count > 0 && ` (${count})`}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Filters">
        <Stack gap="sm">
          {filters.map((filter) => (
            <FilterField key={filter.name} filter={filter} value={view.filters[filter.name] ?? ""} change={change} />
          ))}
          {dated && <Days view={view} change={change} />}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

function told(name: string, value: string, filters: Filter[]): string {
  if (name === "from" || name === "to") return `${name} ${formatDay(startOfDay(value))}`;
  const filter = filters.find((known) => known.name === name);
  if (filter?.kind === "flag") return value === "true" ? filter.yes : filter.no;
  const shown = filter?.kind === "choice" ? filter.options.find((option) => option.value === value)?.label : value;
  return `${filter?.label ?? name}: ${shown ?? value}`;
}

/** What the list is narrowed by, each to be taken away. */
export function FilterChips({ filters, view, change }: Omit<FiltersProps, "dated">) {
  const names = Object.keys(view.filters);
  if (names.length === 0) return null;
  return (
    <Group gap={6} role="group" aria-label="Active filters">
      {names.map((name) => {
        const text = told(name, view.filters[name] ?? "", filters);
        return (
          <Button
            key={name}
            size="compact-sm"
            variant="default"
            rightSection={<Cross2Icon aria-hidden width={12} height={12} />}
            aria-label={`Remove the filter ${text}`}
            onClick={() => change({ [name]: null })}
          >
            {text}
          </Button>
        );
      })}
      {names.length > 1 && (
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => change(Object.fromEntries(names.map((name) => [name, null])))}
        >
          Clear all
        </Button>
      )}
    </Group>
  );
}
