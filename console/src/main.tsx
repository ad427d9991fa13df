import "./styles";
import { MantineProvider } from "@mantine/core";
import { ModalsProvider } from "@mantine/modals";
import { Notifications } from "@mantine/notifications";
import { setNonce } from "get-nonce";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { App } from "./App";
import { SessionProvider } from "./api/session";
import { forThisVisit, readable, theme } from "./theme";

// What Mantine and its dialogs write into the page is let in by the nonce that the server gave this page.
const nonce = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
setNonce(nonce);

const root = document.getElementById("root");
if (root === null) throw new Error("The page has no root");
createRoot(root).render(
  <MantineProvider
    theme={theme}
    defaultColorScheme="auto"
    colorSchemeManager={forThisVisit()}
    cssVariablesResolver={readable}
    getStyleNonce={() => nonce}
  >
    <Notifications position="bottom-right" limit={4} />
    <SessionProvider>
      <ModalsProvider>
        <Router base="/console">
          <App />
        </Router>
      </ModalsProvider>
    </SessionProvider>
  </MantineProvider>,
);
