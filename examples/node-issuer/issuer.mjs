// Signs the tokens that a front end shows to Tessera. A token lives for minutes; a session, in a cookie that no script
// can read, gets the next one.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";

import { SignJWT } from "jose";

const {
  JWT_SEC = "",
  PORT = "4000",
  HOST = "127.0.0.1",
  ORIGINS = "http://localhost:5173",
  TOKEN_SECONDS = "300",
  SESSION_SECONDS = "28800",
} = process.env;
const COOKIE = "issuer_session";
const MOST_BYTES = 10_000;

if (Buffer.byteLength(JWT_SEC) < 32) {
  console.error("JWT_SEC must be that of Tessera, at least 32 bytes");
  process.exit(2);
}

const secret = new TextEncoder().encode(JWT_SEC);
const origins = new Set(ORIGINS.split(",").map((origin) => origin.trim()));
const sessions = new Map(); // In production: a store that all instances share.

class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** A token of Tessera's claims: `userId`, `userType` and `exp`. */
async function sign(user) {
  const seconds = Number(TOKEN_SECONDS);
  const token = await new SignJWT({ userId: user.id, userType: user.types })
    .setProtectedHeader({ alg: "HS256" })
    .setIssuedAt()
    .setExpirationTime(`${seconds}s`)
    .sign(secret);
  return { token, expiresIn: seconds };
}

/** Who signs in. This is where passwords, passkeys or your identity provider belong; here every name is believed. */
async function authenticate(body) {
  const id = typeof body.userId === "string" ? body.userId.trim() : "";
  if (!id) throw new Refusal(400, "userId is required");
  return { id, types: ["default"] };
}

async function readJson(request) {
  // A form of another site cannot be of this type, so it cannot sign anyone in.
  if (!/^application\/json\b/.test(request.headers["content-type"] ?? "")) {
    throw new Refusal(415, "Content-Type must be application/json");
  }
  let text = "";
  for await (const part of request) {
    text += part;
    if (text.length > MOST_BYTES) throw new Refusal(413, "The body is too large");
  }
  try {
    const body = JSON.parse(text);
    if (body && typeof body === "object") return body;
  } catch {
    // It is refused below.
  }
  throw new Refusal(400, "The body must be a JSON object");
}

function sessionOf(request) {
  const cookies = (request.headers.cookie ?? "").split(";").map((pair) => pair.trim().split("="));
  const id = cookies.find(([name]) => name === COOKIE)?.[1];
  const session = sessions.get(id);
  if (!session || session.endsAt < Date.now()) {
    sessions.delete(id);
    throw new Refusal(401, "Nobody is signed in");
  }
  return { id, ...session };
}

const cookie = (value, seconds) => `${COOKIE}=${value}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${seconds}`;

const routes = {
  async "POST /session"(request) {
    const user = await authenticate(await readJson(request));
    const id = randomBytes(32).toString("base64url");
    sessions.set(id, { user, endsAt: Date.now() + 1000 * Number(SESSION_SECONDS) });
    return [await sign(user), { "set-cookie": cookie(id, SESSION_SECONDS) }];
  },
  async "POST /token"(request) {
    return [await sign(sessionOf(request).user), {}];
  },
  async "DELETE /session"(request) {
    sessions.delete(sessionOf(request).id);
    return [{}, { "set-cookie": cookie("", 0) }];
  },
  async "GET /health"() {
    return [{ status: "success" }, {}];
  },
};

/** Only pages of these origins may ask, and only they have the cookie count. */
function allow(request) {
  const origin = request.headers.origin;
  if (origin === undefined) return {};
  if (!origins.has(origin)) throw new Refusal(403, "ORIGINS does not name the page's origin");
  return {
    "access-control-allow-origin": origin,
    "access-control-allow-credentials": "true",
    "access-control-allow-headers": "content-type",
    "access-control-allow-methods": "GET, POST, DELETE",
    vary: "Origin",
  };
}

async function respond(request) {
  let headers = {};
  try {
    headers = allow(request);
    if (request.method === "OPTIONS") return [204, headers, undefined];
    const route = routes[`${request.method} ${request.url}`];
    if (!route) throw new Refusal(404, "Not found");
    const [body, more] = await route(request);
    return [200, { ...headers, ...more }, body];
  } catch (fault) {
    if (!(fault instanceof Refusal)) console.error(fault);
    const message = fault instanceof Refusal ? fault.message : "Internal server error";
    return [fault.status ?? 500, headers, { message }];
  }
}

createServer(async (request, response) => {
  const [status, headers, body] = await respond(request);
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  response.end(body && JSON.stringify(body));
}).listen(Number(PORT), HOST, () => console.log(`The issuer listens on http://${HOST}:${PORT}`));
