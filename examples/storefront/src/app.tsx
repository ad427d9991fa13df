import { useApolloClient } from "@apollo/client/react";
import { useEffect, useState, useSyncExternalStore } from "react";

import { Badge } from "./badge";
import type { Live } from "./live";
import { Orders } from "./orders";
import { Redeem } from "./redeem";
import { SignIn } from "./sign-in";
import type { Tokens } from "./tokens";

const PAGES = { redeem: "Redeem", orders: "Your orders" } as const;
type Page = keyof typeof PAGES;

const pageOfAddress = (): Page => (location.hash === "#orders" ? "orders" : "redeem");

export function App({ campaignId, tokens, live }: { campaignId: string; tokens: Tokens; live: Live }) {
  const [page, setPage] = useState(pageOfAddress);
  const userId = useSyncExternalStore(tokens.subscribe, () => tokens.userId);
  const client = useApolloClient();

  useEffect(() => {
    const turn = () => setPage(pageOfAddress());
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, []);

  async function signOut() {
    await tokens.signOut();
    await client.clearStore();
  }

  return (
    <>
      <header>
        <a className="brand" href="#redeem">
          <img src="./favicon.svg" alt="" width="32" height="32" />
          Corner &amp; Co.
        </a>
        <nav aria-label="Pages">
          {Object.entries(PAGES).map(([name, title]) => (
            <a key={name} href={`#${name}`} aria-current={page === name ? "page" : undefined}>
              {title}
            </a>
          ))}
        </nav>
        {userId !== null && (
          <div className="who">
            <span>{userId}</span>
            <button type="button" className="quiet" onClick={() => void signOut()}>
              Sign out
            </button>
          </div>
        )}
      </header>
      <main>
        {page === "redeem" && (
          <>
            <Badge campaignId={campaignId} live={live} />
            <Redeem />
          </>
        )}
        {page === "orders" && (userId === null ? <SignIn tokens={tokens} /> : <Orders key={userId} />)}
      </main>
    </>
  );
}
