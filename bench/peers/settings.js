// What every peer is told by its environment.
export const port = Number(process.env.PORT);
export const mongoUri = process.env.MONGO_URI;
export const rateLimit = process.env.RATE_LIMIT === "off" ? null : { windowMs: 15 * 60 * 1000, limit: 100 };
export const listening = () => console.log(`listening on ${port}`);
