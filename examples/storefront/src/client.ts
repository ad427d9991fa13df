import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, Observable } from "@apollo/client";
import { CombinedGraphQLErrors } from "@apollo/client/errors";
import { SetContextLink } from "@apollo/client/link/context";
import { ErrorLink } from "@apollo/client/link/error";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode } from "graphql";
import { createClient } from "graphql-ws";

import type { Config } from "./config";
import possibleTypes from "./gql/possible-types";
import type { Tokens } from "./tokens";

const FORBIDDEN = 4403;
const LONGEST_PAUSE_MS = 5_000;

export type Connection = "connecting" | "live" | "away";

/** Apollo in front of one Tessera: queries and mutations over HTTP, subscriptions over one WebSocket. */
export function makeClient(config: Config, tokens: Tokens, show: (connection: Connection) => void): ApolloClient {
  const authorized = new SetContextLink(async ({ headers }) => {
    const token = await tokens.get();
    return { headers: { ...headers, ...(token ? { authorization: `Bearer ${token}` } : {}) } };
  });

  // A token that expired on its way is no fault of the user: once more, with a fresh one.
  const renewing = new ErrorLink(({ error, operation, forward }) => {
    const isExpired =
      CombinedGraphQLErrors.is(error) && error.errors.some((one) => one.extensions?.["reason"] === "TOKEN_EXPIRED");
    if (!isExpired || operation.getContext()["again"]) return;
    operation.setContext({ again: true });
    tokens.forget();
    return new Observable((observer) => forward(operation).subscribe(observer));
  });

  const http = ApolloLink.from([renewing, authorized, new HttpLink({ uri: `${config.api}/graphql` })]);
  const socket = new GraphQLWsLink(makeSocket(config, tokens, show));
  return new ApolloClient({
    link: ApolloLink.split((one) => one.operationType === OperationTypeNode.SUBSCRIPTION, socket, http),
    cache: new InMemoryCache({ possibleTypes: possibleTypes.possibleTypes }),
  });
}

function makeSocket(config: Config, tokens: Tokens, show: (connection: Connection) => void) {
  const client = createClient({
    url: `${config.api.replace(/^http/, "ws")}/graphql`,
    // Asked at every connect, so that a connection that ended with its token begins again with another.
    connectionParams: async () => {
      const token = await tokens.get();
      return token ? { authorization: `Bearer ${token}` } : {};
    },
    shouldRetry: () => true,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: async (retries) => {
      const longest = Math.min(LONGEST_PAUSE_MS, 250 * 2 ** retries);
      await new Promise((resume) => setTimeout(resume, longest * (0.5 + Math.random() / 2)));
    },
    keepAlive: 10_000,
    on: {
      connecting: () => show("connecting"),
      connected: () => show("live"),
      closed: (event) => {
        if (event instanceof CloseEvent && event.code === FORBIDDEN) tokens.forget();
        show("away");
      },
    },
  });
  // Who signs in or out is another caller: every subscription begins anew as that one.
  tokens.subscribe(() => client.terminate());
  return client;
}
