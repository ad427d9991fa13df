import { type FormEvent, useState } from "react";

import { Fault } from "./notices";
import type { Tokens } from "./tokens";

export function SignIn({ tokens }: { tokens: Tokens }) {
  const [fault, setFault] = useState<Error | null>(null);

  function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const userId = String(new FormData(event.currentTarget).get("userId")).trim();
    tokens.signIn(userId).catch((error: Error) => setFault(error));
  }

  return (
    <form className="card narrow" onSubmit={submit} aria-label="Sign in">
      <h2>Sign in to see your orders</h2>
      <label>
        User
        <input name="userId" autoComplete="username" required />
      </label>
      <p className="hint">The example issuer believes every name; yours asks for a password first.</p>
      <button>Sign in</button>
      {fault && <Fault error={fault} />}
    </form>
  );
}
