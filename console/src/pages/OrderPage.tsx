import { Alert, Button, Group, NumberInput, Text } from "@mantine/core";
import { modals } from "@mantine/modals";
import { notifications } from "@mantine/notifications";
import { useState } from "react";
import { useClient } from "urql";
import { change } from "../api/changes";
import { useOperation } from "../api/operations";
import { useSession } from "../api/session";
import {
  type OrderDetailsFragment,
  OrderPageDocument,
  RefundOrderDocument,
  RefundOrderProductDocument,
} from "../generated/graphql";
import { Instant, Mono, State, Unset } from "../kit/cells";
import { countOf, formatMoney, formatNumber, formatStatus } from "../kit/format";
import { Person } from "../people/Person";
import type { Column } from "../table/declaration";
import { Rows } from "../table/Rows";
import { Facts, globalId, Section, ThingPage, Timeline } from "./kit";

type Line = OrderDetailsFragment["products"][number];
type Refund = NonNullable<OrderDetailsFragment["refunds"]>[number];

const leftOf = ({ quantity, refundedQuantity }: Line): number => quantity - refundedQuantity;
const unitsOf = (count: number): string => countOf(count, "unit", "units");

/** Asks first, as a refund is for ever; then tells what came of it. */
function confirm(title: string, sentence: string, run: () => Promise<unknown>, done: string): void {
  modals.openConfirmModal({
    title,
    children: <Text>{sentence}</Text>,
    labels: { confirm: "Refund", cancel: "Cancel" },
    confirmProps: { color: "red" },
    onConfirm: () => {
      run()
        .then(() => notifications.show({ color: "teal", message: done }))
        .catch((fault: Error) => notifications.show({ color: "red", message: fault.message, autoClose: false }));
    },
  });
}

/** No more can be asked for than is left. */
function RefundForm({ order, line }: { order: OrderDetailsFragment; line: Line }) {
  const client = useClient();
  const left = leftOf(line);
  const [wanted, setWanted] = useState(1);
  const quantity = Math.min(wanted, left);
  if (left === 0) return <Unset />;
  const run = () => change(client, RefundOrderProductDocument, { id: order.id, productId: line.productId, quantity });
  const what = `${unitsOf(quantity)} of ${line.productId}`;
  return (
    <Group gap="xs" wrap="nowrap" justify="flex-end">
      <NumberInput
        aria-label={`Units of ${line.productId} to refund`}
        size="xs"
        w={72}
        min={1}
        max={left}
        clampBehavior="strict"
        allowDecimal={false}
        value={quantity}
        onChange={(next) => setWanted(Number(next) || 1)}
      />
      <Button
        size="xs"
        variant="light"
        color="red"
        onClick={() => confirm("Refund", `${what} will be refunded. There is no undo.`, run, `${what} refunded.`)}
      >
        Refund
      </Button>
    </Group>
  );
}

function linesOf(order: OrderDetailsFragment, may: boolean): Column<Line>[] {
  const columns: Column<Line>[] = [
    { key: "productId", label: "Product", cell: ({ productId }) => <Mono>{productId}</Mono> },
    { key: "quantity", label: "Units", numeric: true, cell: ({ quantity }) => formatNumber(quantity) },
    { key: "price", label: "Price", numeric: true, cell: ({ price }) => formatMoney(price) },
    { key: "amount", label: "Paid", numeric: true, cell: ({ amount }) => formatMoney(amount) },
    {
      key: "refunded",
      label: "Refunded",
      numeric: true,
      cell: ({ refundedQuantity }) => formatNumber(refundedQuantity),
    },
    { key: "left", label: "Left", numeric: true, cell: (line) => formatNumber(leftOf(line)) },
  ];
  if (may) columns.push({ key: "refund", label: "Refund", cell: (line) => <RefundForm order={order} line={line} /> });
  return columns;
}

const REFUNDS: Column<Refund>[] = [
  {
    key: "productId",
    label: "Product",
    cell: ({ productId }) => (productId ? <Mono>{productId}</Mono> : "beyond its products"),
  },
  { key: "quantity", label: "Units", numeric: true, cell: ({ quantity }) => formatNumber(quantity) },
  { key: "amount", label: "Amount", numeric: true, cell: ({ amount }) => formatMoney(amount) },
  { key: "by", label: "By", cell: ({ by }) => by ?? <Unset /> },
  { key: "at", label: "When", cell: ({ at }) => <Instant at={at} /> },
];

function WholeRefund({ order }: { order: OrderDetailsFragment }) {
  const client = useClient();
  // The rule of the order documents: once a product is refunded the others are refunded one by one.
  if (order.refunded || order.products.some(({ refundedQuantity }) => refundedQuantity > 0)) return null;
  const run = () => change(client, RefundOrderDocument, { id: order.id });
  const sentence = `The whole order, ${formatMoney(order.totalPrice)}, will be refunded. There is no undo.`;
  return (
    <Button
      variant="light"
      color="red"
      onClick={() => confirm("Refund the order", sentence, run, "The order is refunded.")}
    >
      Refund the order
    </Button>
  );
}

const factsOf = (order: OrderDetailsFragment): [string, React.ReactNode][] => [
  ["User", <Person key="user" name={order.userId} />],
  ["Status", formatStatus(order)],
  ["Paid", formatMoney(order.totalPrice)],
  [
    "Refunded",
    order.refunded ? (
      <State key="refunded" color="orange">
        Refunded
      </State>
    ) : (
      "No"
    ),
  ],
  ["Payment", <Mono key="payment">{order.paymentId}</Mono>],
  ["Card", `•••• ${order.cardLast4}`],
  ["Address", order.address],
  ["Made", <Instant key="made" at={order.createdAt} />],
];

export default function OrderPage({ id }: { id: string }) {
  const may = useSession().may("SUPPORT");
  const answer = useOperation(OrderPageDocument, { id: globalId("Order", id) }, { typenames: ["Order", "Refund"] });
  const node = answer.data?.node;
  return (
    <ThingPage
      answer={answer}
      thing={node?.__typename === "Order" ? node : null}
      title={({ databaseId }) => `Order ${databaseId}`}
      about="What a payment paid for, and what of it was refunded."
      none="There is no order of this id."
      tools={(order) => may && <WholeRefund order={order} />}
    >
      {(order) => (
        <>
          {order.isGift && <Alert color="blue">It is a gift.</Alert>}
          <Facts facts={factsOf(order)} />
          <Section title="Products">
            <Rows
              label="Products"
              columns={linesOf(order, may)}
              rows={order.products}
              keyOf={({ productId }) => productId}
              nameOf={({ productId }) => productId}
            />
          </Section>
          {order.refunds && order.refunds.length > 0 && (
            <Section title="Refunds">
              <Rows
                label="Refunds"
                columns={REFUNDS}
                rows={order.refunds}
                keyOf={({ at, productId }) => `${at} ${productId}`}
                nameOf={({ at }) => at}
              />
            </Section>
          )}
          <Timeline objectId={order.databaseId} />
        </>
      )}
    </ThingPage>
  );
}
