/** Where the services are: read when the page is opened, so that one build serves every environment. */
export interface Config {
  api: string;
  issuer: string;
  campaignId: string;
}

export async function readConfig(): Promise<Config> {
  const answer = await fetch("./config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`config.json cannot be read: ${answer.status}`);
  return (await answer.json()) as Config;
}
