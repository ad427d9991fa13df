// Express + mongoose + express-rate-limit as such services are commonly written: read the documents, change them, save them.
import { randomInt } from "node:crypto";
import express from "express";
import { rateLimit as limiter } from "express-rate-limit";
import mongoose from "mongoose";
import { listening, mongoUri, port, rateLimit } from "./settings.js";

const LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";
const letters = (number) => Array.from({ length: number }, () => LETTERS[randomInt(LETTERS.length)]).join("");

const couponSchema = new mongoose.Schema(
  {
    couponCode: { type: String, required: true, unique: true },
    twitterId: { type: String, required: true, unique: true },
    username: { type: String, required: true },
    followers: { type: Number, required: true, min: 1000 },
    points: { type: Number, default: 0 },
    timesUsed: { type: Number, default: 0 },
    role: { type: String, enum: ["creator", "user"], default: "user" },
    active: { type: Boolean, default: true },
    lastUsedAt: { type: Date, default: null },
  },
  { timestamps: true, versionKey: false },
);
const redemptionSchema = new mongoose.Schema({ couponId: mongoose.ObjectId, redeemerTwitterId: { type: String, unique: true } });
const Coupon = mongoose.model("Coupon", couponSchema);
const Redemption = mongoose.model("Redemption", redemptionSchema);
await mongoose.connect(mongoUri);

const app = express();
app.disable("x-powered-by");
app.use(express.json());
if (rateLimit) app.use("/api", limiter(rateLimit));
const refuse = (response, status, message) => response.status(status).json({ status: "error", message });

app.get("/health", (_, response) => response.json({ status: "success" }));

app.get("/api/coupon", async (request, response) => {
  const coupon = await Coupon.findOne({ twitterId: request.query.twitterId });
  if (!coupon) return refuse(response, 404, "Coupon not found");
  response.json({ status: "success", data: coupon });
});

app.post("/api/redeem", async (request, response) => {
  const { redeemerTwitterId, couponCode, username, followers } = request.body;
  const coupon = await Coupon.findOne({ couponCode, active: true });
  if (!coupon) return refuse(response, 404, "Invalid coupon code");
  if (coupon.twitterId === redeemerTwitterId) return refuse(response, 400, "Cannot redeem your own coupon");
  if (await Redemption.findOne({ redeemerTwitterId })) return refuse(response, 403, "Already redeemed");
  const own =
    (await Coupon.findOne({ twitterId: redeemerTwitterId })) ??
    new Coupon({ couponCode: `${letters(4)}-${letters(4)}`, twitterId: redeemerTwitterId, username, followers, role: coupon.role });
  own.points += 10;
  await own.save();
  coupon.points += 10;
  coupon.timesUsed += 1;
  coupon.lastUsedAt = new Date();
  await coupon.save();
  await Redemption.create({ couponId: coupon._id, redeemerTwitterId });
  response.json({
    status: "success",
    message: "Coupon redeemed successfully",
    data: { creatorPoints: coupon.points, redeemerPoints: own.points },
  });
});

app.listen(port, "127.0.0.1", listening);
