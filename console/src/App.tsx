import { Shell } from "./kit/Shell";
import { couponsNoun } from "./nouns/coupons";
import { ListView } from "./table/ListView";
import { Redirect, Route, Switch } from "wouter";
import { Nothing } from "./kit/states";

export function App() {
  return (
    <Shell>
      <Switch>
        <Route path="/">
          <Redirect to="/coupons" replace />
        </Route>
        <Route path="/coupons">
          <ListView noun={couponsNoun} />
        </Route>
        <Route>
          <Nothing sentence="There is no such page. What you look for may be in the menu." />
        </Route>
      </Switch>
    </Shell>
  );
}
