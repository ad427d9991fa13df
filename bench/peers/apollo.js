// Apollo Server on Express, as its documentation sets it up.
import { ApolloServer } from "@apollo/server";
import { expressMiddleware } from "@as-integrations/express5";
import express from "express";
import { resolvers, typeDefs } from "./graphql.js";
import { listening, port } from "./settings.js";

const server = new ApolloServer({ typeDefs, resolvers, introspection: false, csrfPrevention: false });
await server.start();
const app = express();
app.disable("x-powered-by");
app.use("/graphql", express.json(), expressMiddleware(server));
app.get("/health", (_, response) => response.json({ status: "success" }));
app.listen(port, "127.0.0.1", listening);
