// The key or token lives in this module's memory and nowhere else: no store, no cookie, no address.
let secret = "";

/** Three parts of base64, of which the first is a JSON object: a token. Anything else is an admin key. */
export const isToken = (text: string): boolean => /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(text);

export function remember(text: string): void {
  secret = text;
}

/** The headers of a request, which are the payload of `connection_init` over WebSocket too. */
export function credentials(): Record<string, string> {
  if (secret === "") return {};
  return isToken(secret) ? { authorization: `Bearer ${secret}` } : { "x-admin-key": secret };
}

/** Hands the key to a GraphiQL that this page has opened, and that asks for it: from memory to memory. */
export function lendToGraphiQL(): () => void {
  const lend = (event: MessageEvent): void => {
    if (event.origin !== location.origin || event.data !== "tessera:key?" || secret === "") return;
    (event.source as Window | null)?.postMessage({ "tessera:key": secret }, location.origin);
  };
  window.addEventListener("message", lend);
  return () => window.removeEventListener("message", lend);
}
