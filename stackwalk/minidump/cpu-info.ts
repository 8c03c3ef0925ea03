// The processor in words, out of the system info stream, spelled as Breakpad
// and rust-minidump spell it: "GenuineIntel family 6 model 13 stepping 8",
// "ARMv7 Qualcomm Krait features: swp,half". Part and vendor numbers of ARM
// are those of its main id register (MIDR); features are Linux's HWCAP bits.
import type { ByteSource } from "./byte-source.ts";

const armVendors: { readonly [id: number]: string } = { 0x41: "ARM", 0x51: "Qualcomm", 0x56: "Marvell", 0x69: "Intel/Marvell" };
const armParts: { readonly [id: number]: string } = {
  0x4100c050: "Cortex-A5", 0x4100c080: "Cortex-A8", 0x4100c090: "Cortex-A9", 0x4100c0f0: "Cortex-A15", 0x4100c140: "Cortex-R4", 0x4100c150: "Cortex-R5",
  0x4100b360: "ARM1136", 0x4100b560: "ARM1156", 0x4100b760: "ARM1176", 0x4100b020: "ARM11-MPCore",
  0x41009260: "ARM926", 0x41009460: "ARM946", 0x41009660: "ARM966", 0x510006f0: "Krait", 0x510000f0: "Scorpion",
};
/** By bit number. */
const armFeatures = [
  "swp", "half", "thumb", "26bit", "fastmult", "fpa", "vfpv2", "edsp", "java", "iwmmxt",
  "crunch", "thumbee", "neon", "vfpv3", "vfpv3d16", "tls", "vfpv4", "idiva", "idivt",
];

/** The processor of the MINIDUMP_SYSTEM_INFO at `at`, of which the file holds all 56 bytes; "" when it says nothing. */
export function cpuInfo(source: ByteSource, at: number, arch: string): string {
  const level = source.u16(at + 2);
  if (arch === "arm") return armInfo(source, at + 32, level);
  if (arch !== "x86" && arch !== "amd64") return "";
  const revision = source.u16(at + 4);
  const model = `family ${level} model ${revision >>> 8} stepping ${revision & 0xff}`;
  // The amd64 layout has no room for a vendor.
  return arch === "x86" ? `${vendor(source, at + 32)} ${model}` : model;
}

/** Three numbers whose bytes are the vendor's twelve letters. */
function vendor(source: ByteSource, at: number): string {
  let text = "";
  for (let i = 0; i < 12; i++) text += String.fromCharCode((source.u32(at + (i & ~3)) >>> ((i & 3) * 8)) & 0xff);
  return text;
}

function armInfo(source: ByteSource, at: number, level: number): string {
  const id = source.u32(at);
  let text = `ARMv${level}`;
  if (id !== 0) {
    const part = (id & 0xff00fff0) >>> 0;
    text += ` ${armVendors[id >>> 24] ?? `vendor(0x${(id >>> 24).toString(16)})`} ${armParts[part] ?? `part(0x${part.toString(16)})`}`;
  }
  const bits = source.u32(at + 4);
  const features = armFeatures.filter((_, bit) => (bits & (1 << bit)) !== 0);
  return features.length > 0 ? `${text} features: ${features.join(",")}` : text;
}
