// mercurius on fastify, with its just-in-time compiler on from the first request.
import fastify from "fastify";
import mercurius from "mercurius";
import { resolvers, typeDefs } from "./graphql.js";
import { listening, port } from "./settings.js";

const app = fastify();
app.register(mercurius, { schema: typeDefs, resolvers, jit: 1, graphiql: false });
app.get("/health", async () => ({ status: "success" }));
await app.listen({ port, host: "127.0.0.1" });
listening();
