// The modules of the crashed process: which build of what was loaded where,
// and whether its symbols are here.
import type { Module, Report } from "./report.ts";
import { Badge } from "../parts/badge.tsx";
import { CodeName } from "../parts/code-name.tsx";
import { orderModules, symbolStateText } from "./module-order.ts";

/** Loaded and unloaded modules. */
export function ModulePanel(props: { readonly report: Report }) {
  const { modules, unloaded_modules: unloaded } = props.report;
  const { needed, rest } = orderModules(modules);
  return (
    <section aria-labelledby="modules">
      <h2 id="modules">Modules</h2>
      {modules.length === 0 && <p class="faint">The crash names no modules.</p>}
      {needed.length > 0 && <ModuleTable caption="Modules that frames are in" modules={needed} />}
      {rest.length > 0 && (
        <details class="panel" open={needed.length === 0}>
          <summary>{needed.length === 0 ? `${rest.length} modules` : `${rest.length} modules that no frame needed`}</summary>
          <ModuleTable caption="Other modules" modules={rest} />
        </details>
      )}
      {unloaded.length > 0 && (
        <details class="panel">
          <summary>{unloaded.length === 1 ? "1 unloaded module" : `${unloaded.length} unloaded modules`}</summary>
          <ul class="plain-list">
            {unloaded.map((module) => (
              <li key={`${module.filename} ${module.base_addr}`}>
                <CodeName name={module.filename} />{" "}
                <code class="faint">
                  {module.base_addr}–{module.end_addr}
                </code>
              </li>
            ))}
          </ul>
        </details>
      )}
    </section>
  );
}

function ModuleTable(props: { readonly caption: string; readonly modules: readonly Module[] }) {
  return (
    <table class="rows modules" role="table">
      <caption class="offscreen">{props.caption}</caption>
      <thead role="rowgroup">
        <tr role="row">
          {["Module", "Symbols", "Version", "Debug file and id", "Base"].map((name) => (
            <th role="columnheader" key={name} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {props.modules.map((module) => (
          <ModuleRow key={`${module.base_addr} ${module.filename}`} module={module} />
        ))}
      </tbody>
    </table>
  );
}

function ModuleRow(props: { readonly module: Module }) {
  const { module } = props;
  const state = symbolStateText(module.symbol_state);
  return (
    <tr role="row">
      <td role="cell" title={module.code_file}>
        <CodeName name={module.filename} />
      </td>
      <td role="cell">
        <Badge tone={state.tone} text={state.label} title={state.explains} />
      </td>
      <td role="cell" data-label="Version">
        {module.version === null || /^0(\.0)*$/.test(module.version) ? <span class="faint">none</span> : module.version}
      </td>
      <td role="cell" data-label="Debug id">
        {module.debug_file !== null && <CodeName name={module.debug_file} />} {module.debug_id === null ? <span class="faint">none</span> : <code class="debug-id">{module.debug_id}</code>}
      </td>
      <td role="cell" data-label="Base">
        <code class="faint">{module.base_addr}</code>
      </td>
    </tr>
  );
}
