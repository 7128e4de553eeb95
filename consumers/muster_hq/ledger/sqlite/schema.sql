-- The SQLite ledger, version 1. Instants are UTC milliseconds. Keys decide the speed: cases are numbered in
-- order of arrival, so that what is new is appended, and tables are clustered by case (WITHOUT ROWID).

create table meta (key text primary key, value) without rowid;

-- Words that recur, as numbers: offices, streams, requirements, policies, shapes, epochs.
create table names (no integer primary key, kind text not null, name text not null, unique (kind, name));

create table streams (
  stream_no integer primary key,
  office_no integer,                  -- null: headquarters' own
  registered integer not null,        -- only these hold the intake clocks back
  next_offset integer not null default 0,
  clock integer not null default 0,   -- 0: never read
  topic_id text,
  newest_id blob not null default x'',
  applied integer not null default 0,
  duplicate integer not null default 0,
  pulse integer not null default 0,
  quarantined integer not null default 0
);

-- Ids are stored as ledger/ids.py says: blobs where they are UUIDs, text where they are not.
create table cases (case_no integer primary key, case_id not null unique);

create table facts (
  case_no integer not null,
  received_at integer not null,
  stream_no integer not null,
  "offset" integer not null,
  event_id blob not null,
  shape_no integer not null,
  encounter_id not null,
  own_at integer not null,
  names blob,
  primary key (case_no, received_at, stream_no, "offset")
) without rowid;

-- Folded cases (folding.py): what stands for the facts that judging reads no more, and these facts. By encounter, for
-- a new event asks whether anything of its encounter is here.
create table folds (case_no integer primary key, fold text not null);
create table put_away (
  case_no integer not null,
  encounter_id not null,
  received_at integer not null,
  stream_no integer not null,
  "offset" integer not null,
  event_id blob not null,
  shape_no integer not null,
  own_at integer not null,
  names blob,
  is_local integer not null,
  primary key (case_no, encounter_id, received_at, stream_no, "offset")
) without rowid;

-- What was applied, for telling a duplicate from a conflict.
create table applied (
  stream_no integer not null,
  event_id blob not null,
  digest blob not null,
  primary key (stream_no, event_id)
) without rowid;

-- Who is late? One query over one index: a case is due once the clock has passed the instant.
create table due (
  clock_no integer not null,          -- an office, or 0: all of them
  past integer not null,
  case_no integer not null,
  primary key (clock_no, past, case_no)
) without rowid;

-- Cases that could not be judged: shown, tried again a few times, and again when a worker starts.
create table set_aside (case_no integer primary key, reason text not null, at integer not null, tries integer not null);

create table verdicts (
  case_no integer not null,
  office_no integer not null,
  encounter_id not null,
  requirement_no integer not null,
  occurrence integer not null,
  verdict_no integer not null,
  at integer not null,
  due_at integer not null,
  received_at integer,
  policy_no integer not null,
  evidence blob not null,
  primary key (case_no, office_no, encounter_id, requirement_no, occurrence, verdict_no, at)
) without rowid;

-- Derived: what is open, undetermined or outstanding. Can be rebuilt from the facts.
create table obligations (
  case_no integer not null,
  requirement_no integer not null,
  occurrence integer not null,
  opening_stream_no integer not null,   -- where the opening event stands; its fact knows the encounter
  opening_offset integer not null,
  opening_at integer not null,
  office_no integer not null,
  policy_no integer not null,
  due_at integer not null,
  state_no integer not null,
  next_at integer,
  clock_no integer not null,
  primary key (case_no, requirement_no, occurrence, opening_stream_no, opening_offset)
) without rowid;
create index outstanding on obligations (office_no, due_at) where next_at is null;

-- Derived: the metrics' totals.
create table verdict_tally (
  office_no integer, requirement_no integer, verdict_no integer, n integer not null,
  primary key (office_no, requirement_no, verdict_no)
) without rowid;
create table obligation_tally (
  office_no integer, requirement_no integer, state_no integer, n integer not null,
  primary key (office_no, requirement_no, state_no)
) without rowid;
create table declined (
  office_no integer, jurisdiction text, n integer not null, primary key (office_no, jurisdiction)
) without rowid;
create table delays (bound real primary key, n integer not null) without rowid;

create table gaps (
  office_no integer not null, start integer not null, "end" integer not null,
  primary key (office_no, start, "end")
) without rowid;

-- The roll call: what was heard of an office and is not settled yet, and what is known up to there.
create table heard (
  office_no integer not null, at integer not null, stream_no integer not null, "offset" integer not null,
  kind integer not null, epoch blob not null, rows blob not null
);
create index heard_at on heard (office_no, at);
create table rolls (
  office_no integer primary key, roll text not null,
  past integer                        -- time alone says more past it
);

create table heartbeats (
  office_no integer primary key, received_at integer not null, epoch blob not null,
  last_encounter_sequence integer not null, last_incident_sequence integer not null, pending integer not null
);

create table findings (
  kind text not null, stream_no integer not null, at integer not null, detail text not null,
  office_id text not null, evidence blob not null,
  primary key (kind, stream_no, at, detail)
) without rowid;

create table finding_tally (kind text primary key, n integer not null) without rowid;

create table quarantine (
  stream_no integer not null, "offset" integer not null, received_at integer not null,
  reason text not null, detail text not null, value blob, size integer not null, sha256 blob not null,
  epoch blob, sequence integer,
  ended_at integer, ended_by integer,   -- when, and by which directive (its offset); null: it waits for one
  primary key (stream_no, "offset")
) without rowid;
create index quarantine_waiting on quarantine (stream_no, received_at) where ended_at is null;
create index quarantine_ended on quarantine (stream_no, received_at, ended_at) where ended_at is not null;

-- Headquarters' own orders, all of them. case_no: the case that one concerns, or a fact of which it readmitted.
create table directives (
  received_at integer not null, "offset" integer primary key, event_id blob not null, action text not null,
  target text not null, authority text not null, reason_code text not null, until integer, ignored text,
  case_no integer
);
create index directives_on on directives (target);
create index directives_activating on directives ("offset")
  where action in ('ACTIVATE_POLICY', 'ACTIVATE_REGISTER') and ignored is null;
create index directives_of_case on directives (case_no) where case_no is not null;
create table quarantine_tally (reason text primary key, n integer not null) without rowid;

-- What reports name, and what of that lies at headquarters: both only where a policy asks.
create table reports (
  case_no integer not null, stream_no integer not null, "offset" integer not null,
  reference not null, sha256 blob not null,
  primary key (case_no, stream_no, "offset")
) without rowid;
create index reports_naming on reports (reference);
create table lodgings (
  reference not null, sha256 blob not null, received_at integer not null, "offset" integer not null,
  event_id blob not null, primary key (reference, sha256)
) without rowid;

create table outgoing (number integer primary key autoincrement, topic text not null, value blob not null);
