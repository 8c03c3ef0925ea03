import { describe, expect, it } from "vitest";
import type { AddressSpace, MappedRange } from "../../../stackwalk/minidump/model.ts";
import { buildMinidump } from "../../support/minidump-builder.ts";
import { opened } from "./everything.ts";

const ofMaps = (maps: string): AddressSpace => opened(buildMinidump({ linux: { maps } })).addressSpace!;

/** A range as one line. */
const line = ({ base, size, readable, writable, executable, guard, committed, name }: MappedRange): string =>
  `${base.toString(16)}+${size.toString(16)} ${readable ? "r" : "-"}${writable ? "w" : "-"}${executable ? "x" : "-"}${guard ? " guard" : ""}${committed ? "" : " free"} ${name}`;

describe("a line of /proc/PID/maps", () => {
  it.each<[string, string, string[]]>([
    ["of a library", "7fca3a80c000-7fca3a81a000 r-xp 0010b000 fd:05 1196511                   /usr/lib64/libtdb.so\n", ["7fca3a80c000+e000 r-x /usr/lib64/libtdb.so"]],
    // Users put their plugins into folders with spaces.
    ["of a path with spaces", "1000-2000 r--p 00000000 fd:05 11   /home/me/My Plugins/a  b.so\n", ["1000+1000 r-- /home/me/My Plugins/a  b.so"]],
    ["of a deleted file", "1000-2000 r--s 00000000 fd:05 11 /tmp/x.so (deleted)\n", ["1000+1000 r-- /tmp/x.so (deleted)"]],
    ["of the stack", "7ffe2e790000-7ffe2e7b1000 rw-p 00000000 00:00 0                          [stack]\n", ["7ffe2e790000+21000 rw- [stack]"]],
    ["of nothing in particular", "1000-2000 rwxp 00000000 00:00 0 \n", ["1000+1000 rwx null"]],
    ["that ends early", "1000-2000 rw", ["1000+1000 rw- null"]],
    ["with nothing but addresses", "1000-2000", ["1000+1000 --- guard free null"]],
    // What glibc puts below a thread's stack.
    ["of a guard page", "1000-2000 ---p 00000000 00:00 0\n", ["1000+1000 --- guard free null"]],
    ["in upper case", "ABCD000-ABCE000 r--p 00000000 00:00 0\n", ["abcd000+1000 r-- null"]],
    ["of the kernel's page", "ffffffffff600000-ffffffffff601000 r-xp 00000000 00:00 0 [vsyscall]\n", ["ffffffffff600000+1000 r-x [vsyscall]"]],
    ["that is none", "Size: 4 kB\n-\n1000\n1000-\n-2000\n2000-1000 r--p\n12345678901234567-2 r\n\n", []],
    ["of no size", "1000-1000 r--p 00000000 00:00 0\n", []],
    ["behind one that is none", "oops\n1000-2000 r--p 00000000 00:00 0 /a\n", ["1000+1000 r-- /a"]],
  ])("%s", (_, text, expected) => expect(ofMaps(text).ranges.map(line)).toEqual(expected));

  it("counts what has two addresses", () => {
    expect(opened(buildMinidump({ linux: { maps: "1000-2000 r\noops\n3000-4000\n" } })).linux?.mapCount).toBe(2);
  });
});

describe("an address space", () => {
  it("is sorted, and of ranges that overlap the lower one stays", () => {
    const space = ofMaps("5000-6000 r--p 0 0 0 /c\n1000-3000 r--p 0 0 0 /a\n2000-4000 rw-p 0 0 0 /b\n");
    expect(space.ranges.map(line)).toEqual(["1000+2000 r-- /a", "5000+1000 r-- /c"]);
    expect([0xfff, 0x1000, 0x2fff, 0x3000, 0x5fff, 0x6000].map((address) => space.at(address)?.name ?? null)).toEqual([null, "/a", "/a", null, "/c", null]);
  });

  it("comes from Windows' list where both are there", () => {
    const { addressSpace } = opened(buildMinidump({ memoryInfo: [{ base: 0x1000, size: 0x1000 }], linux: { maps: "1000-2000 r--p\n" } }));
    expect([addressSpace?.source, addressSpace?.ranges.length]).toEqual(["memory_info", 1]);
  });

  // winnt.h; rust-minidump counts WRITECOPY as writable and not as readable.
  it.each([
    ["PAGE_NOACCESS", 0x01, "---"],
    ["PAGE_READONLY", 0x02, "r--"],
    ["PAGE_READWRITE", 0x04, "rw-"],
    ["PAGE_WRITECOPY", 0x08, "-w-"],
    ["PAGE_EXECUTE", 0x10, "--x"],
    ["PAGE_EXECUTE_READ", 0x20, "r-x"],
    ["PAGE_EXECUTE_READWRITE", 0x40, "rwx"],
    ["PAGE_EXECUTE_WRITECOPY", 0x80, "-wx"],
    ["PAGE_READWRITE | PAGE_GUARD", 0x104, "rw- guard"],
  ])("reads %s", (_, protection, expected) => {
    const { addressSpace } = opened(buildMinidump({ memoryInfo: [{ base: 0x1000, size: 0x1000, protection }] }));
    expect(addressSpace?.ranges.map(line)).toEqual([`1000+1000 ${expected} null`]);
  });
});
