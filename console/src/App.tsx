import { lazy, Suspense } from "react";
import { Shell } from "./kit/Shell";
import { accessCodesNoun } from "./nouns/accessCodes";
import { activityNoun } from "./nouns/activity";
import { batchesNoun } from "./nouns/batches";
import { couponsNoun } from "./nouns/coupons";
import { followersNoun } from "./nouns/followers";
import { ordersNoun } from "./nouns/orders";
import { redemptionsNoun } from "./nouns/redemptions";
import type { Noun } from "./table/declaration";
import { ListView } from "./table/ListView";
import { Route, Switch } from "wouter";
import { Nothing } from "./kit/states";

// What an admin opens now and then is fetched when it is opened.
const Overview = lazy(() => import("./overview/Overview"));
const CouponPage = lazy(() => import("./pages/CouponPage"));
const OrderPage = lazy(() => import("./pages/OrderPage"));
const FollowerPage = lazy(() => import("./pages/FollowerPage"));
const MakeView = lazy(() => import("./make/MakeView"));
const KeysView = lazy(() => import("./nouns/keys"));
const PersonView = lazy(() => import("./people/PersonView"));

/** The list of a noun, at its own address. */
function listOf<Row, Variables extends object>(noun: Noun<Row, Variables>) {
  return (
    <Route path={`/${noun.path}`}>
      <ListView key={noun.path} noun={noun} />
    </Route>
  );
}

export function App() {
  return (
    <Shell>
      <Suspense fallback={<Nothing sentence="Opening …" />}>
        <Switch>
          <Route path="/">
            <Overview />
          </Route>
          {listOf(couponsNoun)}
          {listOf(redemptionsNoun)}
          {listOf(accessCodesNoun)}
          {listOf(batchesNoun)}
          {listOf(followersNoun)}
          {listOf(ordersNoun)}
          {listOf(activityNoun)}
          <Route path="/coupons/:id">{({ id }) => <CouponPage key={id} id={id} />}</Route>
          <Route path="/orders/:id">{({ id }) => <OrderPage key={id} id={id} />}</Route>
          <Route path="/followers/:id">{({ id }) => <FollowerPage key={id} id={id} />}</Route>
          <Route path="/people/:name">{({ name }) => <PersonView key={name} name={decodeURIComponent(name)} />}</Route>
          <Route path="/make/:what">{({ what }) => <MakeView what={what} />}</Route>
          <Route path="/keys">
            <KeysView />
          </Route>
          <Route>
            <Nothing sentence="There is no such page. What you look for may be in the menu." />
          </Route>
        </Switch>
      </Suspense>
    </Shell>
  );
}
