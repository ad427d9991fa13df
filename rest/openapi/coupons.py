"""What is told of the paths of coupons."""

from typing import Literal

from models.coupons.coupon import Coupon, CouponRole, CreateCoupon, GetCoupon, ListCoupons, RedeemCoupon
from models.coupons.refusals import (
    AlreadyRedeemed,
    CouponAlreadyExists,
    CouponNotFound,
    InvalidCouponCode,
    NewUserFieldsRequired,
    RedemptionFieldsRequired,
    RoleMismatch,
    SelfRedemption,
    TooFewFollowers,
)
from rest.openapi.description import PAGINATION, Answer, Description, ListOf, Nullable, ObjectId, Of, Shape, enveloped

TAG = "Coupons"
COUPON = Shape(Coupon, "Coupon")
LISTED = Shape(Coupon, "ListedCoupon", without=frozenset({"lastUsedAt"}))
MADE = Shape(
    name="NewCoupon",
    more={"code": Of(str, "ABC1-DEF2"), "username": Of(str, "user_handle"), "role": Of(CouponRole, "creator")},
)
REDEMPTION = Shape(
    name="Redemption",
    more={
        "creatorPoints": Of(int, 20),
        "redeemerPoints": Of(int, 10),
        "newUser": Of(Literal[True], True),
        "newCouponCode": Of(str, "XYZ9-ABC8"),
        "message": Of(Literal["New coupon created and points awarded"], "New coupon created and points awarded"),
    },
    optional=frozenset({"newUser", "newCouponCode", "message"}),
)
COUNTS = Shape(
    name="CouponStats",
    more={
        "totalCoupons": Of(int, 45),
        "roleDistribution": Shape(more={"creators": Of(int, 30), "users": Of(int, 15)}),
        "totalRedeemed": Of(int, 128),
        "mostUsedCoupon": Nullable(Shape(Coupon, only=("couponCode", "username", "twitterId", "timesUsed", "points"))),
    },
)

CREATE = Description(
    "createCoupon",
    TAG,
    "Create a coupon",
    Answer("The coupon that was made.", enveloped(MADE), 201),
    body=CreateCoupon,
    refuses=(CouponAlreadyExists(),),
)
GET = Description(
    "getCoupon",
    TAG,
    "Find the coupon of a Twitter user",
    Answer("The coupon.", enveloped(COUPON)),
    query=(GetCoupon,),
    refuses=(CouponNotFound(),),
)
REDEEM = Description(
    "redeemCoupon",
    TAG,
    "Redeem a coupon",
    Answer(
        "Both balances after it, and the coupon of a new user.", enveloped(REDEMPTION, "Coupon redeemed successfully")
    ),
    "Ten points to each side. A redeemer without a coupon gives `username` and `followers`, and gets one.",
    body=RedeemCoupon,
    refuses=(
        RedemptionFieldsRequired.of("couponCode", "Twitter ID and coupon code are required"),
        InvalidCouponCode(),
        SelfRedemption(),
        AlreadyRedeemed(),
        NewUserFieldsRequired.of("username", "Username and followers count are required for new users"),
        TooFewFollowers(),
        RoleMismatch(),
    ),
)
LIST_COUPONS = Description(
    "listCoupons",
    TAG,
    "List coupons, the newest first",
    Answer("A page of coupons.", enveloped(Shape(more={"coupons": ListOf(LISTED), "pagination": PAGINATION}))),
    query=(ListCoupons,),
)
STATS = Description("getCouponStats", TAG, "Count coupons and redemptions", Answer("The counts.", enveloped(COUNTS)))
DELETE = Description(
    "deleteCoupon",
    TAG,
    "Delete a coupon",
    Answer("It is deleted.", enveloped(message="Coupon deleted successfully")),
    path={"couponId": Of(ObjectId, "60d21b4667d0d8992e610c85")},
    refuses=(CouponNotFound(),),
)
