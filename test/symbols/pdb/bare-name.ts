// Names of functions without what others do not print: llvm-symbolizer prints
// no parameters, dump_syms spells some types in its own way.

/** A function's name without parameters and what follows them. */
export function bareName(name: string): string {
  let depth = 0;
  for (let at = 0; at < name.length; at++) {
    if (name.startsWith("(anonymous namespace)", at)) {
      at += "(anonymous namespace)".length - 1;
      continue;
    }
    const operator = /^operator *(\(\)|<=>|<<=?|>>=?|->\*?|<=?|>=?)/.exec(name.slice(at, at + 16));
    if (operator !== null) {
      at += operator[0].length - 1;
      continue;
    }
    if (name[at] === "<") depth++;
    if (name[at] === ">") depth--;
    if (name[at] === "(" && depth === 0) return name.slice(0, at);
  }
  return name;
}
