-- An obligation stands in the list of what is due by itself: its row and an index do for what had a second row in due.

create table listed_obligations (
  due_at bigint not null,
  next_at bigint,
  opening_offset bigint not null,
  case_no integer not null,
  occurrence integer not null,
  opening_stream_no smallint not null,   -- where the opening event stands; its fact knows the encounter
  requirement_no smallint not null,
  policy_no smallint not null,
  clock_no smallint not null,            -- of the opening office, or 0: judged by that over all offices
  state_no "char" not null,
  listed boolean not null                -- its case is due past next_at; no longer once it was taken up for that
) with (autovacuum_vacuum_scale_factor = 0.05);
insert into listed_obligations
  select due_at, next_at, opening_offset, case_no, occurrence, opening_stream_no, requirement_no, policy_no,
    case when wide then 0 else office_no end, state_no, next_at is not null
  from obligations join streams on stream_no = opening_stream_no order by case_no;
drop table obligations;
alter table listed_obligations rename to obligations;
create index obligations_of_case on obligations (case_no);
create index outstanding on obligations (opening_stream_no, due_at) where next_at is null;
create index obligations_at on obligations (clock_no, next_at) where listed;

-- What no obligation says: of waiting reports, and of cases that could not be judged.
alter table due rename to due_before;
alter index due_at rename to due_before_at;
create table due (
  past bigint not null,
  case_no integer not null,
  clock_no smallint not null
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_cost_delay = 0);
insert into due
  select past, case_no, clock_no from due_before d
  where not exists (
    select from obligations o where o.case_no = d.case_no and o.clock_no = d.clock_no and o.next_at = d.past);
drop table due_before;
create index due_at on due (clock_no, past);

-- Ids of events are in the order of time: a new one goes to the end of this index, where its hash went to any place of
-- one as large. Seven bytes, for eight would be eight more a row: the millisecond, and a little of what tells its ids apart.
create function id_start(event_id uuid) returns bytea language sql immutable strict as $$
  select substr(uuid_send(event_id), 1, 7)
$$;
drop index facts_by_id;
create index facts_by_id on facts (id_start(event_id));
