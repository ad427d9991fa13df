/* Made by codegen.mjs. */

      export interface PossibleTypesResultData {
        possibleTypes: {
          [key: string]: string[]
        }
      }
      const result: PossibleTypesResultData = {
  "possibleTypes": {
    "ActivateAccessCodeBatchResult": [
      "ActivateAccessCodeBatchPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "ActivateAccessCodeResult": [
      "ActivateAccessCodePayload",
      "InvalidInput",
      "NotFound",
      "Conflict",
      "Refused"
    ],
    "AddUsageResult": [
      "AddUsagePayload",
      "InvalidInput",
      "NotFound",
      "UsageLimitReached",
      "Conflict"
    ],
    "CheckUsageResult": [
      "CheckUsagePayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "CreateAccessCodeResult": [
      "CreateAccessCodePayload",
      "InvalidInput",
      "Conflict"
    ],
    "CreateAccessCodesResult": [
      "CreateAccessCodesPayload",
      "InvalidInput",
      "Conflict"
    ],
    "CreateAdminKeyResult": [
      "CreateAdminKeyPayload",
      "InvalidInput",
      "Conflict"
    ],
    "CreateCouponResult": [
      "CreateCouponPayload",
      "InvalidInput",
      "Conflict",
      "RateLimited"
    ],
    "CreateUsageFollowerResult": [
      "CreateUsageFollowerPayload",
      "InvalidInput",
      "Conflict"
    ],
    "DeactivateAccessCodeBatchResult": [
      "DeactivateAccessCodeBatchPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "DeactivateAccessCodeResult": [
      "DeactivateAccessCodePayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "DeleteAccessCodeResult": [
      "DeleteAccessCodePayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "DeleteCouponResult": [
      "DeleteCouponPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "DeleteUsageFollowerResult": [
      "DeleteUsageFollowerPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "Node": [
      "AccessCode",
      "AccessCodeBatch",
      "Activity",
      "AdminKey",
      "Coupon",
      "Order",
      "Redemption",
      "UsageFollower"
    ],
    "Problem": [
      "Conflict",
      "InvalidInput",
      "NotEnoughQuantity",
      "NotFound",
      "RateLimited",
      "Refused",
      "UsageLimitReached"
    ],
    "RedeemAccessCodeResult": [
      "RedeemAccessCodePayload",
      "InvalidInput",
      "NotFound",
      "Conflict",
      "Refused",
      "RateLimited"
    ],
    "RedeemCouponResult": [
      "RedeemCouponPayload",
      "InvalidInput",
      "NotFound",
      "Conflict",
      "Refused",
      "RateLimited"
    ],
    "RedeemUsageResult": [
      "RedeemUsagePayload",
      "InvalidInput",
      "NotFound",
      "UsageLimitReached",
      "Conflict"
    ],
    "RefundOrderProductResult": [
      "RefundOrderProductPayload",
      "InvalidInput",
      "NotFound",
      "NotEnoughQuantity",
      "Conflict"
    ],
    "RefundOrderResult": [
      "RefundOrderPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "RemoveUsageResult": [
      "RemoveUsagePayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "RepairCountersResult": [
      "RepairCountersPayload",
      "InvalidInput",
      "Conflict"
    ],
    "RevokeAdminKeyResult": [
      "RevokeAdminKeyPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "SeriesBucket": [
      "AccessCodeUseBucket",
      "OrderBucket",
      "RedemptionBucket",
      "UsageBucket"
    ],
    "SetAccessCodePublicResult": [
      "SetAccessCodePublicPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "SetCouponActiveResult": [
      "SetCouponActivePayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ],
    "UpdateOrderResult": [
      "UpdateOrderPayload",
      "InvalidInput",
      "NotFound",
      "Refused",
      "Conflict"
    ],
    "UpdateUsageFollowerResult": [
      "UpdateUsageFollowerPayload",
      "InvalidInput",
      "NotFound",
      "Conflict"
    ]
  }
};
      export default result;
    