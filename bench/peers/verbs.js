// The same verbs for the peers that use the native driver: a look-up, a list, and a redemption in a transaction of its own.
import { randomInt } from "node:crypto";
import { MongoClient } from "mongodb";
import { mongoUri } from "./settings.js";

const LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

const client = await new MongoClient(mongoUri).connect();
const database = client.db();
const coupons = database.collection("coupons");
const redemptions = database.collection("redemptions");
const outbox = database.collection("outbox");

export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

function makeCode() {
  const letters = Array.from({ length: 8 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  return `${letters.slice(0, 4)}-${letters.slice(4)}`;
}

export const findCoupon = (twitterId) => coupons.findOne({ twitterId });

export const listCoupons = (first) => coupons.find().sort({ createdAt: -1, _id: -1 }).limit(first).toArray();

// Ledger, both balances and the event, all or nothing, as a careful developer would write it.
export async function redeem({ redeemerTwitterId, couponCode, username, followers }) {
  return client.withSession((session) =>
    session.withTransaction(async () => {
      const coupon = await coupons.findOne({ couponCode, active: true }, { session });
      if (!coupon) throw new Refusal(404, "Invalid coupon code");
      if (coupon.twitterId === redeemerTwitterId) throw new Refusal(400, "Cannot redeem your own coupon");
      if (await redemptions.findOne({ redeemerTwitterId }, { session })) throw new Refusal(403, "Already redeemed");
      const now = new Date();
      const own = await coupons.findOneAndUpdate(
        { twitterId: redeemerTwitterId },
        {
          $inc: { points: 10 },
          $set: { updatedAt: now },
          $setOnInsert: { couponCode: makeCode(), username, followers, role: coupon.role, timesUsed: 0, active: true, createdAt: now },
        },
        { session, upsert: true, returnDocument: "after" },
      );
      const row = { couponId: coupon._id, redeemerTwitterId, redeemerCouponId: own._id, points: 10, redeemedAt: now };
      await redemptions.insertOne(row, { session });
      await outbox.insertOne({ topic: "couponSystem-couponRedeemed", key: String(coupon._id), at: now, sentAt: null }, { session });
      const used = await coupons.findOneAndUpdate(
        { _id: coupon._id },
        { $inc: { points: 10, timesUsed: 1 }, $set: { updatedAt: now, lastUsedAt: now } },
        { session, returnDocument: "after" },
      );
      return { creatorPoints: used.points, redeemerPoints: own.points };
    }, { writeConcern: { w: "majority" } }),
  );
}
