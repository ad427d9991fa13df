// The admin key lives in this module's memory and nowhere else: no store, no cookie, no address.
let key = "";

export const hasKey = () => key !== "";

export const setKey = (value) => {
  key = value;
};

/** The headers of a request, which are the payload of `connection_init` over WebSocket too. */
export const credentials = () => (key ? { "x-admin-key": key } : {});
