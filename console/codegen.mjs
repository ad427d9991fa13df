// Types of every operation under src/, from the schema that the server prints: an operation that the schema
// does not have, or that breaks one of its rules, ends the build.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codegen } from "@graphql-codegen/core";
import * as typedDocumentNode from "@graphql-codegen/typed-document-node";
import * as typescriptOperations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const HOME = import.meta.dirname;
const OUTPUT = join(HOME, "src", "generated");

const documents = readdirSync(join(HOME, "src"), { recursive: true })
  .filter((name) => name.endsWith(".graphql"))
  .sort()
  .map((name) => ({ location: name, document: parse(readFileSync(join(HOME, "src", name), "utf8")) }));

const text = await codegen({
  filename: "graphql.ts",
  schema: parse(readFileSync(join(HOME, "..", "schema.graphql"), "utf8")),
  documents,
  config: {
    documentMode: "string",
    enumsAsTypes: true,
    onlyOperationTypes: true,
    skipTypename: true,
    strictScalars: true,
    useTypeImports: true,
    scalars: { BigInt: "number", DateTime: "string", Decimal: "string" },
  },
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations: typescriptOperations, documents: typedDocumentNode },
});

mkdirSync(OUTPUT, { recursive: true });
writeFileSync(join(OUTPUT, "graphql.ts"), text);
