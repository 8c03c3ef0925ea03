// Notes: what tools leave in an ELF file for others to find. Three matter here:
// the build id, which ties a program to its debug files and to crashes, and
// Android's mark.
//
//     u32 bytes of the name, u32 bytes of the content, u32 kind;
//     name and content, each padded to 4 bytes
//
// Both sections and segments lead to them, and either may be missing, or be
// wrong: objcopy of old leaves segments of debug files pointing anywhere. So
// sections come first. Notes whose alignment is 8 (`.note.gnu.property`) pad to
// that; a build id may stand behind one in the same segment.
import { readFixed } from "../dwarf/section-cursor.ts";
import { readBytes } from "../file-bytes.ts";
import { sectionType, segmentType } from "./codes.ts";
import type { ElfImage } from "./image.ts";

/** What the notes of a file say. */
export type ElfNotes = {
  /** The GNU build id; null without. */
  readonly buildId: Buffer | null;
  /** The lowest version of Android's interface; 0 for a file that is not Android's. */
  readonly androidLevel: number;
};

const headBytes = 12;
/** Bytes of notes that are read of one section or segment, and of how many. */
const [bytesMax, placesMax] = [64 * 1024, 64];
const kindBuildId = 3;
const kindAndroid = 1;

/** Reads the notes. */
export function readNotes(image: ElfImage): ElfNotes {
  const { sections, segments } = image.headers;
  const places = [
    ...sections.filter(({ type }) => type === sectionType.note).map(({ offset, stored }) => ({ offset, stored, alignment: 4 })),
    ...segments.filter(({ type }) => type === segmentType.note),
  ];
  let buildId: Buffer | null = null;
  let androidLevel = 0;
  for (const { offset, stored, alignment } of places.slice(0, placesMax)) {
    const bytes = readBytes(image.bytes, offset, Math.min(stored, bytesMax));
    if (bytes === null) continue;
    for (const note of notesIn(bytes, image.headers.little, alignment === 8 ? 8 : 4)) {
      if (note.name === "GNU" && note.kind === kindBuildId && note.content.length > 0) buildId ??= note.content;
      if (note.name === "Android" && note.kind === kindAndroid && note.content.length >= 4 && androidLevel === 0) androidLevel = readFixed(note.content, 0, 4, image.headers.little);
    }
  }
  return { buildId, androidLevel };
}

type Note = { readonly name: string; readonly kind: number; readonly content: Buffer };

function notesIn(bytes: Buffer, little: boolean, alignment: 4 | 8): Note[] {
  const notes: Note[] = [];
  for (let at = 0; at + headBytes <= bytes.length; ) {
    const nameBytes = readFixed(bytes, at, 4, little);
    const contentBytes = readFixed(bytes, at + 4, 4, little);
    const nameAt = at + headBytes;
    const contentAt = aligned(nameAt + nameBytes, alignment);
    if (contentAt + contentBytes > bytes.length) break;
    notes.push({ name: bytes.toString("latin1", nameAt, Math.max(nameAt, nameAt + nameBytes - 1)), kind: readFixed(bytes, at + 8, 4, little), content: bytes.subarray(contentAt, contentAt + contentBytes) });
    at = aligned(contentAt + contentBytes, alignment);
  }
  return notes;
}

function aligned(at: number, alignment: number): number {
  return Math.ceil(at / alignment) * alignment;
}
