import { lazy, Suspense } from "react";
import { Shell } from "./kit/Shell";
import { couponsNoun } from "./nouns/coupons";
import { ListView } from "./table/ListView";
import { Redirect, Route, Switch } from "wouter";
import { Nothing } from "./kit/states";

// What an admin opens now and then is fetched when it is opened.
const MakeView = lazy(() => import("./make/MakeView"));
const KeysView = lazy(() => import("./nouns/keys"));
const PersonView = lazy(() => import("./people/PersonView"));

export function App() {
  return (
    <Shell>
      <Suspense fallback={<Nothing sentence="Opening …" />}>
        <Switch>
          <Route path="/">
            <Redirect to="/coupons" replace />
          </Route>
          <Route path="/coupons">
            <ListView noun={couponsNoun} />
          </Route>
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
