// Keeps webhooks out of the house.
//
// A destination's URL is written by whoever owns a project, and the request is
// made by our server, which stands inside somebody's network: without a guard,
// anybody with a project could read the answers of machines that only we can
// reach (server-side request forgery). So, before each attempt:
//   1. The URL is read by the WHATWG parser, the same that makes the request.
//      It turns every odd spelling of an IPv4 address (2130706433, 0x7f.1,
//      0177.0.0.1, full-width digits, percent signs) into the plain one, so
//      there is one spelling to judge. What stands before an @ is not the host.
//   2. The name is resolved, once. One special address among the answers
//      refuses the whole name.
//   3. The connection is made to the addresses that were judged, through a
//      `lookup` that answers from them. A name that resolves to something else
//      a moment later (DNS rebinding) is never asked again.
// Redirects are not followed (post.ts), or they would lead around all of this.
// ALLOW_PRIVATE_WEBHOOKS=1 leaves out the judgement, for those whose receivers
// live next door; the rest stays. The SMTP server is the operator's own choice
// and is not guarded.
import dns from "node:dns/promises";
import net from "node:net";
import { type Problem, type Result, ok, refuse } from "../../config/problem.ts";
import { specialRange } from "../../config/special-addresses.ts";

/** One IP address that a name stands for. */
export type Address = { readonly address: string; readonly family: 4 | 6 };

/** Finds all addresses of a host name; rejects when there are none. */
export type Resolver = (host: string) => Promise<readonly Address[]>;

/** A URL that may be asked, and the only addresses it may be asked at. */
export type GuardedUrl = { readonly url: URL; readonly addresses: readonly Address[] };

/** The resolver of the machine, /etc/hosts included. */
export const systemResolver: Resolver = async (host) => {
  const found = await dns.lookup(host, { all: true });
  return found.map((entry) => ({ address: entry.address, family: entry.family === 6 ? 6 : 4 }));
};

/** Judges a URL. Refuses with `bad_url` or `private_address`, which are final, or with `unresolvable`, which may pass. */
export async function guardUrl(target: string, options: { allowPrivate: boolean; resolve: Resolver }): Promise<Result<GuardedUrl>> {
  const url = URL.canParse(target) ? new URL(target) : undefined;
  if (url === undefined) return refuse(400, "bad_url", `"${target.slice(0, 200)}" is not a URL.`, "Remove the destination and add it again, as https://host/path.");
  if (url.protocol !== "https:" && url.protocol !== "http:") return refuse(400, "bad_url", `${url.protocol} is not a protocol that webhooks can use.`, "Remove the destination and add it again, with https:// or http://.");
  const found = await addressesOf(url, options.resolve);
  if (!found.ok) return found;
  if (!options.allowPrivate) {
    for (const { address } of found.value) {
      const range = specialRange(address);
      if (range !== undefined) return refusePrivate(url.hostname, address, range);
    }
  }
  return ok({ url, addresses: found.value });
}

/** A `lookup` for node:net that answers with judged addresses, whatever it is asked. */
export function pinnedLookup(addresses: readonly Address[]): net.LookupFunction {
  return (_host, options, callback) => {
    const wanted = addresses.filter(({ family }) => (options.family === 4 || options.family === 6 ? family === options.family : true));
    const first = wanted[0];
    if (first === undefined) callback(Object.assign(new Error("no address of the family asked for"), { code: "ENOTFOUND" }), "");
    else if (options.all) callback(null, [...wanted]);
    else callback(null, first.address, first.family);
  };
}

async function addressesOf(url: URL, resolve: Resolver): Promise<Result<readonly Address[]>> {
  const literal = url.hostname.replace(/^\[|\]$/g, "");
  const family = net.isIP(literal);
  if (family !== 0) return ok([{ address: literal, family: family === 6 ? 6 : 4 }]);
  try {
    const addresses = await resolve(url.hostname);
    if (addresses.length > 0) return ok(addresses);
  } catch {
    // Told below: why a resolver found nothing differs by platform and says little.
  }
  return refuse(400, "unresolvable", `The name ${url.hostname} does not resolve.`, "Check its spelling and the resolver of the machine that delivers.");
}

function refusePrivate(host: string, address: string, range: string): { readonly ok: false; readonly problem: Problem } {
  const what = host.replace(/^\[|\]$/g, "") === address ? `${address} is` : `${host} resolves to ${address}, which is`;
  return refuse(400, "private_address", `${what} not a public address (${range}).`, "Set ALLOW_PRIVATE_WEBHOOKS=1 to let webhooks go to private and loopback addresses.");
}
