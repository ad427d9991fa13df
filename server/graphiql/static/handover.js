// What another page of ours hands over: an operation behind the # of the address, and the key from memory to memory.

/** The operation and its variables that the address brings; taken out of it, so that a reload begins anew. */
export function takeHandedOver() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!given.has("query")) return {};
  history.replaceState(null, "", location.pathname);
  return { query: given.get("query"), variables: given.get("variables") ?? undefined };
}

/** Asks the page of ours that opened this one, if any did, for its key; `use` is called with it. */
export function askForKey(use) {
  if (!window.opener) return;
  window.addEventListener("message", (event) => {
    const key = event.origin === location.origin && event.source === window.opener && event.data["tessera:key"];
    if (key) use(key);
  });
  window.opener.postMessage("tessera:key?", location.origin);
}
