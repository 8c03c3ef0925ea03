// Secrets: how they are made and how they are kept. Tokens are random, so a
// plain SHA-256 of them is enough to keep; passwords are not, so they get
// argon2id with the parameters of RFC 9106's second recommendation, less memory.
import { argon2, createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** Makes a token of 256 random bits; the prefix tells a person, and a secret scanner, what it is for. */
export function newToken(prefix: string): string {
  return `${prefix}_${randomBytes(32).toString("base64url")}`;
}

/** What is kept of a token. */
export function hashToken(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}

const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 };

/** What is kept of a password. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `argon2id$${salt.toString("base64url")}$${(await derive(password, salt)).toString("base64url")}`;
}

/** True when the password is the one that was kept. Takes as long for an account without one, so that time tells nothing. */
export async function verifyPassword(password: string, kept: string | null): Promise<boolean> {
  const [, salt, tag] = (kept ?? "argon2id$AAAAAAAAAAAAAAAAAAAAAA$AAAA").split("$");
  const derived = await derive(password, Buffer.from(salt ?? "", "base64url"));
  const expected = Buffer.from(tag ?? "", "base64url");
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

function derive(password: string, nonce: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    argon2("argon2id", { message: password.normalize("NFC"), nonce, ...cost }, (error, tag) => (error ? reject(error) : resolve(tag)));
  });
}
