// The admin key in the page's head: asked once, judged by the server, kept in memory.
import { credentials, hasKey, setKey } from "./credentials.js";
import { askForKey } from "./handover.js";

const h = React.createElement;

async function isAdmin(endpoint) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", ...credentials() },
    body: JSON.stringify({ query: "{ viewer { isAdmin } }" }),
  });
  const answer = await response.json();
  return answer.data?.viewer?.isAdmin === true;
}

export function KeyField({ endpoint, open }) {
  const [known, setKnown] = React.useState(hasKey());
  const [refused, setRefused] = React.useState(false);

  const forget = () => {
    setKey("");
    setKnown(false);
    // Where the tools are closed the page is of no use without the key, and the answers shown were the admin's.
    if (!open) location.reload();
  };

  const use = async (text) => {
    setKey(text);
    const admitted = await isAdmin(endpoint).catch(() => false);
    if (!admitted) setKey("");
    setRefused(!admitted);
    setKnown(admitted);
  };

  React.useEffect(() => {
    if (!hasKey()) askForKey(use);
  }, []);

  const submit = (event) => {
    event.preventDefault();
    use(event.target.elements[0].value.trim());
  };

  if (known) {
    return h(
      "div",
      { className: "key", role: "status" },
      h("span", null, "Admin key in memory"),
      h("button", { type: "button", onClick: forget }, "Forget"),
    );
  }
  return h(
    "form",
    { className: "key", onSubmit: submit },
    h("input", {
      type: "password",
      autoComplete: "off",
      placeholder: refused ? "Not the admin key" : "Admin key",
      "aria-label": "Admin key",
      "aria-invalid": refused,
      required: true,
    }),
    h("button", { type: "submit" }, "Use"),
  );
}
