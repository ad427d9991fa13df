import type { RefusalFragment } from "./gql/operations";

/** Why the API refused something, in its own words. */
export function Refusal({ refusal }: { refusal: RefusalFragment }) {
  const fields = refusal.__typename === "InvalidInput" ? refusal.fields : [];
  return (
    <div className="notice bad" role="alert" data-code={refusal.code}>
      {fields.length === 0 && <p>{refusal.message}</p>}
      {fields.map((field) => (
        <p key={field.path}>{field.message}</p>
      ))}
      {refusal.__typename === "RateLimited" && <p>Try again in {refusal.retryAfter} seconds.</p>}
    </div>
  );
}

/** What nobody expected: the API is away, or a token that cannot be renewed. */
export function Fault({ error }: { error: Error }) {
  return (
    <div className="notice bad" role="alert">
      <p>{error.message === "Failed to fetch" ? "The shop cannot be reached. Please try again." : error.message}</p>
    </div>
  );
}
