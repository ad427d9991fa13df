import { useMutation, useQuery, useSubscription } from "@apollo/client/react";

import { GiveBackDocument, MyOrdersChangedDocument, MyOrdersDocument, type OrderCardFragment } from "./gql/operations";
import { Fault, Refusal } from "./notices";

const price = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const day = new Intl.DateTimeFormat("en", { dateStyle: "medium" });
// A decimal comes as text, so that no cent is lost on the way; only here is it a number, to be shown.
const money = (decimal: string): string => price.format(Number(decimal));

export function Orders() {
  const { data, error, loading, fetchMore } = useQuery(MyOrdersDocument);
  // What changes is written into the cache under the order's id; a new order is fetched.
  useSubscription(MyOrdersChangedDocument, {
    onData: ({ client, data: { data: told } }) => {
      const known = client.readQuery({ query: MyOrdersDocument })?.orders.nodes ?? [];
      if (told && !known.some((order) => order.id === told.orderChanged.id)) {
        void client.refetchQueries({ include: [MyOrdersDocument] });
      }
    },
  });

  if (error) return <Fault error={error} />;
  if (loading && !data) return <p className="hint">One moment …</p>;
  const { nodes = [], pageInfo } = data?.orders ?? {};
  return (
    <section aria-label="Your orders">
      <h1>Your orders</h1>
      {nodes.length === 0 && <p className="card empty">Nothing yet. What you order shows up here by itself.</p>}
      <div className="orders">
        {nodes.map((order) => (
          <OrderCard key={order.id} order={order} />
        ))}
      </div>
      {pageInfo?.hasNextPage && (
        <button
          type="button"
          className="quiet"
          onClick={() =>
            void fetchMore({
              variables: { after: pageInfo.endCursor },
              updateQuery: (before, { fetchMoreResult: more }) => ({
                ...more,
                orders: { ...more.orders, nodes: [...before.orders.nodes, ...more.orders.nodes] },
              }),
            })
          }
        >
          Show more
        </button>
      )}
    </section>
  );
}

function OrderCard({ order }: { order: OrderCardFragment }) {
  const [giveBack, { data, error, loading }] = useMutation(GiveBackDocument, { errorPolicy: "none" });
  const result = data?.refundOrderProduct;
  const state = order.refunded ? "Refunded" : (order.status[0] ?? "") + order.status.slice(1).toLowerCase();

  function refund(productId: string, quantity: number) {
    const input = { id: order.id, productId, quantity, idempotencyKey: crypto.randomUUID() };
    void giveBack({ variables: { input } }).catch(() => undefined);
  }

  return (
    <article className="card order" aria-label={`Order ${order.databaseId.slice(-6)}`}>
      <header>
        <div>
          <h2>Order …{order.databaseId.slice(-6)}</h2>
          <p className="hint">
            {day.format(new Date(order.createdAt))} · card …{order.cardLast4}
          </p>
        </div>
        <span className={`chip ${order.refunded ? "refunded" : order.status.toLowerCase()}`}>{state}</span>
      </header>
      <ul>
        {order.products.map((product) => {
          const left = product.quantity - product.refundedQuantity;
          return (
            <li key={product.productId}>
              <span className="name">
                {product.quantity} × {product.productId}
                {product.refundedQuantity > 0 && (
                  <small>
                    {product.refundedQuantity} given back, {money(product.refundedAmount)}
                  </small>
                )}
              </span>
              <span>{money(product.amount)}</span>
              <button
                type="button"
                className="quiet"
                disabled={loading || left === 0}
                onClick={() => refund(product.productId, 1)}
              >
                {left === 0 ? "Given back" : "Give one back"}
              </button>
            </li>
          );
        })}
      </ul>
      <footer>
        <span>Total</span>
        <strong>{money(order.totalPrice)}</strong>
      </footer>
      {error && <Fault error={error} />}
      {result && result.__typename !== "RefundOrderProductPayload" && <Refusal refusal={result} />}
    </article>
  );
}
