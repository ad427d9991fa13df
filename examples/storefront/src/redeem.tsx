import { useMutation, useQuery } from "@apollo/client/react";
import { type FormEvent, useState } from "react";

import { CodeValidityDocument, RedeemDocument, UseCodeDocument } from "./gql/operations";
import { Fault, Refusal } from "./notices";

const given = (form: FormData, name: string): string => String(form.get(name) ?? "").trim();

export function Redeem() {
  return (
    <div className="columns">
      <CouponForm />
      <AccessCodeForm />
    </div>
  );
}

function CouponForm() {
  const [redeem, { data, error, loading }] = useMutation(RedeemDocument, { errorPolicy: "none" });
  const result = data?.redeemCoupon;

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const followers = Number.parseInt(given(form, "followers"), 10);
    const input = {
      redeemerTwitterId: given(form, "twitterId"),
      couponCode: given(form, "couponCode"),
      username: given(form, "username") || null,
      followers: Number.isNaN(followers) ? null : followers,
      // Sent again after a broken connection it is still one redemption.
      idempotencyKey: crypto.randomUUID(),
    };
    void redeem({ variables: { input } }).catch(() => undefined);
  }

  return (
    <form className="card" onSubmit={submit} aria-label="Redeem a coupon">
      <h2>Redeem a friend’s coupon</h2>
      <label>
        Coupon code
        <input name="couponCode" placeholder="ABCD-EFGH" autoComplete="off" spellCheck={false} required />
      </label>
      <label>
        Your Twitter id
        <input name="twitterId" inputMode="numeric" autoComplete="off" required />
      </label>
      <div className="pair">
        <label>
          Username
          <input name="username" autoComplete="username" />
        </label>
        <label>
          Followers
          <input name="followers" type="number" min="0" max="2147483647" />
        </label>
      </div>
      <p className="hint">Username and followers only where you have no coupon yet.</p>
      <button disabled={loading}>{loading ? "One moment …" : "Redeem"}</button>
      {error && <Fault error={error} />}
      {result?.__typename === "RedeemCouponPayload" && (
        <div className="notice good" role="status">
          <p>
            <strong>{result.redeemerPoints} points</strong> for you, {result.creatorPoints} for your friend.
          </p>
          {result.newCoupon && (
            <p>
              Your own code to share: <code>{result.newCoupon.couponCode}</code>
            </p>
          )}
        </div>
      )}
      {result && result.__typename !== "RedeemCouponPayload" && <Refusal refusal={result} />}
    </form>
  );
}

function AccessCodeForm() {
  const [code, setCode] = useState("");
  const [use, { data, error, loading }] = useMutation(UseCodeDocument, { errorPolicy: "none" });
  // The mutation gives the validity back under the same id, so the cache shows at once what is left of the code.
  const known = useQuery(CodeValidityDocument, { variables: { code }, skip: code.length < 6 });
  const validity = known.data?.accessCodeValidity;
  const result = data?.redeemAccessCode;

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const input = { code, username: given(form, "username"), idempotencyKey: crypto.randomUUID() };
    void use({ variables: { input } }).catch(() => undefined);
  }

  return (
    <form className="card" onSubmit={submit} aria-label="Use an access code">
      <h2>Unlock early access</h2>
      <label>
        Access code
        <input
          name="code"
          placeholder="ABC123"
          autoComplete="off"
          spellCheck={false}
          value={code}
          onChange={(event) => setCode(event.target.value.trim())}
          required
        />
      </label>
      {validity && (
        <p className={`hint ${validity.valid ? "yes" : "no"}`} data-testid="validity">
          {validity.message}
          {validity.remainingUses != null && ` · ${validity.remainingUses} left`}
        </p>
      )}
      <label>
        Username
        <input name="username" autoComplete="username" required />
      </label>
      <button disabled={loading}>{loading ? "One moment …" : "Unlock"}</button>
      {error && <Fault error={error} />}
      {result?.__typename === "RedeemAccessCodePayload" && (
        <div className="notice good" role="status">
          <p>
            Welcome in: <strong>{result.accessCode.description}</strong>
          </p>
        </div>
      )}
      {result && result.__typename !== "RedeemAccessCodePayload" && <Refusal refusal={result} />}
    </form>
  );
}
