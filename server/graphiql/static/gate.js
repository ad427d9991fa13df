// Asks for the page again with the key in a header, and puts it in the place of this one.
import { headersOf } from "./credentials.js";
import { askForKey } from "./handover.js";

const form = document.getElementById("gate");
const field = document.getElementById("key");
const refusal = document.getElementById("refusal");

/** Scripts of a parsed page never run: only elements made here do, and `async = false` keeps their order. */
function revive(script) {
  const alive = document.createElement("script");
  alive.type = script.type;
  alive.async = false;
  alive.src = script.src;
  script.replaceWith(alive);
}

async function swapIn(text, key) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const main = page.querySelector("script[type=module]");
  if (main) {
    const { setKey } = await import(new URL("credentials.js", main.src));
    setKey(key);
  }
  document.head.replaceChildren(...page.head.children);
  document.body.replaceWith(page.body);
  document.querySelectorAll("script[src]").forEach(revive);
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const key = field.value.trim();
  refusal.textContent = "";
  try {
    const headers = new Headers({ accept: "text/html", ...headersOf(key) });
    const response = await fetch(location.pathname, { headers, cache: "no-store" });
    if (response.status === 401 || response.status === 403) {
      refusal.textContent = "This is no admin's key or token.";
      field.select();
    } else {
      await swapIn(await response.text(), key);
    }
  } catch {
    refusal.textContent = "The server did not answer, or the key holds a character that no header can carry.";
  }
});

askForKey((key) => {
  field.value = key;
  form.requestSubmit();
});
