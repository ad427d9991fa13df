const MARGIN_MS = 5_000;

interface Signed {
  token: string;
  expiresIn: number;
}

/** Keeps the token in memory, and gets a fresh one from the issuer shortly before it expires or when it is refused. */
export class Tokens {
  userId: string | null = null;
  private token: string | null = null;
  private freshUntil = 0;
  private asking: Promise<string | null> | null = null;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly issuer: string) {}

  /** A token that holds, or null for nobody. Whoever asks at the same time shares one request. */
  get = async (): Promise<string | null> => {
    if (this.userId === null) return null;
    if (this.token !== null && Date.now() < this.freshUntil) return this.token;
    this.asking ??= this.renew().finally(() => {
      this.asking = null;
    });
    return this.asking;
  };

  /** The token was refused: the next one to ask gets another. */
  forget = (): void => {
    this.token = null;
  };

  signIn = async (userId: string): Promise<void> => {
    this.keep(await this.ask("POST", "/session", { userId }));
    this.become(userId);
  };

  signOut = async (): Promise<void> => {
    this.forget();
    this.become(null);
    await this.ask("DELETE", "/session").catch(() => undefined);
  };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private async renew(): Promise<string | null> {
    try {
      return this.keep(await this.ask("POST", "/token"));
    } catch (fault) {
      if (fault instanceof IssuerError && fault.status === 401) this.become(null);
      throw fault;
    }
  }

  private keep({ token, expiresIn }: Signed): string {
    this.token = token;
    this.freshUntil = Date.now() + Math.max(expiresIn * 500, expiresIn * 1000 - MARGIN_MS);
    return token;
  }

  private become(userId: string | null): void {
    this.userId = userId;
    for (const listener of this.listeners) listener();
  }

  private async ask(method: string, path: string, body?: object): Promise<Signed> {
    const answer = await fetch(this.issuer + path, {
      method,
      credentials: "include",
      headers: body ? { "content-type": "application/json" } : {},
      body: body ? JSON.stringify(body) : null,
    });
    const told = (await answer.json()) as Signed & { message?: string };
    if (!answer.ok) throw new IssuerError(answer.status, told.message ?? answer.statusText);
    return told;
  }
}

export class IssuerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}
