// The texts that minidump_dump and minidump-stackwalk --dump print: blocks of
// `name = value` under headings such as `thread[0]` and `MDRawThread`.

/** One block: its headings above it, the last one first, and its fields. */
export type RawBlock = { readonly heading: string; readonly above: string; readonly fields: { readonly [name: string]: string } };

/** Splits such a text. Fields that one block repeats keep their first value. */
export function parseRawText(text: string): RawBlock[] {
  const blocks: RawBlock[] = [];
  let above = "";
  let heading = "";
  let fields: { [name: string]: string } = {};
  const end = (): void => {
    if (Object.keys(fields).length > 0) blocks.push({ heading, above, fields });
    fields = {};
  };
  for (const line of text.split("\n")) {
    const field = /^ {2}\s*(\([\w.]+\)|[\w.]+(?:\[[^\]]*\])?)\s+= ?(.*)$/.exec(line);
    if (field?.[1] !== undefined) fields[field[1]] ??= field[2] ?? "";
    else if (/^[A-Za-z]/.test(line)) {
      end();
      if (/^\w+\[\d+\]$/.test(line)) above = line;
      heading = line;
    }
  }
  end();
  return blocks;
}

/** A number as these texts print it, in hex or decimal, with what may follow it. */
export function rawNumber(text: string | undefined): number {
  const value = /^(0x[0-9a-f]+|\d+)/.exec(text ?? "")?.[1];
  return value === undefined ? Number.NaN : Number(value);
}

/** A text in quotes as these texts print it; null for `(null)`. */
export function rawString(text: string | undefined): string | null {
  return /^"(.*)"$/.exec(text ?? "")?.[1] ?? null;
}
