import type { OperationContext } from "@urql/core";
import { useMemo } from "react";
import { useQuery } from "urql";
import type { TypedDocumentString } from "../generated/graphql";
import { ENDPOINT, sentenceOf } from "./client";

/** An operation with its variables, as it can be opened in GraphiQL. */
export interface Asked {
  document: { toString(): string };
  variables: object;
}

export interface Answer<Result> {
  data: Result | undefined;
  fetching: boolean;
  fault: string | null;
  again: () => void;
  asked: Asked;
}

/** Asks at once, shows what is known already meanwhile, and again whenever a change touched one of its types. */
export function useOperation<Result, Variables extends object>(
  document: TypedDocumentString<Result, Variables>,
  variables: Variables,
  options: { pause?: boolean; typenames?: string[] } = {},
): Answer<Result> {
  const names = options.typenames?.join(" ") ?? "";
  const context = useMemo<Partial<OperationContext>>(() => ({ additionalTypenames: names.split(" ") }), [names]);
  const [answer, again] = useQuery<Result, object>({
    query: document.toString(),
    variables,
    pause: options.pause ?? false,
    context,
  });
  return {
    data: answer.data,
    fetching: answer.fetching || answer.stale,
    fault: answer.error ? sentenceOf(answer.error) : null,
    again: () => again({ requestPolicy: "network-only" }),
    asked: { document, variables },
  };
}

/** Opens an operation in GraphiQL. It is handed over behind a #, which no browser sends to a server. */
export function openInGraphiQL({ document, variables }: Asked): void {
  const parts = new URLSearchParams({
    query: document.toString().trim(),
    variables: JSON.stringify(variables, null, 2),
  });
  window.open(`${ENDPOINT}#${parts.toString()}`, "_blank");
}
