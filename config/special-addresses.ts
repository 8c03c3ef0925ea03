// Which addresses are not on the public internet.
//
// From the IANA registries of special-purpose addresses (iana.org/assignments:
// iana-ipv4-special-registry, iana-ipv6-special-registry). IPv4 is public unless
// listed. IPv6 is the other way round: only 2000::/3 is given out as global
// unicast, so everything outside it is special, listed or not, and what is
// listed outside of it is there for its name. Within 2000::/3 the ranges that
// carry an IPv4 address (6to4, Teredo) are special because they lead to it.
import net from "node:net";

type Range = { readonly name: string; readonly list: net.BlockList };

const ranges4 = table("ipv4", [
  ["0.0.0.0/8", "unspecified"],
  ["10.0.0.0/8", "private"],
  ["100.64.0.0/10", "carrier-grade NAT"],
  ["127.0.0.0/8", "loopback"],
  // The clouds keep their machines' credentials at 169.254.169.254.
  ["169.254.0.0/16", "link-local"],
  ["172.16.0.0/12", "private"],
  ["192.0.0.0/24", "protocol assignments"],
  ["192.0.2.0/24", "documentation"],
  ["192.88.99.0/24", "6to4 relay"],
  ["192.168.0.0/16", "private"],
  ["198.18.0.0/15", "benchmarking"],
  ["198.51.100.0/24", "documentation"],
  ["203.0.113.0/24", "documentation"],
  ["224.0.0.0/4", "multicast"],
  ["240.0.0.0/4", "reserved"],
  // A public number, but on a machine in Azure it is the hypervisor.
  ["168.63.129.16/32", "Azure's host"],
]);

const ranges6 = table("ipv6", [
  ["::/128", "unspecified"],
  ["::1/128", "loopback"],
  ["::/96", "IPv4-compatible"],
  ["::ffff:0:0/96", "IPv4-mapped"],
  ["::ffff:0:0:0/96", "IPv4-translated"],
  ["64:ff9b::/96", "NAT64"],
  ["64:ff9b:1::/48", "local NAT64"],
  ["100::/64", "discard-only"],
  ["2001::/32", "Teredo"],
  ["2001::/23", "protocol assignments"],
  ["2001:db8::/32", "documentation"],
  ["2002::/16", "6to4"],
  ["3fff::/20", "documentation"],
  ["fc00::/7", "unique local"],
  ["fe80::/10", "link-local"],
  ["fec0::/10", "site-local"],
  ["ff00::/8", "multicast"],
]);

const globalUnicast6 = new net.BlockList();
globalUnicast6.addSubnet("2000::", 3, "ipv6");

/** The name of the special range that an IP address is in, or undefined for a public one. Anything that is not an address is special. */
export function specialRange(address: string): string | undefined {
  // A zone (fe80::1%eth0) is only ever needed by addresses that are not global.
  const [bare = "", zone] = address.split("%");
  const family = net.isIP(bare);
  if (family === 0) return "not an address";
  if (zone !== undefined) return "zoned";
  if (family === 4) return nameOf(ranges4, bare, "ipv4");
  return nameOf(ranges6, bare, "ipv6") ?? (globalUnicast6.check(bare, "ipv6") ? undefined : "reserved");
}

function nameOf(ranges: readonly Range[], address: string, family: "ipv4" | "ipv6"): string | undefined {
  return ranges.find((range) => range.list.check(address, family))?.name;
}

function table(family: "ipv4" | "ipv6", rows: readonly [subnet: string, name: string][]): Range[] {
  return rows.map(([subnet, name]) => {
    const [prefix = "", bits] = subnet.split("/");
    const list = new net.BlockList();
    list.addSubnet(prefix, Number(bits), family);
    return { name, list };
  });
}
