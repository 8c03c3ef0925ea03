-- Native debug files: a PDB and a program beside the symbol files of Breakpad.
-- A module may have several files that complete each other, and a program
-- without CodeView record is known by its code id alone.

alter table debug_files drop constraint debug_files_kind_check;
alter table debug_files add constraint debug_files_kind_check check (kind in ('breakpad', 'pdb', 'pe'));
alter table debug_files alter column debug_file drop not null;
alter table debug_files alter column debug_id drop not null;
alter table debug_files add constraint debug_files_known_by_an_id check (debug_id is not null or (code_id is not null and code_file is not null));

alter table debug_files
  -- What it can tell: functions, publics, lines, inlines, unwind.
  add column holds jsonb not null default '{}',
  -- What it cannot, by itself: a list of {code, message, hint}.
  add column lacks jsonb not null default '[]',
  -- Why it could not be compiled; null while it could, or has not been tried.
  add column problem text,
  -- Compilations that have begun and not ended: a file that ends its worker must not do so for ever.
  add column attempts int not null default 0,
  -- When somebody last worked on it or asked for that.
  add column queued_at timestamptz not null default now(),
  add column compiled_at timestamptz,
  -- Healing goes from the newest crash to the oldest; it has come to this one.
  add column healed_to uuid,
  -- When it was compiled and all that waited for it was asked to be walked again; null while there is something to do.
  add column settled_at timestamptz;

-- What was uploaded before is read for what it has; then upkeep finds it unsettled, and heals what waited for it.
update debug_files set holds = jsonb_build_object('functions', functions > 0, 'publics', false, 'lines', lines > 0, 'inlines', false, 'unwind', unwind_rows > 0);

-- A file is the same whatever its request calls it.
alter table debug_files drop constraint debug_files_project_id_debug_id_debug_file_blob_key;
alter table debug_files add constraint debug_files_once unique (project_id, blob);
create index debug_files_by_debug_id on debug_files (project_id, debug_id);
create index debug_files_by_code_id on debug_files (project_id, code_id, lower(code_file));
create index debug_files_by_compilation on debug_files (project_id, compiled_at);
create index debug_files_unsettled on debug_files (queued_at) where settled_at is null;

-- A module that a crash lacked something of: empty text where the dump does not know an id.
alter table missing_symbols
  add column code_id text not null default '',
  add column code_file text not null default '',
  add column lacks text not null default 'all' check (lacks in ('all', 'names', 'unwind'));
alter table missing_symbols drop constraint missing_symbols_pkey;
alter table missing_symbols add primary key (crash_id, debug_id, debug_file, code_id, code_file);
-- The crash last: healing reads in its order.
drop index missing_symbols_by_module;
create index missing_symbols_by_module on missing_symbols (project_id, debug_id, crash_id);
create index missing_symbols_by_code_id on missing_symbols (project_id, code_id, crash_id) where code_id <> '';

-- Of jobs on one queue those with a lower number run first.
alter table outbox add column priority int not null default 0;
