import { credentials } from "./credentials";

/** What is to be in the file: a family of the exports, its filters as REST spells them. */
export interface Wanted {
  family: string;
  filters: Record<string, string>;
}

export const addressOf = ({ family, filters }: Wanted): string =>
  `/admin/export/${family}?${new URLSearchParams({ format: "csv", bom: "1", ...filters }).toString()}`;

/** Gives the browser a file to keep. */
export function save(content: Blob, name: string): void {
  const address = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Fetches an export whole and saves it; raises an error with the sentence of the server, or that it broke off. */
export async function saveExport(wanted: Wanted): Promise<void> {
  const answer = await fetch(addressOf(wanted), { headers: credentials(), credentials: "omit", cache: "no-store" });
  if (!answer.ok) {
    const told = (await answer.json().catch(() => ({}))) as { message?: string; errors?: string[] };
    throw new Error(told.errors?.join(" ") ?? told.message ?? `The server answered ${answer.status}.`);
  }
  save(await answer.blob(), `${wanted.family}.csv`);
}
