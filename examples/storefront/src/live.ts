import type { Connection } from "./client";

/** Whether the page is told of changes at this moment. */
export class Live {
  connection: Connection = "connecting";
  private readonly listeners = new Set<() => void>();

  show = (connection: Connection): void => {
    this.connection = connection;
    for (const listener of this.listeners) listener();
  };

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  get = (): Connection => this.connection;
}
