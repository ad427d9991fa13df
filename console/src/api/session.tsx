import { Client } from "@urql/core";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { Provider } from "urql";
import { type AdminRole, ViewerDocument, type ViewerQuery } from "../generated/graphql";
import { openClient, sentenceOf } from "./client";
import { lendToGraphiQL, remember } from "./credentials";
import { KeyForm } from "../kit/KeyForm";

type Viewer = NonNullable<ViewerQuery["viewer"]>;

export interface Session {
  viewer: Viewer;
  /** Whether the role suffices: what it does not is not offered. */
  may: (role: AdminRole) => boolean;
  leave: () => void;
}

const RANK: Record<AdminRole, number> = { VIEWER: 1, SUPPORT: 2, ADMIN: 3 };
const SessionContext = createContext<Session | null>(null);

export const mayDo = (has: AdminRole | null, needs: AdminRole): boolean => has !== null && RANK[has] >= RANK[needs];

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (session === null) throw new Error("There is no session here");
  return session;
}

async function whoCalls(client: Client): Promise<{ viewer: Viewer | null; fault: string }> {
  const answer = await client.query<ViewerQuery>(ViewerDocument.toString(), {}).toPromise();
  if (answer.error) {
    const status = (answer.error.response as Response | undefined)?.status;
    const refused = status === 401 || status === 403 || answer.error.graphQLErrors.length > 0;
    return { viewer: null, fault: refused ? "This key or token lets nobody in." : sentenceOf(answer.error) };
  }
  const viewer = answer.data?.viewer ?? null;
  const stranger = viewer ? "This token is of a user who is no admin." : "This key or token lets nobody in.";
  return viewer?.role ? { viewer, fault: "" } : { viewer: null, fault: stranger };
}

/** Asks for the key until one lets in, then gives all below it the client and who is calling. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState<{ client: Client; viewer: Viewer } | null>(null);
  const [notice, setNotice] = useState("");

  const leave = useCallback((why = "") => {
    remember("");
    setNotice(why);
    setOpen(null);
  }, []);

  const enter = async (secret: string): Promise<string> => {
    remember(secret);
    const client = openClient((message) => leave(message));
    const { viewer, fault } = await whoCalls(client);
    if (viewer) setOpen({ client, viewer });
    else remember("");
    return fault;
  };

  useEffect(lendToGraphiQL, []);

  const session = useMemo<Session | null>(
    () => open && { viewer: open.viewer, may: (role) => mayDo(open.viewer.role, role), leave: () => leave() },
    [open, leave],
  );

  if (!open || !session) return <KeyForm notice={notice} enter={enter} />;
  return (
    <Provider value={open.client}>
      <SessionContext.Provider value={session}>{children}</SessionContext.Provider>
    </Provider>
  );
}
