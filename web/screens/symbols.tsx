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
            <p>Crashes needed these and nobody uploaded them. Crashes that arrive after an upload have names; older ones are read again from their own page.</p>
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
          <th role="columnheader" scope="col">Debug file</th>
          <th role="columnheader" scope="col">Debug id</th>
          <th role="columnheader" scope="col" class="number">Crashes without names</th>
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.missing.map((one) => (
          <tr role="row" key={`${one.debugFile} ${one.debugId}`}>
            <td role="cell" class="wide-cell">
              <CodeName name={one.debugFile} />
            </td>
            <td role="cell" class="full-cell">
              <code class="debug-id">{one.debugId}</code>
            </td>
            <td role="cell" class="number strong" data-label="Crashes">
              <Count value={one.crashes} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function SymbolTable(props: { readonly items: readonly SymbolItem[] }) {
  return (
    <table class="rows symbols" role="table">
      <caption class="offscreen">Uploaded symbol files</caption>
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">Debug file</th>
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
              <CodeName name={item.debugFile} />
            </td>
            <td role="cell" class="full-cell">
              <code class="debug-id">{item.debugId}</code>
            </td>
            <td role="cell" data-label="System">
              {item.os} {item.arch}
            </td>
            <td role="cell" class="number" data-label="Functions">
              <Count value={item.functions} />
            </td>
            <td role="cell" class="number" data-label="Lines">
              <Count value={item.lines} />
            </td>
            <td role="cell" class="number" data-label="Unwind rows">
              {item.unwindRows === 0 ? (
                <span class="warn-text" title="No unwind data: stacks through this module are guessed">
                  none
                </span>
              ) : (
                <Count value={item.unwindRows} />
              )}
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
