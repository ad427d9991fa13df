/* Made by codegen.mjs. */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { TypedDocumentNode as DocumentNode } from '@graphql-typed-document-node/core';
/** The known values of an order's status; `OTHER` is any other text, told by `statusText`. */
export type OrderStatus =
  /** `Pending`: new; its user may still change the address. */
  | 'PENDING'
  /** `Processing`: it is being prepared. */
  | 'PROCESSING'
  /** `Shipped`: it is on its way. */
  | 'SHIPPED'
  /** `Delivered`: it has arrived. */
  | 'DELIVERED'
  /** `Cancelled`: it will not be delivered. A refund is another thing. */
  | 'CANCELLED'
  /** Any other text, which `statusText` tells. */
  | 'OTHER';

/** What went wrong: the same word that REST gives in `code`. */
export type ProblemCode =
  /** 403: this user has used the code, which each may do once. */
  | 'ACCESS_CODE_ALREADY_USED'
  /** 409: there is a batch of this name already. */
  | 'ACCESS_CODE_BATCH_ALREADY_EXISTS'
  /** 409: the batch was begun with other values. */
  | 'ACCESS_CODE_BATCH_CHANGED'
  /** 404: there is no batch of access codes of this name. */
  | 'ACCESS_CODE_BATCH_NOT_FOUND'
  /** 403, or 400 for activating: the code's time is over. */
  | 'ACCESS_CODE_EXPIRED'
  /** 403, or 400 for activating: the code was used `maxUses` times. */
  | 'ACCESS_CODE_FULLY_USED'
  /** 403: an admin has deactivated the code. */
  | 'ACCESS_CODE_INACTIVE'
  /** 404: an admin named a code that does not exist. */
  | 'ACCESS_CODE_NOT_FOUND'
  /** 409: another key has this name, or it is one of Tessera's own. */
  | 'ADMIN_KEY_NAME_TAKEN'
  /** 404: there is no admin key of this id. */
  | 'ADMIN_KEY_NOT_FOUND'
  /** 403: the redeemer has redeemed a coupon before, which each may do once ever. */
  | 'ALREADY_REDEEMED'
  /** 400: something that was sent is malformed; `InvalidInput.fields` names every fault. */
  | 'BAD_USER_INPUT'
  /** 409: the user has a coupon, and can have one only. */
  | 'COUPON_ALREADY_EXISTS'
  /** 404: there is no coupon of this user or id. */
  | 'COUPON_NOT_FOUND'
  /** 403: the credentials do not hold, or do not allow this. */
  | 'FORBIDDEN'
  /** 431: the headers are more than the server takes. */
  | 'HEADERS_TOO_LARGE'
  /** 409: the first request with this idempotency key has not ended; try again. */
  | 'IDEMPOTENCY_KEY_IN_USE'
  /** 422: this idempotency key came before with another input. */
  | 'IDEMPOTENCY_KEY_REUSED'
  /** 500: a mistake of the server; the request id tells it which. */
  | 'INTERNAL_SERVER_ERROR'
  /** 404: there is no such access code. */
  | 'INVALID_ACCESS_CODE'
  /** 404: no coupon has this code, or it is not active. */
  | 'INVALID_COUPON_CODE'
  /** 405: the path has other methods; `Allow` names them. */
  | 'METHOD_NOT_ALLOWED'
  /** 400: a redeemer without a coupon gives `username` and `followers`. */
  | 'NEW_USER_FIELDS_REQUIRED'
  /** 409: fewer units than these are left to refund. */
  | 'NOT_ENOUGH_QUANTITY'
  /** 404: there is no such path. */
  | 'NOT_FOUND'
  /** 409: no amount was given, and the user has set nothing aside or it has expired. */
  | 'NO_OPEN_HOLD'
  /** 409: every unit of the order is refunded. */
  | 'ORDER_ALREADY_REFUNDED'
  /** 404: there is no order of this id. */
  | 'ORDER_NOT_FOUND'
  /** 403: its user may change an order only while it is pending. */
  | 'ORDER_NOT_PENDING'
  /** 409: some products are refunded; refund the others one by one. */
  | 'ORDER_PARTLY_REFUNDED'
  /** 413: the body is larger than the server takes. */
  | 'PAYLOAD_TOO_LARGE'
  /** 409: every unit of the product is refunded. */
  | 'PRODUCT_ALREADY_REFUNDED'
  /** 404: the order has no such product. */
  | 'PRODUCT_NOT_FOUND'
  /** 400: a refund needs one unit at least. */
  | 'QUANTITY_NOT_POSITIVE'
  /** 429: too many public requests from this address; `retryAfter` says when to return. */
  | 'RATE_LIMITED'
  /** 400: a redemption needs `redeemerTwitterId` and `couponCode`. */
  | 'REDEMPTION_FIELDS_REQUIRED'
  /** 408: the request did not come whole in time. */
  | 'REQUEST_TIMEOUT'
  /** 403: the redeemer's coupon is of the other role. */
  | 'ROLE_MISMATCH'
  /** 400: the redeemer owns the coupon. */
  | 'SELF_REDEMPTION'
  /** 503: the database is away or too busy; nothing was changed, try again. */
  | 'SERVICE_UNAVAILABLE'
  /** 400: a redeemer without a coupon needs at least 1000 followers. */
  | 'TOO_FEW_FOLLOWERS'
  /** 401: nobody is signed in, and this needs a user or an admin. */
  | 'UNAUTHENTICATED'
  /** 415: the body is not said to be JSON in UTF-8. */
  | 'UNSUPPORTED_MEDIA_TYPE'
  /** 414: path and query are longer than the server takes. */
  | 'URI_TOO_LONG'
  /** 409: the coupon or campaign has a follower, and can have one only. */
  | 'USAGE_FOLLOWER_ALREADY_EXISTS'
  /** 404: nothing follows this coupon or campaign, or there is no such id. */
  | 'USAGE_FOLLOWER_NOT_FOUND'
  /** 409: a limit leaves fewer units than these; `limits` tells which and how many. */
  | 'USAGE_LIMIT_REACHED';

/** Who redeems which access code. */
export type RedeemAccessCodeInput = {
  /** Your own word for this change, up to 255 printable ASCII characters: sent again with the same input within 24 hours it answers what it answered first and changes nothing. */
  idempotencyKey?: string | null | undefined;
  /** The code, as typed or pasted: case, outer blanks, invisible characters and the kind of a dash do not count. */
  code: string;
  /** The user: the exact name, case and all, up to 256 characters. */
  username: string;
  /** The user's Twitter id. */
  twitterId?: string | null | undefined;
};

/** What a redemption needs. A redeemer without a coupon gives `username` and `followers`. */
export type RedeemCouponInput = {
  /** Your own word for this change, up to 255 printable ASCII characters: sent again with the same input within 24 hours it answers what it answered first and changes nothing. */
  idempotencyKey?: string | null | undefined;
  /** The Twitter id of the redeemer. */
  redeemerTwitterId: string;
  /** The code, as typed or pasted: case, blanks, dashes, quotes and invisible characters do not count. */
  couponCode: string;
  /** The username of a redeemer who has no coupon yet. */
  username?: string | null | undefined;
  /** How many followers a redeemer who has no coupon yet has, at least 1000. */
  followers?: number | null | undefined;
};

/** Which units of which order to refund. */
export type RefundOrderProductInput = {
  /** Your own word for this change, up to 255 printable ASCII characters: sent again with the same input within 24 hours it answers what it answered first and changes nothing. */
  idempotencyKey?: string | null | undefined;
  /** The order's Relay id or raw `_id`. */
  id: string | number;
  /** The id of the product. */
  productId: string;
  /** How many units, at least 1. */
  quantity: number;
};

export type RedeemMutationVariables = Exact<{
  input: RedeemCouponInput;
}>;


export type RedeemMutation = { __typename: 'Mutation', redeemCoupon:
    | { __typename: 'RedeemCouponPayload', creatorPoints: number, redeemerPoints: number, newUser: boolean, newCoupon: { __typename: 'Coupon', id: string, couponCode: string, points: number } | null }
    | { __typename: 'InvalidInput', code: ProblemCode, message: string, fields: Array<{ __typename: 'FieldFault', path: string, message: string }> }
    | { __typename: 'NotFound', code: ProblemCode, message: string }
    | { __typename: 'Conflict', code: ProblemCode, message: string }
    | { __typename: 'Refused', code: ProblemCode, message: string }
    | { __typename: 'RateLimited', retryAfter: number, code: ProblemCode, message: string }
   };

export type CodeValidityQueryVariables = Exact<{
  code: string;
}>;


export type CodeValidityQuery = { __typename: 'Query', accessCodeValidity: { __typename: 'AccessCodeValidity', id: string, valid: boolean, message: string, remainingUses: number | null } };

export type UseCodeMutationVariables = Exact<{
  input: RedeemAccessCodeInput;
}>;


export type UseCodeMutation = { __typename: 'Mutation', redeemAccessCode:
    | { __typename: 'RedeemAccessCodePayload', accessCode: { __typename: 'AccessCode', id: string, description: string, validity: { __typename: 'AccessCodeValidity', id: string, valid: boolean, message: string, remainingUses: number | null } } }
    | { __typename: 'InvalidInput', code: ProblemCode, message: string, fields: Array<{ __typename: 'FieldFault', path: string, message: string }> }
    | { __typename: 'NotFound', code: ProblemCode, message: string }
    | { __typename: 'Conflict', code: ProblemCode, message: string }
    | { __typename: 'Refused', code: ProblemCode, message: string }
    | { __typename: 'RateLimited', retryAfter: number, code: ProblemCode, message: string }
   };

export type LeftSubscriptionVariables = Exact<{
  campaignId: string | number;
}>;


export type LeftSubscription = { __typename: 'Subscription', publicAvailabilityChanged: { __typename: 'PublicAvailability', id: string, limit: number | null, remaining: number | null, available: boolean } | null };

export type MyOrdersQueryVariables = Exact<{
  after?: string | null | undefined;
}>;


export type MyOrdersQuery = { __typename: 'Query', orders: { __typename: 'OrderConnection', nodes: Array<{ __typename: 'Order', id: string, databaseId: string, status: OrderStatus, totalPrice: string, refunded: boolean, createdAt: string, cardLast4: string, products: Array<{ __typename: 'OrderProduct', productId: string, quantity: number, price: string, amount: string, isRefunded: boolean, refundedQuantity: number, refundedAmount: string }> }>, pageInfo: { __typename: 'PageInfo', hasNextPage: boolean, endCursor: string | null } } };

export type MyOrdersChangedSubscriptionVariables = Exact<{ [key: string]: never; }>;


export type MyOrdersChangedSubscription = { __typename: 'Subscription', orderChanged: { __typename: 'Order', id: string, databaseId: string, status: OrderStatus, totalPrice: string, refunded: boolean, createdAt: string, cardLast4: string, products: Array<{ __typename: 'OrderProduct', productId: string, quantity: number, price: string, amount: string, isRefunded: boolean, refundedQuantity: number, refundedAmount: string }> } };

export type GiveBackMutationVariables = Exact<{
  input: RefundOrderProductInput;
}>;


export type GiveBackMutation = { __typename: 'Mutation', refundOrderProduct:
    | { __typename: 'RefundOrderProductPayload', order: { __typename: 'Order', id: string, databaseId: string, status: OrderStatus, totalPrice: string, refunded: boolean, createdAt: string, cardLast4: string, products: Array<{ __typename: 'OrderProduct', productId: string, quantity: number, price: string, amount: string, isRefunded: boolean, refundedQuantity: number, refundedAmount: string }> } }
    | { __typename: 'InvalidInput', code: ProblemCode, message: string, fields: Array<{ __typename: 'FieldFault', path: string, message: string }> }
    | { __typename: 'NotFound', code: ProblemCode, message: string }
    | { __typename: 'NotEnoughQuantity', code: ProblemCode, message: string }
    | { __typename: 'Conflict', code: ProblemCode, message: string }
   };

export type ValidityFragment = { __typename: 'AccessCodeValidity', id: string, valid: boolean, message: string, remainingUses: number | null };

export type OrderCardFragment = { __typename: 'Order', id: string, databaseId: string, status: OrderStatus, totalPrice: string, refunded: boolean, createdAt: string, cardLast4: string, products: Array<{ __typename: 'OrderProduct', productId: string, quantity: number, price: string, amount: string, isRefunded: boolean, refundedQuantity: number, refundedAmount: string }> };

type Refusal_Conflict_Fragment = { __typename: 'Conflict', code: ProblemCode, message: string };

type Refusal_InvalidInput_Fragment = { __typename: 'InvalidInput', code: ProblemCode, message: string, fields: Array<{ __typename: 'FieldFault', path: string, message: string }> };

type Refusal_NotEnoughQuantity_Fragment = { __typename: 'NotEnoughQuantity', code: ProblemCode, message: string };

type Refusal_NotFound_Fragment = { __typename: 'NotFound', code: ProblemCode, message: string };

type Refusal_RateLimited_Fragment = { __typename: 'RateLimited', retryAfter: number, code: ProblemCode, message: string };

type Refusal_Refused_Fragment = { __typename: 'Refused', code: ProblemCode, message: string };

type Refusal_UsageLimitReached_Fragment = { __typename: 'UsageLimitReached', code: ProblemCode, message: string };

export type RefusalFragment =
  | Refusal_Conflict_Fragment
  | Refusal_InvalidInput_Fragment
  | Refusal_NotEnoughQuantity_Fragment
  | Refusal_NotFound_Fragment
  | Refusal_RateLimited_Fragment
  | Refusal_Refused_Fragment
  | Refusal_UsageLimitReached_Fragment
;

export const ValidityFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Validity"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccessCodeValidity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"valid"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"remainingUses"}}]}}]} as unknown as DocumentNode<ValidityFragment, unknown>;
export const OrderCardFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"OrderCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"databaseId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"totalPrice"}},{"kind":"Field","name":{"kind":"Name","value":"refunded"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"cardLast4"}},{"kind":"Field","name":{"kind":"Name","value":"products"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"price"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"isRefunded"}},{"kind":"Field","name":{"kind":"Name","value":"refundedQuantity"}},{"kind":"Field","name":{"kind":"Name","value":"refundedAmount"}}]}}]}}]} as unknown as DocumentNode<OrderCardFragment, unknown>;
export const RefusalFragmentDoc = {"kind":"Document","definitions":[{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Refusal"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Problem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInput"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fields"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RateLimited"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}}]} as unknown as DocumentNode<RefusalFragment, unknown>;
export const RedeemDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"Redeem"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RedeemCouponInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"redeemCoupon"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RedeemCouponPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"creatorPoints"}},{"kind":"Field","name":{"kind":"Name","value":"redeemerPoints"}},{"kind":"Field","name":{"kind":"Name","value":"newUser"}},{"kind":"Field","name":{"kind":"Name","value":"newCoupon"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"couponCode"}},{"kind":"Field","name":{"kind":"Name","value":"points"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Refusal"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Refusal"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Problem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInput"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fields"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RateLimited"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}}]} as unknown as DocumentNode<RedeemMutation, RedeemMutationVariables>;
export const CodeValidityDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"CodeValidity"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"code"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessCodeValidity"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"code"},"value":{"kind":"Variable","name":{"kind":"Name","value":"code"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Validity"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Validity"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccessCodeValidity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"valid"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"remainingUses"}}]}}]} as unknown as DocumentNode<CodeValidityQuery, CodeValidityQueryVariables>;
export const UseCodeDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"UseCode"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RedeemAccessCodeInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"redeemAccessCode"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RedeemAccessCodePayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"accessCode"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"description"}},{"kind":"Field","name":{"kind":"Name","value":"validity"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"Validity"}}]}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Refusal"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Validity"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"AccessCodeValidity"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"valid"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"Field","name":{"kind":"Name","value":"remainingUses"}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Refusal"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Problem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInput"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fields"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RateLimited"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}}]} as unknown as DocumentNode<UseCodeMutation, UseCodeMutationVariables>;
export const LeftDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"Left"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"campaignId"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"ID"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"publicAvailabilityChanged"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"campaignId"},"value":{"kind":"Variable","name":{"kind":"Name","value":"campaignId"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"limit"}},{"kind":"Field","name":{"kind":"Name","value":"remaining"}},{"kind":"Field","name":{"kind":"Name","value":"available"}}]}}]}}]} as unknown as DocumentNode<LeftSubscription, LeftSubscriptionVariables>;
export const MyOrdersDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"query","name":{"kind":"Name","value":"MyOrders"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"after"}},"type":{"kind":"NamedType","name":{"kind":"Name","value":"String"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"orders"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"first"},"value":{"kind":"IntValue","value":"10"}},{"kind":"Argument","name":{"kind":"Name","value":"after"},"value":{"kind":"Variable","name":{"kind":"Name","value":"after"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"nodes"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"OrderCard"}}]}},{"kind":"Field","name":{"kind":"Name","value":"pageInfo"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"hasNextPage"}},{"kind":"Field","name":{"kind":"Name","value":"endCursor"}}]}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"OrderCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"databaseId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"totalPrice"}},{"kind":"Field","name":{"kind":"Name","value":"refunded"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"cardLast4"}},{"kind":"Field","name":{"kind":"Name","value":"products"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"price"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"isRefunded"}},{"kind":"Field","name":{"kind":"Name","value":"refundedQuantity"}},{"kind":"Field","name":{"kind":"Name","value":"refundedAmount"}}]}}]}}]} as unknown as DocumentNode<MyOrdersQuery, MyOrdersQueryVariables>;
export const MyOrdersChangedDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"subscription","name":{"kind":"Name","value":"MyOrdersChanged"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"orderChanged"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"OrderCard"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"OrderCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"databaseId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"totalPrice"}},{"kind":"Field","name":{"kind":"Name","value":"refunded"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"cardLast4"}},{"kind":"Field","name":{"kind":"Name","value":"products"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"price"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"isRefunded"}},{"kind":"Field","name":{"kind":"Name","value":"refundedQuantity"}},{"kind":"Field","name":{"kind":"Name","value":"refundedAmount"}}]}}]}}]} as unknown as DocumentNode<MyOrdersChangedSubscription, MyOrdersChangedSubscriptionVariables>;
export const GiveBackDocument = {"kind":"Document","definitions":[{"kind":"OperationDefinition","operation":"mutation","name":{"kind":"Name","value":"GiveBack"},"variableDefinitions":[{"kind":"VariableDefinition","variable":{"kind":"Variable","name":{"kind":"Name","value":"input"}},"type":{"kind":"NonNullType","type":{"kind":"NamedType","name":{"kind":"Name","value":"RefundOrderProductInput"}}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"refundOrderProduct"},"arguments":[{"kind":"Argument","name":{"kind":"Name","value":"input"},"value":{"kind":"Variable","name":{"kind":"Name","value":"input"}}}],"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RefundOrderProductPayload"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"order"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"FragmentSpread","name":{"kind":"Name","value":"OrderCard"}}]}}]}},{"kind":"FragmentSpread","name":{"kind":"Name","value":"Refusal"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"OrderCard"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Order"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"id"}},{"kind":"Field","name":{"kind":"Name","value":"databaseId"}},{"kind":"Field","name":{"kind":"Name","value":"status"}},{"kind":"Field","name":{"kind":"Name","value":"totalPrice"}},{"kind":"Field","name":{"kind":"Name","value":"refunded"}},{"kind":"Field","name":{"kind":"Name","value":"createdAt"}},{"kind":"Field","name":{"kind":"Name","value":"cardLast4"}},{"kind":"Field","name":{"kind":"Name","value":"products"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"productId"}},{"kind":"Field","name":{"kind":"Name","value":"quantity"}},{"kind":"Field","name":{"kind":"Name","value":"price"}},{"kind":"Field","name":{"kind":"Name","value":"amount"}},{"kind":"Field","name":{"kind":"Name","value":"isRefunded"}},{"kind":"Field","name":{"kind":"Name","value":"refundedQuantity"}},{"kind":"Field","name":{"kind":"Name","value":"refundedAmount"}}]}}]}},{"kind":"FragmentDefinition","name":{"kind":"Name","value":"Refusal"},"typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"Problem"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"code"}},{"kind":"Field","name":{"kind":"Name","value":"message"}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"InvalidInput"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"fields"},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"path"}},{"kind":"Field","name":{"kind":"Name","value":"message"}}]}}]}},{"kind":"InlineFragment","typeCondition":{"kind":"NamedType","name":{"kind":"Name","value":"RateLimited"}},"selectionSet":{"kind":"SelectionSet","selections":[{"kind":"Field","name":{"kind":"Name","value":"retryAfter"}}]}}]}}]} as unknown as DocumentNode<GiveBackMutation, GiveBackMutationVariables>;