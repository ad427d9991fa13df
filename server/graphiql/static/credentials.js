// The admin key or token lives in this module's memory and nowhere else: no store, no cookie, no address.
let key = "";

export const hasKey = () => key !== "";

export const setKey = (value) => {
  key = value;
};

/** The headers of a request, which are the payload of `connection_init` over WebSocket too. */
export const credentials = () => (key ? headersOf(key) : {});

/** Three parts of base64, of which the first is a JSON object, are a token; anything else is an admin key. */
export const headersOf = (text) =>
  /^eyJ[\w-]*\.[\w-]+\.[\w-]+$/.test(text) ? { authorization: `Bearer ${text}` } : { "x-admin-key": text };
