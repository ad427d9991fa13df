import type { Client } from "@urql/core";
import type { ProblemCode, TypedDocumentString } from "../generated/graphql";
import { sentenceOf } from "./client";

interface Problem {
  __typename: string;
  code: ProblemCode;
  message: string;
  fields?: { path: string; message: string }[];
}

/** What a mutation answers where it does what it says. */
export type Payload<Result> = Exclude<Result, { code: ProblemCode }>;

/** A change that was refused: the sentence of the server, its code, and what is wrong with which field. */
export class Refusal extends Error {
  constructor(
    message: string,
    readonly code: ProblemCode | null = null,
    readonly fields: { path: string; message: string }[] = [],
  ) {
    super(message);
  }
}

/** A word of our own for one change, under which it may be sent again; also on pages without TLS. */
export function newKey(): string {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((part) => part.toString(36)).join("-");
}

function isProblem(result: object): result is Problem {
  return "code" in result && "message" in result;
}

/**
 * Carries out a mutation and returns its payload; raises `Refusal`. Where the network breaks off it is sent once more
 * under the same idempotency key, so it is never carried out twice.
 */
export async function change<Result extends object, Input extends object>(
  client: Client,
  document: TypedDocumentString<{ result: Result }, { input: Input }>,
  input: Omit<Input, "idempotencyKey">,
): Promise<Payload<Result>> {
  const variables = { input: { ...input, idempotencyKey: newKey() } };
  const send = () => client.mutation<{ result: Result }>(document.toString(), variables).toPromise();
  let answer = await send();
  if (answer.error?.networkError) answer = await send();
  if (answer.error || !answer.data) {
    const code = answer.error?.graphQLErrors[0]?.extensions["code"];
    throw new Refusal(answer.error ? sentenceOf(answer.error) : "Nothing came back.", (code as ProblemCode) ?? null);
  }
  const result = answer.data.result;
  if (isProblem(result)) throw new Refusal(result.message, result.code, result.fields);
  return result as Payload<Result>;
}
