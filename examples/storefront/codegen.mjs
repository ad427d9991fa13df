// Makes types of the schema and of every operation in src/, and the members of unions and interfaces for the cache.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";

import { codegen } from "@graphql-codegen/core";
import * as fragmentMatcher from "@graphql-codegen/fragment-matcher";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as typescriptOperations from "@graphql-codegen/typescript-operations";
import { buildSchema, parse } from "graphql";

const SCHEMA = new URL("../../schema.graphql", import.meta.url);
const SOURCES = new URL("src/", import.meta.url);
const MADE = new URL("src/gql/", import.meta.url);
const scalars = { BigInt: "number", DateTime: "string", Decimal: "string" };

const text = readFileSync(SCHEMA, "utf8");
const documents = readdirSync(SOURCES)
  .filter((name) => name.endsWith(".graphql"))
  .map((name) => ({ location: name, document: parse(readFileSync(new URL(name, SOURCES), "utf8")) }));

async function make(filename, plugins) {
  const made = await codegen({
    filename,
    documents,
    schema: parse(text),
    schemaAst: buildSchema(text),
    config: { scalars, useTypeImports: true, nonOptionalTypename: true, apolloClientVersion: 3 },
    plugins: Object.keys(plugins).map((name) => ({ [name]: {} })),
    pluginMap: plugins,
  });
  writeFileSync(new URL(filename, MADE), `/* Made by codegen.mjs. */\n${made}`);
}

mkdirSync(MADE, { recursive: true });
await make("operations.ts", { typescriptOperations, typedDocumentNode });
await make("possible-types.ts", { fragmentMatcher });
