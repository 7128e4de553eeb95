-- The PostgreSQL ledger. Instants are UTC milliseconds. It is lean on purpose (ADR 0009): the columns of a table
-- stand in the order of their widths, recurring words are smallints, and ids are stored as stored_ids.py says.

create table names (
  kind text not null, no integer not null, name text not null,
  primary key (kind, no), unique (kind, name)
);

-- Whoever writes is a worker, and holds the advisory lock of its number as long as it is connected.
create table workers (worker_no smallint generated always as identity primary key);

create table streams (
  stream_no smallint primary key,
  office_no smallint,                 -- null: headquarters' own
  registered boolean not null,        -- only these hold the intake clocks back
  next_offset bigint not null default 0,
  clock bigint not null default 0,    -- 0: never read
  topic_id text,
  newest_id bytea not null default '',
  applied bigint not null default 0,
  duplicate bigint not null default 0,
  pulse bigint not null default 0,
  quarantined bigint not null default 0
) with (fillfactor = 20);             -- a position that moves stays on its page

-- A row that is locked is a case that is being judged.
create table cases (
  case_no integer generated always as identity primary key with (fillfactor = 100),
  case_id uuid unique,                -- one of the two: 16 bytes in an index take 28, and 17 take 36
  case_text text,                     -- an id that is no UUID
  check (num_nonnulls(case_id, case_text) = 1)
);
create unique index cases_by_text on cases (case_text) where case_text is not null;

create table facts (
  received_at bigint not null,
  "offset" bigint not null,
  own_at bigint not null,
  digest bigint not null,             -- tells a duplicate from a conflict
  event_id uuid not null,
  case_no integer not null,
  shape_no integer not null,
  stream_no smallint not null,
  encounter_id bytea not null,
  names bytea not null                -- empty: none
);
create index facts_of_case on facts (case_no);
create index facts_by_id on facts (uuid_hash(event_id));   -- two thirds of an index on the id itself

-- Applied records that are no facts of a case.
create table noted (
  stream_no smallint not null, event_id uuid not null, digest bigint not null,
  primary key (event_id, stream_no)
);

-- Folded cases (folding.py): what stands for the facts that judging reads no more, and these facts, which ``noted`` then
-- knows as applied. By encounter, for a new event asks whether anything of its encounter is here.
create table folds (case_no integer primary key, fold text not null);
create table put_away (
  received_at bigint not null,
  "offset" bigint not null,
  own_at bigint not null,
  digest bigint not null,
  event_id uuid not null,
  case_no integer not null,
  shape_no integer not null,
  stream_no smallint not null,
  encounter_id bytea not null,
  names bytea not null,
  is_local boolean not null
);
create index put_away_of on put_away (case_no, encounter_id);

-- Who is late? One query over one index: a case is due once the clock has passed the instant. One instant may be
-- here twice: a unique key would have workers wait for one another. Clocks are an office's, or 0: that of all of them.
create table due (
  past bigint not null,
  case_no integer not null,
  clock_no smallint not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index due_at on due (clock_no, past);

-- The same, of facts that came: only its passing takes an instant off. Most pass at once, and in a table of their own
-- they leave no holes among those that wait for weeks.
create table arrivals (
  past bigint not null,
  case_no integer not null,
  clock_no smallint not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
create index arrivals_at on arrivals (clock_no, past);

create table verdicts (
  at bigint not null,
  due_at bigint not null,
  received_at bigint,
  case_no integer not null,
  occurrence integer not null,
  office_no smallint not null,
  requirement_no smallint not null,
  verdict_no smallint not null,
  policy_no smallint not null,
  encounter_id bytea not null,
  evidence bytea not null,
  primary key (case_no, requirement_no, occurrence, office_no, verdict_no, at, encounter_id)
);

-- Cases whose judgement raises: our fault, shown until it is mended.
create table set_aside (
  case_no integer primary key, reason text not null, at bigint not null, tries integer not null
);

-- Derived: what is open, undetermined or outstanding. Can be rebuilt from the facts.
create table obligations (
  due_at bigint not null,
  next_at bigint,
  opening_offset bigint not null,
  case_no integer not null,
  occurrence integer not null,
  opening_stream_no smallint not null,   -- where the opening event stands; its fact knows the encounter
  requirement_no smallint not null,
  policy_no smallint not null,
  state_no "char" not null,              -- these two take a byte each: 40 bytes a row, where 42 would be 48
  wide boolean not null                  -- judged by the clock over all offices, not by the opening one's
) with (autovacuum_vacuum_scale_factor = 0.05);
create index obligations_of_case on obligations (case_no);
create index outstanding on obligations (opening_stream_no, due_at) where next_at is null;

-- Derived: the metrics' totals. Each worker counts in rows of its own, or they would wait for one another.
create table verdict_tally (
  worker_no smallint, office_no smallint, requirement_no smallint, verdict_no smallint, n bigint not null,
  primary key (worker_no, office_no, requirement_no, verdict_no)
) with (fillfactor = 50);
create table obligation_tally (
  worker_no smallint, office_no smallint, requirement_no smallint, state_no smallint, n bigint not null,
  primary key (worker_no, office_no, requirement_no, state_no)
) with (fillfactor = 50);
create table declined (
  worker_no smallint, office_no smallint, jurisdiction text, n bigint not null,
  primary key (worker_no, office_no, jurisdiction)
) with (fillfactor = 50);
create table delays (
  worker_no smallint, bound double precision, n double precision not null,
  primary key (worker_no, bound)
) with (fillfactor = 50);
create table finding_tally (
  worker_no smallint, kind text, n bigint not null,
  primary key (worker_no, kind)
);
create table quarantine_tally (
  worker_no smallint, reason text, n bigint not null,
  primary key (worker_no, reason)
);

create table gaps (
  office_no smallint not null, start bigint not null, "end" bigint not null,
  primary key (office_no, start, "end")
);

-- The roll call: what was heard of an office and is not settled yet, and what is known up to there.
create table heard (
  at bigint not null, "offset" bigint not null, office_no smallint not null, stream_no smallint not null,
  kind smallint not null, epoch bytea not null, rows bytea not null
);
alter table heard alter column rows set storage external;   -- ids are not worth compressing
create index heard_at on heard (office_no, at);
create table rolls (                  -- a row that is locked is a roll that is being called
  office_no smallint primary key,
  roll text,                          -- null: never called
  past bigint                         -- time alone says more past it
);

create table heartbeats (
  office_no smallint primary key, received_at bigint not null, epoch bytea not null,
  last_encounter_sequence bigint not null, last_incident_sequence bigint not null, pending bigint not null
);

create table findings (
  kind text not null, stream_no smallint not null, at bigint not null, detail text not null,
  office_id text not null, evidence bytea not null,
  primary key (kind, stream_no, at, detail)
);

create table quarantine (
  stream_no smallint not null, "offset" bigint not null, received_at bigint not null,
  reason text not null, detail text not null, value bytea, size bigint not null, sha256 bytea not null,
  epoch bytea, sequence bigint,
  ended_at bigint, ended_by bigint,     -- when, and by which directive (its offset); null: it waits for one
  primary key (stream_no, "offset")
);
create index quarantine_waiting on quarantine (stream_no, received_at) where ended_at is null;
create index quarantine_ended on quarantine (stream_no, received_at, ended_at) where ended_at is not null;

-- Headquarters' own orders, all of them. case_no: the case that one concerns, or a fact of which it readmitted.
create table directives (
  received_at bigint not null, "offset" bigint primary key, event_id uuid not null, action text not null,
  target text not null, authority text not null, reason_code text not null, until bigint, ignored text,
  case_no integer
);
create index directives_on on directives (target);
create index directives_activating on directives ("offset")
  where action in ('ACTIVATE_POLICY', 'ACTIVATE_REGISTER') and ignored is null;
create index directives_of_case on directives (case_no) where case_no is not null;

-- What reports name, and what of that lies at headquarters: both only where a policy asks.
create table reports (
  "offset" bigint not null, case_no integer not null, stream_no smallint not null,
  reference bytea not null, sha256 bytea not null
);
create index reports_of_case on reports (case_no);
create index reports_naming on reports (reference);
create table lodgings (
  received_at bigint not null, "offset" bigint not null, event_id uuid not null,
  reference bytea not null, sha256 bytea not null,
  primary key (reference, sha256)
);

-- What waits to be published, by the worker that publishes it.
create table outgoing (
  number bigint generated always as identity, worker_no smallint not null, topic text not null, value bytea not null,
  primary key (worker_no, number)
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);

-- An id as it came, for sorting.
create function id_text(stored bytea) returns text language sql immutable strict as $$
  select case
    when length(stored) = 16 then cast(encode(stored, 'hex') as uuid)::text
    when get_byte(stored, 0) = 0 then convert_from(substr(stored, 2), 'UTF8')
    else convert_from(stored, 'UTF8')
  end
$$;
