-- Debug files of Linux and of Apple's systems, and source files.

alter table debug_files drop constraint debug_files_kind_check;
alter table debug_files add constraint debug_files_kind_check check (kind in ('breakpad', 'pdb', 'pe', 'elf', 'elf-debug', 'macho', 'dsym', 'dwp', 'sources'));

alter table debug_files
  -- Debug id of the file that dwz made of what this one's DWARF shares with others; null where it shares nothing.
  add column supplement_id text,
  -- System that it was built for, with its lowest version, for people; null where nothing says it.
  add column platform text;
-- Whom a file that dwz made completes.
create index debug_files_by_supplement on debug_files (project_id, supplement_id) where supplement_id is not null;
