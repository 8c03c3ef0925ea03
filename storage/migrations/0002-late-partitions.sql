-- Makes the partition of the month that holds `moment`, if it is not there.
--
-- Two things that the first version could not do: two processes may ask at the
-- same moment, and a crash may have come before its month had a partition (a
-- laptop that slept over the end of a month takes one before upkeep runs). Such
-- a crash is in crashes_default, and as long as it is, Postgres refuses to make
-- the partition; it moves.
create or replace function ensure_crash_partition(moment timestamptz) returns void language plpgsql as $$
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
