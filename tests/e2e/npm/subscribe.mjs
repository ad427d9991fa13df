// Runs one subscription with the reference client of graphql-transport-ws; prints each result as a line of JSON.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, query] = process.argv.slice(2);
const client = createClient({ url, webSocketImpl: WebSocket, retryAttempts: 0 });
for await (const result of client.iterate({ query })) {
  console.log(JSON.stringify(result));
}
await client.dispose();
