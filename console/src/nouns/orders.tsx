import { type OrderRowFragment, OrdersDocument, type OrdersQueryVariables } from "../generated/graphql";
import { Instant, Mono, State, Unset } from "../kit/cells";
import { formatMoney, formatNumber, formatStatus, humanize } from "../kit/format";
import { Person } from "../people/Person";
import type { Noun } from "../table/declaration";

const STATUSES = ["PENDING", "PROCESSING", "SHIPPED", "DELIVERED", "CANCELLED"] as const;
const units = (row: OrderRowFragment) => row.products.reduce((sum, { quantity }) => sum + quantity, 0);
const returned = (row: OrderRowFragment) => row.products.reduce((sum, one) => sum + one.refundedQuantity, 0);

export const ordersNoun: Noun<OrderRowFragment, OrdersQueryVariables> = {
  path: "orders",
  title: "Orders",
  one: "order",
  many: "orders",
  about: "What each payment paid for, and what of it was refunded.",
  document: OrdersDocument,
  typenames: ["Order"],
  keyOf: ({ id }) => id,
  nameOf: ({ databaseId }) => `order ${databaseId}`,
  href: ({ databaseId }) => `/orders/${databaseId}`,
  columns: [
    { key: "id", label: "Order", cell: ({ databaseId }) => <Mono>{databaseId}</Mono> },
    { key: "userId", label: "User", cell: ({ userId }) => <Person name={userId} /> },
    {
      key: "status",
      label: "Status",
      cell: formatStatus,
    },
    {
      key: "refunded",
      label: "Refunds",
      cell: (row) =>
        returned(row) === 0 ? <Unset /> : <State color="orange">{row.refunded ? "Refunded" : "In part"}</State>,
    },
    { key: "units", label: "Units", numeric: true, cell: (row) => formatNumber(units(row)) },
    { key: "totalPrice", label: "Paid", numeric: true, cell: ({ totalPrice }) => formatMoney(totalPrice) },
    { key: "isGift", label: "Gift", extra: true, cell: ({ isGift }) => (isGift ? "Yes" : "No") },
    { key: "paymentId", label: "Payment", extra: true, cell: ({ paymentId }) => <Mono>{paymentId}</Mono> },
    { key: "createdAt", label: "Made", cell: ({ createdAt }) => <Instant at={createdAt} /> },
  ],
  search: "userId",
  searchHint: "Find by a whole user id",
  filters: [
    { name: "userId", label: "User", kind: "text" },
    {
      name: "status",
      label: "Status",
      kind: "choice",
      options: STATUSES.map((value) => ({ value, label: humanize(value), exported: humanize(value) })),
    },
    { name: "refunded", label: "Refunds", kind: "flag", yes: "Refunded", no: "Not refunded" },
    { name: "paymentId", label: "Payment", kind: "text" },
    { name: "productId", label: "Product", kind: "text" },
  ],
  dated: true,
  exported: "orders",
  empty: "There are no orders yet. Each accepted payment makes one.",
};
