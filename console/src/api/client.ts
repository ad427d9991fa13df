import {
  cacheExchange,
  Client,
  type CombinedError,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
} from "@urql/core";
import { createClient as createSocket } from "graphql-ws";
import { credentials } from "./credentials";

export const ENDPOINT = "/graphql";

/** Whether the server no longer knows who is calling: the token ended, or the key was revoked. */
function isLockedOut(error: CombinedError): boolean {
  return error.graphQLErrors.some(({ extensions, message }) => {
    const locked = ["TOKEN_EXPIRED", "TOKEN_INVALID"].includes(String(extensions["reason"]));
    return locked || extensions["code"] === "UNAUTHENTICATED" || message === "Invalid authentication credentials";
  });
}

/** The one client of a session. `onLockedOut` is called once the server no longer lets its key or token in. */
export function openClient(onLockedOut: (message: string) => void): Client {
  const address = new URL(ENDPOINT, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const socket = createSocket({ url: address.href, connectionParams: credentials, lazy: true, retryAttempts: 20 });
  return new Client({
    url: ENDPOINT,
    preferGetMethod: false,
    requestPolicy: "cache-and-network",
    fetchOptions: () => ({ headers: { ...credentials(), accept: "application/json" }, credentials: "omit" }),
    exchanges: [
      mapExchange({
        onError(error) {
          if (isLockedOut(error)) onLockedOut(error.graphQLErrors[0]?.message ?? "");
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ ...request, query: request.query ?? "" }, sink),
          }),
        }),
      }),
    ],
  });
}

/** What went wrong, for people. */
export function sentenceOf(error: CombinedError): string {
  if (error.networkError) return "The server did not answer. Check the connection and try again.";
  return error.graphQLErrors.map(({ message }) => message).join(" ") || error.message;
}
