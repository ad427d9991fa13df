// Puts GraphiQL together. React, ReactDOM, GraphiQL and GraphiQLPluginExplorer are the globals of the npm files.
import { credentials } from "./credentials.js";
import { examplesPlugin } from "./examples.js";
import { KeyField } from "./key.js";
import { takeHandedOver } from "./handover.js";

const h = React.createElement;
const configuration = JSON.parse(document.getElementById("configuration").textContent);

/** GraphiQL keeps tabs, history and headers in the store it is given: this one is gone with the page.
 *  It begins with the width of the left panel beside the rest. */
function memoryStorage() {
  const entries = new Map([["graphiql:docExplorerFlex", "0.27"]]);
  return {
    getItem: (name) => entries.get(name) ?? null,
    setItem: (name, value) => void entries.set(name, value),
    removeItem: (name) => void entries.delete(name),
    clear: () => entries.clear(),
    get length() {
      return entries.size;
    },
  };
}

const url = new URL(configuration.endpoint, location.href);
const subscriptionUrl = Object.assign(new URL(url), { protocol: url.protocol.replace("http", "ws") });

/** A fetcher is cheap and made for each operation, with the key as it is then. */
function fetcher(operation, options) {
  const send = GraphiQL.createFetcher({
    url: url.href,
    subscriptionUrl: subscriptionUrl.href,
    headers: credentials(),
    wsConnectionParams: credentials(),
    enableIncrementalDelivery: false,
  });
  return send(operation, options);
}

const icon = document.querySelector("link[rel=icon]").href;
const logo = h(
  GraphiQL.Logo,
  null,
  h(KeyField, configuration),
  h("img", { src: icon, alt: "", width: 22, height: 22 }),
  h("strong", null, "Tessera"),
);

const examples = examplesPlugin(configuration);
const { query, variables } = takeHandedOver();

ReactDOM.createRoot(document.getElementById("graphiql")).render(
  h(
    GraphiQL,
    {
      fetcher,
      storage: memoryStorage(),
      shouldPersistHeaders: false,
      defaultQuery: configuration.start,
      query,
      variables,
      defaultEditorToolsVisibility: variables === undefined ? false : "variables",
      inputValueDeprecation: true,
      plugins: [examples, GraphiQLPluginExplorer.explorerPlugin()],
      visiblePlugin: examples,
    },
    logo,
  ),
);
