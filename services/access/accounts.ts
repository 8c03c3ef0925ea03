// Projects, people and what they may do.
//
// A project has one public ingest key (it ships inside every plugin, so it only
// says where a crash goes) and any number of tokens with scopes. A person signs
// in by a link or a password and gets a cookie; the role in a project decides the rest.
import type { Limits } from "../../config/limits.ts";
import type { Database } from "../../storage/database.ts";
import { isUuid, uuidv7 } from "../../storage/uuid.ts";
import { hashToken, newToken, verifyPassword } from "./secrets.ts";

/** What a token may do: `symbols` uploads debug files, `read` reads groups and crashes. */
export type Scope = "symbols" | "read";

/** A project as requests need it. */
export type Project = { readonly id: number; readonly slug: string; readonly name: string; readonly ingestKey: string };

/** What the first start made, printed once and kept in the data folder for scripts. */
export type FirstSecrets = { readonly project: string; readonly ingestKey: string; readonly symbolToken: string; readonly readToken: string };

/** Finds a project by its slug or, as Sentry's clients have it, by its number. */
export async function findProject(db: Database, reference: string): Promise<Project | undefined> {
  // What cannot be a slug need not be asked for; NUL, which Postgres refuses, is in there.
  if (!/^[a-z0-9][a-z0-9-]{0,62}$/.test(reference)) return undefined;
  const query = db.selectFrom("projects").select(["id", "slug", "name", "ingest_key"]);
  const row = await (/^[0-9]{1,9}$/.test(reference) ? query.where("id", "=", Number(reference)) : query.where("slug", "=", reference)).executeTakeFirst();
  return row && { id: row.id, slug: row.slug, name: row.name, ingestKey: row.ingest_key };
}

/** Makes the project `default` with its owner, rule, key and tokens; undefined when there is a project already. Safe to call from several processes at once. `keep` gets the secrets before they are valid, so that nobody can be left with a project whose tokens are nowhere. */
export async function makeFirstProject(db: Database, keep: (secrets: FirstSecrets) => void): Promise<FirstSecrets | undefined> {
  return db.transaction().execute(async (tx) => {
    const ingestKey = newToken("key").slice(4, 36).toLowerCase().replace(/[^a-z0-9]/g, "0");
    const project = await tx
      .insertInto("projects")
      .values({ slug: "default", name: "Default", ingest_key: ingestKey })
      .onConflict((conflict) => conflict.column("slug").doNothing())
      .returning("id")
      .executeTakeFirst();
    if (project === undefined) return undefined;
    const owner = uuidv7();
    await tx.insertInto("users").values({ id: owner, email: "owner@localhost", name: "Owner", password_hash: null }).execute();
    await tx.insertInto("memberships").values({ user_id: owner, project_id: project.id, role: "owner" }).execute();
    await tx.insertInto("alert_rules").values({ id: uuidv7(), project_id: project.id, kind: "new-group", name: "New crash signature" }).execute();
    const symbolToken = newToken("dasym");
    const readToken = newToken("daread");
    for (const [name, token, scope] of [["symbol upload (first start)", symbolToken, "symbols"], ["read (first start)", readToken, "read"]] as const) {
      await tx.insertInto("tokens").values({ id: uuidv7(), project_id: project.id, name, token_hash: hashToken(token), scopes: [scope], revoked_at: null }).execute();
    }
    const secrets: FirstSecrets = { project: "default", ingestKey, symbolToken, readToken };
    keep(secrets);
    return secrets;
  });
}

/** Makes a new sign-in link for the first owner and ends all older ones; returns its token. It works until it expires or a newer one is made. */
export async function newSignInToken(db: Database, limits: Limits): Promise<string> {
  const token = newToken("link");
  await db.transaction().execute(async (tx) => {
    const owner = await tx.selectFrom("memberships").select("user_id").where("role", "=", "owner").orderBy("user_id").limit(1).executeTakeFirstOrThrow();
    await tx.deleteFrom("sign_in_links").where("user_id", "=", owner.user_id).execute();
    await tx
      .insertInto("sign_in_links")
      .values({ token_hash: hashToken(token), user_id: owner.user_id, expires_at: new Date(Date.now() + limits.SIGN_IN_LINK_SECONDS * 1000) })
      .execute();
  });
  return token;
}

/** The user a sign-in link is for; undefined when it is unknown or over. */
export async function userOfLink(db: Database, token: string): Promise<string | undefined> {
  const row = await db.selectFrom("sign_in_links").select("user_id").where("token_hash", "=", hashToken(token)).where("expires_at", ">", new Date()).executeTakeFirst();
  return row?.user_id;
}

/** The user with this e-mail and password, if there is one. */
export async function userOfPassword(db: Database, email: string, password: string): Promise<string | undefined> {
  const row = await db
    .selectFrom("users")
    .select(["id", "password_hash"])
    .where((where) => where(where.fn<string>("lower", ["email"]), "=", email.toLowerCase()))
    .executeTakeFirst();
  const right = await verifyPassword(password, row?.password_hash ?? null);
  return right ? row?.id : undefined;
}

/** Starts a login and returns the cookie's value. */
export async function newLogin(db: Database, userId: string, limits: Limits): Promise<string> {
  const token = newToken("login");
  await db
    .insertInto("logins")
    .values({ token_hash: hashToken(token), user_id: userId, expires_at: new Date(Date.now() + limits.LOGIN_SECONDS * 1000) })
    .execute();
  return token;
}

/** Ends a login. */
export async function endLogin(db: Database, token: string): Promise<void> {
  await db.deleteFrom("logins").where("token_hash", "=", hashToken(token)).execute();
}

/** The user of a login cookie; undefined when it is unknown or over. */
export async function userOfLogin(db: Database, token: string): Promise<string | undefined> {
  const row = await db.selectFrom("logins").select("user_id").where("token_hash", "=", hashToken(token)).where("expires_at", ">", new Date()).executeTakeFirst();
  return row?.user_id;
}

/** The role of a user in a project; undefined when there is none. */
export async function roleOf(db: Database, userId: string, projectId: number): Promise<"owner" | "member" | undefined> {
  const row = await db.selectFrom("memberships").select("role").where("user_id", "=", userId).where("project_id", "=", projectId).executeTakeFirst();
  return row?.role;
}

/** What a token may do in a project; undefined when it is unknown there or revoked. */
export async function scopesOf(db: Database, projectId: number, token: string): Promise<readonly Scope[] | undefined> {
  const row = await db.selectFrom("tokens").select("scopes").where("token_hash", "=", hashToken(token)).where("project_id", "=", projectId).where("revoked_at", "is", null).executeTakeFirst();
  return row?.scopes as Scope[] | undefined;
}

/** A token as lists show it. */
export type TokenItem = { id: string; name: string; scopes: string[]; createdAt: string };

/** The tokens of a project that still work. */
export async function listTokens(db: Database, projectId: number): Promise<TokenItem[]> {
  const rows = await db.selectFrom("tokens").select(["id", "name", "scopes", "created_at"]).where("project_id", "=", projectId).where("revoked_at", "is", null).orderBy("created_at", "desc").execute();
  return rows.map((row) => ({ id: row.id, name: row.name, scopes: row.scopes, createdAt: row.created_at.toISOString() }));
}

/** Makes a token; its text is returned once and kept nowhere. */
export async function addToken(db: Database, projectId: number, name: string, scopes: readonly Scope[], actor: string): Promise<TokenItem & { token: string }> {
  const token = newToken(scopes.includes("symbols") ? "dasym" : "daread");
  const id = uuidv7();
  const row = await db.transaction().execute(async (tx) => {
    await tx.insertInto("audit").values({ id: uuidv7(), project_id: projectId, actor, action: "token.add", subject: id, detail: JSON.stringify({ name, scopes }) }).execute();
    return tx.insertInto("tokens").values({ id, project_id: projectId, name, token_hash: hashToken(token), scopes: [...scopes], revoked_at: null }).returning("created_at").executeTakeFirstOrThrow();
  });
  return { id, name, scopes: [...scopes], createdAt: row.created_at.toISOString(), token };
}

/** Revokes a token; false when there is none such in the project. */
export async function revokeToken(db: Database, projectId: number, id: string, actor: string): Promise<boolean> {
  if (!isUuid(id)) return false;
  return db.transaction().execute(async (tx) => {
    const done = await tx.updateTable("tokens").set({ revoked_at: new Date() }).where("id", "=", id).where("project_id", "=", projectId).where("revoked_at", "is", null).executeTakeFirst();
    if (done.numUpdatedRows === 0n) return false;
    await tx.insertInto("audit").values({ id: uuidv7(), project_id: projectId, actor, action: "token.revoke", subject: id, detail: "{}" }).execute();
    return true;
  });
}
