import { ApolloProvider } from "@apollo/client/react";
import { createRoot } from "react-dom/client";

import { App } from "./app";
import { makeClient } from "./client";
import { readConfig } from "./config";
import { Live } from "./live";
import { Tokens } from "./tokens";
import "./style.css";

const root = createRoot(document.getElementById("root") as HTMLElement);

try {
  const config = await readConfig();
  const tokens = new Tokens(config.issuer);
  const live = new Live();
  const client = makeClient(config, tokens, live.show);
  root.render(
    <ApolloProvider client={client}>
      <App campaignId={config.campaignId} tokens={tokens} live={live} />
    </ApolloProvider>,
  );
} catch (fault) {
  root.render(<p className="notice bad">{String(fault)}</p>);
}
