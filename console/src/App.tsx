import { lazy, Suspense } from "react";
import { Shell } from "./kit/Shell";
import { accessCodesNoun } from "./nouns/accessCodes";
import { activityNoun } from "./nouns/activity";
import { batchesNoun } from "./nouns/batches";
import { couponsNoun } from "./nouns/coupons";
import { followersNoun } from "./nouns/followers";
import { ordersNoun } from "./nouns/orders";
import { redemptionsNoun } from "./nouns/redemptions";
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

export function App() {
  return (
    <Shell>
      <Suspense fallback={<Nothing sentence="Opening …" />}>
        <Switch>
          <Route path="/">
            <Overview />
          </Route>
          <Route path="/coupons">
            <ListView key="coupons" noun={couponsNoun} />
          </Route>
          <Route path="/redemptions">
            <ListView key="redemptions" noun={redemptionsNoun} />
          </Route>
          <Route path="/access-codes">
            <ListView key="accessCodes" noun={accessCodesNoun} />
          </Route>
          <Route path="/batches">
            <ListView key="batches" noun={batchesNoun} />
          </Route>
          <Route path="/followers">
            <ListView key="followers" noun={followersNoun} />
          </Route>
          <Route path="/orders">
            <ListView key="orders" noun={ordersNoun} />
          </Route>
          <Route path="/activity">
            <ListView key="activity" noun={activityNoun} />
          </Route>
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
