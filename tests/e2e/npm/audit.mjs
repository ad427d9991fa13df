// Audits the GraphQL server whose address is the first argument; prints one JSON object a line for each check.
// A second argument is sent as the admin key, because some checks ask `__type`.
import { auditServer } from "graphql-http";

const [url, key] = process.argv.slice(2);
const fetchFn = (address, { headers, ...rest } = {}) =>
  fetch(address, { ...rest, headers: key ? { ...headers, "x-admin-key": key } : headers });

const results = await auditServer({ url, fetchFn });
for (const { id, name, status, reason } of results) {
  console.log(JSON.stringify({ id, name, status, reason: reason ?? null }));
}
