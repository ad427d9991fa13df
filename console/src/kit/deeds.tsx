// How an entry of the activity looks, wherever entries are listed.
import type { ActivityOutcome, ActivityVerb } from "../generated/graphql";
import type { Column } from "../table/declaration";
import { Instant, State, Unset } from "./cells";
import { humanize } from "./format";

interface Deed {
  at: string;
  verb: ActivityVerb;
  outcome: ActivityOutcome;
  message: string | null;
  by: { name: string };
}

export const WHEN: Column<Deed> = { key: "at", label: "When", cell: ({ at }) => <Instant at={at} /> };

export const WHAT_CAME_OF_IT: Column<Deed>[] = [
  { key: "verb", label: "What", cell: ({ verb }) => humanize(verb) },
  {
    key: "outcome",
    label: "Outcome",
    cell: ({ outcome }) => <State color={outcome === "REFUSED" ? "red" : "teal"}>{humanize(outcome)}</State>,
  },
  { key: "message", label: "Why", cell: ({ message }) => message ?? <Unset /> },
  { key: "by", label: "By", cell: ({ by }) => by.name },
];
