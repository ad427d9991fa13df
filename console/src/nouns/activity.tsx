import { type ActivityListQueryVariables, ActivityListDocument, type ActivityRowFragment } from "../generated/graphql";
import { Mono, Unset } from "../kit/cells";
import { WHAT_CAME_OF_IT, WHEN } from "../kit/deeds";
import { humanize } from "../kit/format";
import { Person } from "../people/Person";
import type { Noun } from "../table/declaration";

const VERBS: ActivityRowFragment["verb"][] = [
  "CREATE_COUPON",
  "REDEEM_COUPON",
  "SET_COUPON_ACTIVE",
  "DELETE_COUPON",
  "CREATE_ACCESS_CODE",
  "CREATE_ACCESS_CODES",
  "IMPORT_ACCESS_CODES",
  "REDEEM_ACCESS_CODE",
  "ACTIVATE_ACCESS_CODE",
  "DEACTIVATE_ACCESS_CODE",
  "SET_ACCESS_CODE_PUBLIC",
  "DELETE_ACCESS_CODE",
  "ACTIVATE_ACCESS_CODE_BATCH",
  "DEACTIVATE_ACCESS_CODE_BATCH",
  "CREATE_USAGE_FOLLOWER",
  "UPDATE_USAGE_FOLLOWER",
  "DELETE_USAGE_FOLLOWER",
  "CHECK_USAGE",
  "ADD_USAGE",
  "REMOVE_USAGE",
  "REDEEM_USAGE",
  "CREATE_ORDER",
  "UPDATE_ORDER",
  "REFUND_ORDER",
  "REFUND_ORDER_PRODUCT",
  "REPAIR_COUNTERS",
  "CREATE_ADMIN_KEY",
  "REVOKE_ADMIN_KEY",
];

export const activityNoun: Noun<ActivityRowFragment, ActivityListQueryVariables> = {
  path: "activity",
  title: "Activity",
  one: "entry",
  many: "entries",
  about: "What admins and events did, who refunded, and whom what was refused.",
  document: ActivityListDocument,
  typenames: ["Activity"],
  keyOf: ({ id }) => id,
  nameOf: ({ verb, at }) => `${humanize(verb)} at ${at}`,
  columns: [
    ...WHAT_CAME_OF_IT,
    {
      key: "about",
      label: "About",
      cell: ({ subjects }) => (subjects[0] === undefined ? <Unset /> : <Person name={subjects[0]} />),
    },
    {
      key: "object",
      label: "Upon",
      extra: true,
      cell: ({ object }) => (object ? <Mono>{`${object.type} ${object.databaseId}`}</Mono> : <Unset />),
    },
    { key: "transport", label: "Way", extra: true, cell: ({ transport }) => transport },
    { key: "requestId", label: "Request", extra: true, cell: ({ requestId }) => <Mono>{requestId ?? "–"}</Mono> },
    WHEN,
  ],
  search: "subject",
  searchHint: "Find by whom it was about",
  filters: [
    { name: "subject", label: "About", kind: "text", hint: "A username, a Twitter id or a user id" },
    { name: "by", label: "By", kind: "text", hint: "The name of the admin or the user" },
    {
      name: "outcome",
      label: "Outcome",
      kind: "choice",
      options: [
        { value: "DONE", label: "Done" },
        { value: "REFUSED", label: "Refused" },
      ],
    },
    { name: "verb", label: "What", kind: "choice", options: VERBS.map((value) => ({ value, label: humanize(value) })) },
    { name: "objectId", label: "Upon", kind: "text", hint: "The id of what was changed" },
  ],
  dated: true,
  exported: "activity",
  empty: "Nothing was done yet.",
};
