// The menu of saved operations, as a plugin beside the documentation and the explorer.

const h = React.createElement;

const Icon = () =>
  h(
    "svg",
    { viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", strokeWidth: 1.6, strokeLinejoin: "round" },
    h("path", { d: "M6 3.5h12v17l-6-4.5-6 4.5z" }),
  );

/** An example shows only where the running schema has all that it asks for. */
function isValid(schema, text) {
  const { parse, validate } = GraphiQL.GraphQL;
  return validate(schema, parse(text)).length === 0;
}

function groupsOf(schema, examples) {
  const groups = new Map();
  for (const example of examples.filter(({ text }) => isValid(schema, text))) {
    groups.set(example.group, [...(groups.get(example.group) ?? []), example]);
  }
  return [...groups];
}

export function examplesPlugin({ start, examples }) {
  const untouched = new Set(["", start, ...examples.map(({ text }) => text)].map((text) => text.trim()));

  function Content() {
    const { schema } = GraphiQL.React.useSchemaContext({ nonNull: true });
    const { tabs, addTab, queryEditor } = GraphiQL.React.useEditorContext({ nonNull: true });
    const [waiting, setWaiting] = React.useState(null);
    const groups = React.useMemo(() => (schema ? groupsOf(schema, examples) : []), [schema]);

    // A new tab takes the editor over in a later render; only then may the text go in.
    React.useEffect(() => {
      if (!waiting || tabs.length < waiting.tabs) return;
      queryEditor.setValue(waiting.text);
      queryEditor.focus();
      setWaiting(null);
    }, [waiting, tabs.length, queryEditor]);

    const open = ({ text }) => {
      const keep = !untouched.has(queryEditor.getValue().trim());
      if (keep) addTab();
      setWaiting({ text, tabs: tabs.length + (keep ? 1 : 0) });
    };

    return h(
      "section",
      { className: "examples", "aria-label": "Examples" },
      h("h2", null, "Examples"),
      schema ? null : h("p", null, "Waiting for the schema …"),
      groups.map(([group, members]) =>
        h(
          "div",
          { key: group },
          h("h3", null, group),
          h(
            "ul",
            null,
            members.map((example) =>
              h(
                "li",
                { key: example.title },
                h("button", { type: "button", onClick: () => open(example) }, example.title),
              ),
            ),
          ),
        ),
      ),
    );
  }

  return { title: "Examples", icon: Icon, content: Content };
}
