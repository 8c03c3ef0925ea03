-- Who may do what.

create table projects (
  id int generated always as identity primary key,
  slug text not null unique check (slug ~ '^[a-z0-9][a-z0-9-]{0,62}$' and slug !~ '^[0-9]+$'),
  name text not null,
  -- The public key that clients upload with. It identifies, it does not authorise: it ships inside every plugin.
  ingest_key text not null unique,
  created_at timestamptz not null default now()
);

create table users (
  id uuid primary key,
  email text not null,
  name text not null,
  password_hash text,
  created_at timestamptz not null default now()
);
create unique index users_email on users (lower(email));

create table memberships (
  user_id uuid not null references users on delete cascade,
  project_id int not null references projects on delete cascade,
  role text not null check (role in ('owner', 'member')),
  primary key (user_id, project_id)
);

create table logins (
  token_hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table sign_in_links (
  token_hash bytea primary key,
  user_id uuid not null references users on delete cascade,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);

create table tokens (
  id uuid primary key,
  project_id int not null references projects on delete cascade,
  name text not null,
  token_hash bytea not null unique,
  scopes text[] not null,
  created_at timestamptz not null default now(),
  revoked_at timestamptz
);

create table audit (
  id uuid primary key,
  project_id int references projects on delete set null,
  at timestamptz not null default now(),
  actor text not null,
  action text not null,
  subject text not null,
  detail jsonb not null default '{}'
);

-- Groups and their fingerprints. A fingerprint belongs to one group at a time.

create table groups (
  id uuid primary key,
  project_id int not null references projects on delete cascade,
  signature text not null,
  signature_version int not null,
  state text not null default 'new' check (state in ('new', 'ongoing', 'resolved', 'archived')),
  first_seen timestamptz not null,
  last_seen timestamptz not null,
  -- Folded counts. What count_deltas still holds comes on top; see storage/counts.ts.
  crash_count bigint not null default 0,
  install_count bigint not null default 0,
  -- The crash that made the group, until rules have been told of it: what finds news that a queue has lost.
  announce_crash uuid,
  created_at timestamptz not null default now()
);
create index groups_unannounced on groups (created_at) where announce_crash is not null;
create index groups_by_last_seen on groups (project_id, last_seen desc, id desc);
create index groups_by_count on groups (project_id, crash_count desc, id desc);
create index groups_by_first_seen on groups (project_id, first_seen desc, id desc);

create table fingerprints (
  project_id int not null references projects on delete cascade,
  fingerprint bytea not null,
  group_id uuid not null references groups deferrable initially deferred,
  created_at timestamptz not null default now(),
  primary key (project_id, fingerprint)
);
create index fingerprints_by_group on fingerprints (group_id);

create table group_installs (
  group_id uuid not null references groups on delete cascade,
  install text not null,
  crashes int not null,
  primary key (group_id, install)
);

-- One row a report. Partitioned by month through its id: a UUIDv7 starts with
-- its time, so the id alone finds the partition and retention drops one.

create table crashes (
  id uuid primary key,
  project_id int not null,
  received_at timestamptz not null,
  kind text not null check (kind in ('minidump', 'stacktrace')),
  state text not null check (state in ('stored', 'grouped', 'failed')),
  state_code text,
  state_reason text,
  revision int not null default 1,
  attempts int not null default 0,
  queued_at timestamptz not null default now(),
  finished_at timestamptz,
  blob text not null,
  blob_bytes bigint not null,
  report_blob text,
  client text,
  install text,
  product text,
  version text,
  host text,
  os text,
  os_version text,
  arch text,
  crash_reason text,
  crash_address text,
  crash_module text,
  signature text,
  signature_version int,
  fingerprint bytea,
  group_id uuid,
  waiting_for_symbols boolean not null default false,
  annotations jsonb not null default '{}',
  notes jsonb not null default '[]'
) partition by range (id);
create index crashes_by_group on crashes (group_id, id desc) where group_id is not null;
create index crashes_by_project on crashes (project_id, id desc);
create index crashes_stored on crashes (queued_at) where state = 'stored';
create index crashes_failed on crashes (project_id, id desc) where state = 'failed';
create table crashes_default partition of crashes default;

-- The first UUIDv7 of a moment.
create function uuid_floor(moment timestamptz) returns uuid immutable language sql as $$
  select (lpad(to_hex(floor(extract(epoch from moment) * 1000)::bigint), 12, '0') || '00000000000000000000')::uuid
$$;

-- Makes the partition of the month that holds `moment`, if it is not there. Two
-- processes may ask at the same moment; and a crash may have come before its month
-- had a partition (a laptop that slept over the end of a month takes one before
-- upkeep runs). Such a crash is in crashes_default, and while it is, Postgres
-- refuses to make the partition; so it moves.
create function ensure_crash_partition(moment timestamptz) returns void language plpgsql as $$
declare
  first timestamptz := date_trunc('month', moment at time zone 'UTC') at time zone 'UTC';
  next timestamptz := (date_trunc('month', moment at time zone 'UTC') + interval '1 month') at time zone 'UTC';
  name text := 'crashes_' || to_char(moment at time zone 'UTC', 'YYYYMM');
begin
  if to_regclass(name) is not null then return; end if;
  -- Waits for whoever is writing to it, or making this partition just now, and keeps everybody out until the rows have moved.
  lock table crashes_default in access exclusive mode;
  if to_regclass(name) is not null then return; end if;
  execute format('create table %I (like crashes including defaults including constraints)', name);
  execute format('with early as (delete from crashes_default where id >= %L and id < %L returning *) insert into %I select * from early', uuid_floor(first), uuid_floor(next), name);
  execute format('alter table crashes attach partition %I for values from (%L) to (%L)', name, uuid_floor(first), uuid_floor(next));
end $$;

create table crash_attachments (
  crash_id uuid not null,
  project_id int not null,
  name text not null,
  blob text not null,
  bytes bigint not null,
  primary key (crash_id, name)
);

-- The same report sent twice (an answer was lost, the client tried again) is one crash.
create table upload_keys (
  project_id int not null,
  key bytea not null,
  crash_id uuid not null,
  created_at timestamptz not null default now(),
  primary key (project_id, key)
);

-- What was uploaded to name frames, and which crashes lacked something.

create table debug_files (
  id uuid primary key,
  project_id int not null references projects on delete cascade,
  kind text not null check (kind in ('breakpad')),
  debug_file text not null,
  debug_id text not null,
  code_file text,
  code_id text,
  os text not null,
  arch text not null,
  blob text not null,
  bytes bigint not null,
  functions bigint not null,
  lines bigint not null,
  unwind_rows bigint not null,
  created_at timestamptz not null default now(),
  unique (project_id, debug_id, debug_file, blob)
);
create index debug_files_by_time on debug_files (project_id, created_at desc, id desc);

create table missing_symbols (
  project_id int not null,
  debug_id text not null,
  debug_file text not null,
  crash_id uuid not null,
  primary key (crash_id, debug_id, debug_file)
);
create index missing_symbols_by_module on missing_symbols (project_id, debug_id);

-- Counting. A worker only ever inserts deltas, so that a storm of one signature
-- does not queue on one row; a fold moves them into the sums below.

create table count_deltas (
  seq bigint generated always as identity primary key,
  project_id int not null,
  group_id uuid not null,
  day date not null,
  seen_at timestamptz not null,
  crashes int not null,
  installs int not null,
  version text,
  os text,
  arch text,
  host text
);
create index count_deltas_by_group on count_deltas (group_id);

create table group_days (
  group_id uuid not null,
  day date not null,
  crashes bigint not null,
  primary key (group_id, day)
);

create table group_versions (
  group_id uuid not null,
  version text not null,
  crashes bigint not null,
  primary key (group_id, version)
);

create table counters (
  project_id int not null,
  day date not null,
  facet text not null,
  value text not null,
  n bigint not null,
  primary key (project_id, day, facet, value)
);

-- What must happen next.

create table outbox (
  id uuid primary key,
  queue text not null,
  -- Identity of the job on its queue: adding it while it is still there does nothing.
  job_key text not null,
  payload jsonb not null,
  due_at timestamptz not null default now(),
  created_at timestamptz not null default now()
);
create index outbox_due on outbox (due_at, id);

create function outbox_added() returns trigger language plpgsql as $$
begin
  perform pg_notify('deadair_outbox', '');
  return null;
end $$;
create trigger outbox_notify after insert on outbox for each statement execute function outbox_added();

create table alert_rules (
  id uuid primary key,
  project_id int not null references projects on delete cascade,
  kind text not null check (kind in ('new-group')),
  name text not null,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);

create table alerts (
  id uuid primary key,
  project_id int not null references projects on delete cascade,
  rule_id uuid not null references alert_rules on delete cascade,
  subject text not null,
  time_window text not null default '',
  group_id uuid,
  crash_id uuid,
  title text not null,
  body jsonb not null default '{}',
  created_at timestamptz not null default now(),
  unique (rule_id, subject, time_window)
);
create index alerts_by_time on alerts (project_id, created_at desc, id desc);

create table destinations (
  id uuid primary key,
  project_id int not null references projects on delete cascade,
  kind text not null check (kind in ('webhook', 'slack', 'mail')),
  name text not null,
  -- A URL, or an address for mail.
  target text not null,
  -- Standard Webhooks secret (whsec_…); only webhooks have one.
  secret text,
  enabled boolean not null default true,
  created_at timestamptz not null default now()
);

create table deliveries (
  id uuid primary key,
  project_id int not null,
  alert_id uuid not null references alerts on delete cascade,
  destination_id uuid not null references destinations on delete cascade,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed')),
  attempts int not null default 0,
  next_attempt_at timestamptz not null default now(),
  last_status int,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (alert_id, destination_id)
);
create index deliveries_pending on deliveries (next_attempt_at) where state = 'pending';
create index deliveries_by_time on deliveries (project_id, created_at desc, id desc);

create table delivery_attempts (
  id uuid primary key,
  delivery_id uuid not null references deliveries on delete cascade,
  at timestamptz not null default now(),
  milliseconds int not null,
  status int,
  error text,
  answer text
);
create index delivery_attempts_by_delivery on delivery_attempts (delivery_id, at);
