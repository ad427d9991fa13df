// One schema for both GraphQL peers.
import { findCoupon, listCoupons, redeem } from "./verbs.js";

export const typeDefs = `
  type Coupon {
    id: ID!
    couponCode: String!
    twitterId: String!
    username: String!
    followers: Int!
    points: Int!
    timesUsed: Int!
    role: CouponRole!
    active: Boolean!
    createdAt: String!
  }
  enum CouponRole { CREATOR USER }
  type CouponConnection { nodes: [Coupon!]! }
  input RedeemCouponInput { redeemerTwitterId: String!, couponCode: String!, username: String, followers: Int }
  type RedeemCouponPayload { creatorPoints: Int!, redeemerPoints: Int! }
  type Query {
    coupon(twitterId: String!): Coupon
    coupons(first: Int = 20): CouponConnection!
  }
  type Mutation { redeemCoupon(input: RedeemCouponInput!): RedeemCouponPayload! }
`;

export const resolvers = {
  Coupon: {
    id: (coupon) => String(coupon._id),
    role: (coupon) => coupon.role.toUpperCase(),
    createdAt: (coupon) => coupon.createdAt.toISOString(),
  },
  Query: {
    coupon: (_, { twitterId }) => findCoupon(twitterId),
    coupons: async (_, { first }) => ({ nodes: await listCoupons(first) }),
  },
  Mutation: { redeemCoupon: (_, { input }) => redeem(input) },
};
