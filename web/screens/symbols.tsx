// Symbols: what is missing and for how many crashes, then what was uploaded.
import type { Me, MissingSymbol, SymbolItem, SymbolPage } from "../../services/triage/schema.ts";
import { CodeName } from "../parts/code-name.tsx";
import { CopyLine } from "../parts/copy-button.tsx";
import { Count } from "../parts/count.tsx";
import { Heading } from "../parts/heading.tsx";
import { ListFoot, WaitingBar } from "../parts/list-foot.tsx";
import { Empty, ProblemNotice, StaleNotice, Waiting } from "../parts/notice.tsx";
import { When } from "../parts/when.tsx";
import { usePagedList } from "../state/paged-list.ts";
import { hrefOf } from "../state/route.ts";
import { formatBytes, plural } from "../text/amounts.ts";
import { missingText } from "../text/missing-symbols.ts";
import { symbolUploadCommand } from "../text/upload-address.ts";

/** Missing modules shown before the rest is folded away. */
const missingShown = 12;

/** Missing and uploaded symbol files of a project. */
export function SymbolsScreen(props: { readonly project: Me["projects"][number] }) {
  const { project } = props;
  const list = usePagedList<SymbolItem>(`/${project.slug}/symbols`);
  const page = list.head.value as SymbolPage | null;
  const items = list.items.value;
  if (items === null || page === null)
    return (
      <>
        <Heading title="Symbols" />
        {list.problem.value === null ? <Waiting /> : <ProblemNotice problem={list.problem.value} retry={() => void list.refresh()} />}
      </>
    );
  return (
    <>
      <Heading title="Symbols" />
      <StaleNotice problem={list.problem.value} />
      <section aria-labelledby="missing">
        <h2 id="missing">Missing</h2>
        {page.missing.length === 0 ? (
          <p class="faint">No crash misses symbols.</p>
        ) : (
          <>
            <p>Crashes needed these and nobody uploaded them. Once they come, the crashes that waited are read again by themselves.</p>
            <UploadCommand project={project.slug} />
            <MissingTable missing={page.missing.slice(0, missingShown)} />
            {page.missing.length > missingShown && (
              <details class="more-missing">
                <summary>{page.missing.length - missingShown} more, with fewer crashes</summary>
                <MissingTable missing={page.missing.slice(missingShown)} />
              </details>
            )}
          </>
        )}
      </section>
      <section aria-labelledby="uploaded">
        <h2 id="uploaded">Uploaded</h2>
        <WaitingBar list={list} say={(rows) => plural(rows.length, "new file")} />
        {items.length === 0 ? (
          <Empty title="No symbols were uploaded yet.">
            <p>Without them, frames are module names and offsets. Let the build upload them.</p>
            {page.missing.length === 0 && <UploadCommand project={project.slug} />}
          </Empty>
        ) : (
          <SymbolTable items={items} />
        )}
        <ListFoot list={list} noun={["file", "files"]} />
      </section>
    </>
  );
}

function UploadCommand(props: { readonly project: string }) {
  return (
    <>
      <p>
        Put a token that may upload symbols (under <a href={hrefOf({ screen: "settings", project: props.project })}>Settings</a>) into <code>DEADAIR_TOKEN</code>, then:
      </p>
      <CopyLine text={symbolUploadCommand(location.origin, props.project, "build/symbols")} what="Command that uploads symbols" />
    </>
  );
}

function MissingTable(props: { readonly missing: readonly MissingSymbol[] }) {
  return (
    <table class="rows missing" role="table">
      <caption class="offscreen">Modules that crashes needed and nobody uploaded</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Module</th>
          <th role="columnheader" scope="col">Debug id</th>
          <th role="columnheader" scope="col">Lacks</th>
          <th role="columnheader" scope="col">Upload</th>
          <th role="columnheader" scope="col" class="number">Crashes</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.missing.map((one) => {
          const text = missingText(one);
          return (
            <tr role="row" key={`${text.name} ${text.id}`}>
              <td role="cell" class="wide-cell">
                <CodeName name={text.name} />
              </td>
              <td role="cell" class="full-cell">
                <code class="debug-id">{text.id}</code>
                {one.debugId === null && <span class="faint"> code id</span>}
              </td>
              <td role="cell" class="when" data-label="Lacks">
                {text.lacks}
              </td>
              <td role="cell" data-label="Upload">
                {text.wanted}
              </td>
              <td role="cell" class="number strong" data-label="Crashes">
                <Count value={one.crashes} />
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** What kinds of files are called here. */
const kindNames: { readonly [kind in SymbolItem["kind"]]: string } = {
  breakpad: ".sym",
  pdb: "PDB",
  pe: "program",
  elf: "program",
  "elf-debug": ".debug file",
  macho: "program",
  dsym: "dSYM",
  dwp: "split DWARF",
  sources: "source files",
};

function SymbolTable(props: { readonly items: readonly SymbolItem[] }) {
  return (
    <table class="rows symbols" role="table">
      <caption class="offscreen">Uploaded symbol files</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">File</th>
          <th role="columnheader" scope="col">Debug id</th>
          <th role="columnheader" scope="col">System</th>
          <th role="columnheader" scope="col" class="number">Functions</th>
          <th role="columnheader" scope="col" class="number">Lines</th>
          <th role="columnheader" scope="col" class="number">
            <abbr title="Rows of unwind data: without them, stacks are guessed">Unwind</abbr>
          </th>
          <th role="columnheader" scope="col" class="number">Size</th>
          <th role="columnheader" scope="col">Uploaded</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.items.map((item) => (
          <tr role="row" key={item.id}>
            <td role="cell" class="wide-cell">
              <CodeName name={nameOf(item)} /> <span class="file-kind">{kindNames[item.kind]}</span>
              <FileNotes item={item} />
            </td>
            <td role="cell" class="full-cell">
              <code class="debug-id">{item.debugId ?? item.codeId}</code>
              {item.debugId === null && <span class="faint"> code id</span>}
            </td>
            <td role="cell" class="when" data-label="System">
              <System item={item} />
            </td>
            <td role="cell" class="number" data-label="Functions">
              <Amount value={item.functions} isCounted={isCounted(item)} isLacking={false} />
            </td>
            <td role="cell" class="number" data-label="Lines">
              <Amount value={item.lines} isCounted={isCounted(item)} isLacking={item.lacks.some(({ code }) => linesLacks.includes(code))} />
            </td>
            <td role="cell" class="number" data-label="Unwind rows">
              <Amount value={item.unwindRows} isCounted={isCounted(item)} isLacking={item.lacks.some(({ code }) => code === "no_unwind" || code === "unwind_in_program")} />
            </td>
            <td role="cell" class="number" data-label="Size">
              {formatBytes(item.bytes)}
            </td>
            <td role="cell" class="when" data-label="Uploaded">
              <When at={item.createdAt} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Lacks of source lines. */
const linesLacks = ["no_lines", "no_functions", "stripped", "names_in_dwo", "names_in_dsym", "names_in_objects"];

/** What the file itself is called: a program by its own name, not its PDB's. */
function nameOf(item: SymbolItem): string {
  return (item.kind === "pe" ? (item.codeFile ?? item.debugFile) : item.debugFile) ?? "";
}

/** Systems as people call them; others are shown as they are. */
const systemNames: { readonly [os: string]: string } = { windows: "Windows", linux: "Linux", mac: "macOS", ios: "iOS" };

/** The system and the processor; source files are for none. */
function System(props: { readonly item: SymbolItem }) {
  const { os, arch, platform, kind } = props.item;
  if (kind === "sources") return <span class="faint">–</span>;
  return (
    <>
      {platform ?? systemNames[os.toLowerCase()] ?? os} {arch}
    </>
  );
}

/** A symbol file is counted when it comes, other files when they are compiled, source files never. */
function isCounted(item: SymbolItem): boolean {
  return item.kind === "breakpad" || item.compiled || item.problem !== null;
}

/** A count; a dash where the file has none and needs none, and `none` where stacks suffer from it. */
function Amount(props: { readonly value: number; readonly isCounted: boolean; readonly isLacking: boolean }) {
  if (props.isLacking) return <span class="warn-text">none</span>;
  if (!props.isCounted) return <span class="faint">…</span>;
  return props.value === 0 ? <span class="faint">–</span> : <Count value={props.value} />;
}

/** What is wrong with a file, or what its module still lacks and what to do about it. */
function FileNotes(props: { readonly item: SymbolItem }) {
  const { problem, lacks } = props.item;
  if (problem === null && lacks.length === 0) return null;
  return (
    <ul class="file-notes">
      {problem !== null && <li class="warn-text">{problem}</li>}
      {lacks.map((lack) => (
        <li key={lack.code}>
          {lack.message} <span class="faint">{lack.hint}</span>
        </li>
      ))}
    </ul>
  );
}
