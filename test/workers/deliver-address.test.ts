import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Address, type Resolver, guardUrl, pinnedLookup, systemResolver } from "../../workers/deliver/address-guard.ts";
import { post } from "../../workers/deliver/post.ts";
import { specialRange } from "../../config/special-addresses.ts";
import { type WebhookReceiver, startWebhookReceiver } from "../support/webhook-receiver.ts";

const never: Resolver = async (host) => {
  throw new Error(`${host} was resolved`);
};
const to = (...addresses: string[]): Resolver => async () => addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
const codeOf = async (target: string, resolve = never) => {
  const result = await guardUrl(target, { allowPrivate: false, resolve });
  return result.ok ? "ok" : result.problem.code;
};

describe("literal addresses", () => {
  // None of these is ever resolved: the parser itself must have seen an address.
  it.each([
    // Plain.
    "http://127.0.0.1/",
    "https://127.0.0.1:8443/hook",
    "http://127.255.255.254/",
    "http://0.0.0.0/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://172.31.255.255/",
    "http://192.168.1.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://192.0.0.192/opc/v2/",
    "http://168.63.129.16/metadata/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://192.0.2.1/",
    "http://198.51.100.7/",
    "http://203.0.113.7/",
    "http://198.18.0.1/",
    "http://192.88.99.1/",
    // One number.
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0/",
    "http://2852039166/latest/",
    // Fewer parts, other bases, and both mixed.
    "http://127.1/",
    "http://127.0.1/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://0x7F.0x0.0x0.0x1/",
    "http://0251.0xfe.43518/",
    "http://10.1/",
    // A dot at the end, escapes, tabs, letters that only look like digits or dots.
    "http://127.0.0.1./",
    "http://%31%32%37.0.0.1/",
    "http://127%2e0%2e0%2e1/",
    "http://127.0\t.0.1/",
    "http://１２７.０.０.１/",
    "http://127。0。0。1/",
    "http://①②⑦.0.0.1/",
    // Not what it seems: the host is behind the @, or the slashes are missing or turned.
    "http://hooks.slack.com@127.0.0.1/",
    "http://hooks.slack.com:443@10.0.0.1:80/",
    "http://user:pass@[::1]/",
    "http:127.0.0.1/",
    "http:\\\\127.0.0.1\\x",
    "HTTP://127.0.0.1/",
    "  http://127.0.0.1/  ",
    "http://127.0.0.1#@hooks.slack.com/",
    "http://127.0.0.1?@hooks.slack.com/",
    // IPv6: unspecified, loopback, link-local, site-local, unique local, multicast, documentation, discard.
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[0000:0000:0000:0000:0000:0000:0000:0001]:80/",
    "http://[fe80::1]/",
    "http://[febf::1]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/latest/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[2001:2::1]/",
    // An IPv4 address inside: mapped, compatible, translated, NAT64, 6to4, Teredo.
    "http://[::ffff:127.0.0.1]/",
    "http://[::FFFF:7f00:1]/",
    "http://[0:0:0:0:0:ffff:10.0.0.1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:0:127.0.0.1]/",
    "http://[64:ff9b::127.0.0.1]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[64:ff9b:1::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:c0a8:101::1]/",
    "http://[2001:0:7f00:1::]/",
    // Never given out.
    "http://[4000::1]/",
    "http://[5f00::1]/",
    "http://[8000::1]/",
  ])("refuses %j", async (target) => {
    expect(await codeOf(target)).toBe("private_address");
  });

  it.each([
    // The neighbours of the ranges above.
    "http://1.1.1.1/",
    "http://9.255.255.255/",
    "http://11.0.0.0/",
    "http://100.63.255.255/",
    "http://100.128.0.0/",
    "http://126.255.255.255/",
    "http://128.0.0.0/",
    "http://172.15.255.255/",
    "http://172.32.0.0/",
    "http://192.167.255.255/",
    "http://192.169.0.0/",
    "http://198.17.255.255/",
    "http://198.20.0.0/",
    "http://223.255.255.255/",
    "https://[2606:4700:4700::1111]/",
    "https://[2001:4860:4860::8888]/",
    "https://[2a00:1450::1]:8443/",
  ])("lets %j through", async (target) => {
    expect(await codeOf(target)).toBe("ok");
  });

  it.each([
    ["", "bad_url"],
    ["hooks.example.com/path", "bad_url"],
    ["http://", "bad_url"],
    ["http://a b/", "bad_url"],
    // Too large for an address, and a number all the same: no parser takes it for a name.
    ["http://256.256.256.256/", "bad_url"],
    ["http://1.2.3.4.5/", "bad_url"],
    ["http://[::1/", "bad_url"],
    ["http://[fe80::1%25eth0]/", "bad_url"],
    ["ftp://example.com/", "bad_url"],
    ["file:///etc/passwd", "bad_url"],
    ["gopher://127.0.0.1:6379/_INFO", "bad_url"],
    ["javascript:alert(1)", "bad_url"],
    ["unix:/var/run/docker.sock", "bad_url"],
    ["data:text/plain,x", "bad_url"],
  ])("answers %j with %s", async (target, code) => {
    expect(await codeOf(target)).toBe(code);
  });
});

describe("names", () => {
  it.each<[string[], string]>([
    [["93.184.215.14"], "ok"],
    [["2606:4700::1", "104.16.0.1"], "ok"],
    [["127.0.0.1"], "private_address"],
    // One address inside is enough, wherever it stands.
    [["93.184.215.14", "10.0.0.1"], "private_address"],
    [["2606:4700::1", "::1"], "private_address"],
    [["::ffff:10.0.0.1"], "private_address"],
    [["fe80::1%eth0"], "private_address"],
    // A resolver that answers nonsense.
    [["localhost"], "private_address"],
    [[""], "private_address"],
    [[], "unresolvable"],
  ])("that resolve to %j end as %s", async (addresses, code) => {
    expect(await codeOf("https://hook.example/", to(...addresses))).toBe(code);
  });

  it("that do not resolve may do so later", async () => {
    expect(await codeOf("https://no-such.example/")).toBe("unresolvable");
  });

  it.each([
    ["http://localhost/", ["private_address"]],
    ["http://LOCALHOST/", ["private_address"]],
    // With the dot, resolvers differ over whether there is such a name.
    ["http://localhost./", ["private_address", "unresolvable"]],
  ])("of this machine are found out by its resolver: %s", async (target, codes) => {
    expect(codes).toContain(await codeOf(target, systemResolver));
  });

  it("say what is wrong and how to allow it", async () => {
    const result = await guardUrl("https://hook.example/", { allowPrivate: false, resolve: to("192.168.1.20") });
    expect(result).toMatchObject({ ok: false, problem: { code: "private_address", message: "hook.example resolves to 192.168.1.20, which is not a public address (private).", hint: expect.stringContaining("ALLOW_PRIVATE_WEBHOOKS=1") } });
  });

  it("may stand for private addresses when the operator allows it", async () => {
    const result = await guardUrl("http://nas.local/", { allowPrivate: true, resolve: to("192.168.1.20") });
    expect(result).toMatchObject({ ok: true, value: { addresses: [{ address: "192.168.1.20", family: 4 }] } });
  });
});

describe("specialRange", () => {
  it.each([
    ["8.8.8.8", undefined],
    ["2600::", undefined],
    ["127.0.0.1", "loopback"],
    ["::1", "loopback"],
    ["::", "unspecified"],
    ["::127.0.0.1", "IPv4-compatible"],
    ["::ffff:0:127.0.0.1", "IPv4-translated"],
    ["64:ff9b:1::1", "local NAT64"],
    ["100::1", "discard-only"],
    ["2001::1", "Teredo"],
    ["2001:2::1", "protocol assignments"],
    ["fd12::1", "unique local"],
    ["fe80::1", "link-local"],
    ["fec0::1", "site-local"],
    ["ff02::1", "multicast"],
    ["4000::1", "reserved"],
    ["::ffff:8.8.8.8", "IPv4-mapped"],
    ["64:ff9b::8.8.8.8", "NAT64"],
    ["2002:808:808::", "6to4"],
    ["fe80::1%eth0", "zoned"],
    ["2600::%eth0", "zoned"],
    ["example.com", "not an address"],
    ["", "not an address"],
  ])("of %j is %j", (address, name) => {
    expect(specialRange(address)).toBe(name);
  });
});

describe("the connection", () => {
  let inside: WebhookReceiver;
  beforeAll(async () => {
    inside = await startWebhookReceiver();
  });
  afterAll(() => inside?.close());
  const postTo = (host: string, allowPrivate: boolean, resolve: Resolver) => post({ target: `http://${host}:${inside.port}/`, headers: {}, body: "{}", allowPrivate, resolve, timeLimitMs: 500 });

  it("resolves once and goes where that said, not where the name leads a moment later", async () => {
    // A rebinding name: what is judged is 127.0.0.2, where nothing listens; every later answer is our receiver.
    let asked = 0;
    const rebinding: Resolver = async () => [{ address: asked++ === 0 ? "127.0.0.2" : "127.0.0.1", family: 4 }];
    expect(await postTo("rebind.test", true, rebinding)).toMatchObject({ delivered: false, error: expect.stringContaining("127.0.0.2") });
    expect(asked).toBe(1);
    expect(inside.received).toEqual([]);
  });

  it("keeps to the public address of a name that has moved inside", async () => {
    let asked = 0;
    const rebinding: Resolver = async () => [{ address: asked++ === 0 ? "93.184.215.14" : "127.0.0.1", family: 4 }];
    const judged = await guardUrl("http://rebind.test/", { allowPrivate: false, resolve: rebinding });
    const addresses = judged.ok ? judged.value.addresses : [];
    // What the connection is given, asked as often as it likes (no packet is sent to a stranger here).
    for (let i = 0; i < 3; i++) expect(await lookup(addresses, { all: true })).toEqual([null, [{ address: "93.184.215.14", family: 4 }]]);
    expect(asked).toBe(1);
  });

  it("is refused before it is made when the name is inside to begin with", async () => {
    let asked = 0;
    const inwards: Resolver = async () => [{ address: asked++ === 0 ? "127.0.0.1" : "93.184.215.14", family: 4 }];
    expect(await postTo("rebind.test", false, inwards)).toMatchObject({ delivered: false, permanent: true, error: expect.stringMatching(/^private_address/) });
    expect(asked).toBe(1);
    expect(inside.received).toEqual([]);
  });

  it("goes to the judged address even for a name that the machine knows otherwise", async () => {
    // 127.0.0.2 is us as well on Linux, but our receiver only listens on 127.0.0.1: a name asked again would reach it.
    expect(await postTo("localhost", true, to("127.0.0.2"))).toMatchObject({ delivered: false, error: expect.stringContaining("127.0.0.2") });
    expect(inside.received).toEqual([]);
  });

  it("keeps the name in the Host header", async () => {
    expect(await postTo("hook.test", true, to("127.0.0.1"))).toMatchObject({ delivered: true });
    expect(inside.received[0]?.headers.host).toBe(`hook.test:${inside.port}`);
  });

  it("does not go where the environment's proxy is", async () => {
    const proxy = await startWebhookReceiver();
    // A process of its own, since Node reads these at its start.
    const script = `
      import { post } from ${JSON.stringify(new URL("../../workers/deliver/post.ts", import.meta.url).href)};
      console.log(JSON.stringify(await post({ target: "http://hook.test:${inside.port}/", headers: {}, body: "{}", allowPrivate: true, resolve: async () => [{ address: "127.0.0.1", family: 4 }], timeLimitMs: 5000 })));`;
    try {
      const env = { ...process.env, HTTP_PROXY: proxy.url, http_proxy: proxy.url, NODE_USE_ENV_PROXY: "1", NO_PROXY: "", no_proxy: "" };
      const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { env });
      expect(JSON.parse(stdout)).toMatchObject({ delivered: true, status: 200 });
      expect(proxy.received).toEqual([]);
    } finally {
      await proxy.close();
    }
  });
});

describe("pinnedLookup", () => {
  const addresses: Address[] = [{ address: "2600::1", family: 6 }, { address: "1.2.3.4", family: 4 }];

  it("answers as node:dns does, from its addresses only", async () => {
    expect(await lookup(addresses, { all: true })).toEqual([null, addresses]);
    expect(await lookup(addresses, {})).toEqual([null, "2600::1", 6]);
    expect(await lookup(addresses, { family: 4 })).toEqual([null, "1.2.3.4", 4]);
    expect(await lookup(addresses, { family: 4, all: true })).toEqual([null, [addresses[1]]]);
  });

  it("finds nothing rather than asking somebody else", async () => {
    expect(await lookup([], {})).toMatchObject([{ code: "ENOTFOUND" }, ""]);
  });
});

function lookup(addresses: readonly Address[], options: { all?: boolean; family?: number }): Promise<unknown> {
  return new Promise((resolve) => pinnedLookup(addresses)("whatever.example", options, (...answer) => resolve(answer)));
}
