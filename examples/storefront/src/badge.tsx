import { useSubscription } from "@apollo/client/react";
import { useSyncExternalStore } from "react";

import { LeftDocument } from "./gql/operations";
import type { Live } from "./live";

const STATES = { connecting: "Connecting …", live: "Live", away: "Reconnecting …" };

/** What is left of the campaign in all, as it goes. */
export function Badge({ campaignId, live }: { campaignId: string; live: Live }) {
  const { data, error } = useSubscription(LeftDocument, { variables: { campaignId } });
  const connection = useSyncExternalStore(live.subscribe, live.get);
  const left = data?.publicAvailabilityChanged;
  const { limit, remaining } = left ?? {};
  const part = limit && remaining != null ? Math.round((100 * remaining) / limit) : 100;

  return (
    <section className="hero">
      <div>
        <p className="eyebrow">Autumn drop</p>
        <h1>Twenty percent off, for as long as there is some left.</h1>
        <p className="lead">Share your code with a friend, and both of you are ten points better off.</p>
      </div>
      <aside className="badge" aria-live="polite">
        <p className={`state ${connection}`}>{STATES[connection]}</p>
        {error && <p className="notice bad">{error.message}</p>}
        {!error && !data && <p className="count placeholder">…</p>}
        {data && !left && <p className="unknown">Nothing is on offer at the moment.</p>}
        {left && (
          <>
            <p className="count" data-testid="remaining">
              {remaining?.toLocaleString("en") ?? "∞"}
            </p>
            <p className="of">{limit ? `of ${limit.toLocaleString("en")} left` : "no limit"}</p>
            <div className="bar">
              <div style={{ inlineSize: `${part}%` }} />
            </div>
          </>
        )}
      </aside>
    </section>
  );
}
