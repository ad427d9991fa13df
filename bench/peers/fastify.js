// REST on fastify with the native driver and compiled serialisers: the quick way in Node.
import fastify from "fastify";
import { listening, port } from "./settings.js";
import { findCoupon, redeem } from "./verbs.js";

const coupon = {
  type: "object",
  properties: {
    _id: { type: "string" }, couponCode: { type: "string" }, twitterId: { type: "string" }, username: { type: "string" },
    followers: { type: "integer" }, points: { type: "integer" }, timesUsed: { type: "integer" }, role: { type: "string" },
    active: { type: "boolean" }, createdAt: { type: "string" }, updatedAt: { type: "string" },
    lastUsedAt: { type: ["string", "null"] },
  },
};
const response = { 200: { type: "object", properties: { status: { type: "string" }, data: coupon } } };
const shown = (found) => ({
  ...found,
  _id: String(found._id),
  createdAt: found.createdAt.toISOString(),
  updatedAt: found.updatedAt.toISOString(),
  lastUsedAt: found.lastUsedAt ? found.lastUsedAt.toISOString() : null,
});

const app = fastify();
app.setErrorHandler((error, _, reply) => reply.code(error.status ?? 500).send({ status: "error", message: error.message }));
app.get("/health", async () => ({ status: "success" }));
app.get("/api/coupon", { schema: { response } }, async (request, reply) => {
  const found = await findCoupon(request.query.twitterId);
  if (!found) return reply.code(404).send({ status: "error", message: "Coupon not found" });
  return { status: "success", data: shown(found) };
});
app.post("/api/redeem", async (request) => ({
  status: "success",
  message: "Coupon redeemed successfully",
  data: await redeem(request.body),
}));
await app.listen({ port, host: "127.0.0.1" });
listening();
