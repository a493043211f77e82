-- Series of talks, their rounds, and who sat at the table.

-- +goose Up
create table processes (
	id         slug     primary key,
	name       text     not null check (name <> ''),
	started_on date     not null,
	ended_on   date,
	summary    text     not null check (summary <> ''),
	revision   bigint   not null references changesets,
	search     tsvector not null generated always as (setweight(to_tsvector('english', name), 'A') || to_tsvector('english', summary)) stored,
	check (started_on <= ended_on)
);
comment on table  processes is 'A series of rounds.';
comment on column processes.ended_on is 'Null: not ended, or no agreed end.';
select keep_history('processes');
create index processes_started_on on processes (started_on, id);

create table process_parties (
	process  slug     not null references processes on delete cascade deferrable,
	party    party_id not null references parties deferrable,
	position smallint not null,
	primary key (process, party),
	unique (process, position) deferrable
);
comment on table process_parties is 'The parties that negotiate in a process.';
create index process_parties_party on process_parties (party);
select keep_history('process_parties', 'processes', 'process');

create table process_mediators (
	process  slug     not null references processes on delete cascade deferrable,
	party    party_id not null references parties deferrable,
	position smallint not null,
	primary key (process, party),
	unique (process, position) deferrable
);
comment on table process_mediators is 'The parties that mediate in a process.';
create index process_mediators_party on process_mediators (party);
select keep_history('process_mediators', 'processes', 'process');

create table process_sources (
	process  slug     not null references processes on delete cascade deferrable,
	source   slug     not null references sources deferrable,
	position smallint not null,
	primary key (process, source),
	unique (process, position) deferrable
);
comment on table process_sources is 'What a process cites.';
create index process_sources_source on process_sources (source);
select keep_history('process_sources', 'processes', 'process');

create type round_status as enum ('held', 'scheduled', 'postponed', 'cancelled');
create type round_format as enum ('in_person', 'online', 'hybrid');
create type place_precision as enum ('city', 'border_crossing', 'region', 'country');

create table rounds (
	id               slug            primary key,
	process          slug            not null references processes deferrable,
	number           smallint        check (number > 0),
	title            text            not null check (title <> ''),
	starts_on        date            not null,
	ends_on          date            not null,
	started_at       timestamptz(0),
	ended_at         timestamptz(0),
	utc_offset       interval        check (utc_offset between '-12 hours' and '14 hours'),
	duration_minutes integer         check (duration_minutes > 0),
	status           round_status    not null,
	format           round_format    not null,
	city             text            check (city <> ''),
	country          country_code,
	venue            text            check (venue <> ''),
	lat              double precision check (lat between -90 and 90),
	lon              double precision check (lon between -180 and 180),
	place_precision  place_precision,
	summary          text            not null check (summary <> ''),
	note             text            check (note <> ''),
	revision         bigint          not null references changesets,
	search           tsvector        not null generated always as (
		setweight(to_tsvector('english', title), 'A') || to_tsvector('english', coalesce(city, '') || ' ' || coalesce(venue, ''))
		|| to_tsvector('english', summary) || setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored,
	check (starts_on <= ends_on),
	check (started_at <= ended_at),
	check ((utc_offset is null) = (started_at is null and ended_at is null)),
	check ((lat is null) = (lon is null)),
	check ((country is null) = (place_precision is null)),
	check (country is not null or num_nonnulls(city, venue, lat) = 0),
	check ((format = 'online') = (country is null))
);
comment on table  rounds is 'One meeting. The date in its id or title is part of the name; starts_on and ends_on are the facts.';
comment on column rounds.number is 'Number within the process; null where not counted or disputed.';
comment on column rounds.started_at is 'May be the time of an agency''s bulletin; the note says so.';
comment on column rounds.utc_offset is 'Offset of the local clock in which started_at and ended_at were reported.';
comment on column rounds.duration_minutes is 'Length of the talks proper.';
comment on column rounds.place_precision is 'What lat and lon are the position of. A region may have the position of its main city; the note says so.';
create index rounds_process on rounds (process);
create index rounds_starts_on on rounds (starts_on, id);
create index rounds_ends_on on rounds (ends_on, id);
select keep_history('rounds');

create function local_time(at timestamptz, utc_offset interval) returns text
	language sql immutable parallel safe
	return to_char(at at time zone 'UTC' + utc_offset, 'YYYY-MM-DD"T"HH24:MI:SS')
		|| case when utc_offset < interval '0' then '-' else '+' end || to_char(greatest(utc_offset, -utc_offset), 'HH24:MI');
comment on function local_time is 'An instant as a local clock shows it: RFC 3339 with the clock''s offset.';

create table round_hosts (
	round    slug     not null references rounds on delete cascade deferrable,
	party    party_id not null references parties deferrable,
	position smallint not null,
	primary key (round, party),
	unique (round, position) deferrable
);
comment on table round_hosts is 'The parties that host a round.';
create index round_hosts_party on round_hosts (party);
select keep_history('round_hosts', 'rounds', 'round');

create table round_mediators (
	round    slug     not null references rounds on delete cascade deferrable,
	party    party_id not null references parties deferrable,
	position smallint not null,
	primary key (round, party),
	unique (round, position) deferrable
);
comment on table round_mediators is 'The parties that mediate at a round.';
create index round_mediators_party on round_mediators (party);
select keep_history('round_mediators', 'rounds', 'round');

create table round_sources (
	round    slug     not null references rounds on delete cascade deferrable,
	source   slug     not null references sources deferrable,
	position smallint not null,
	primary key (round, source),
	unique (round, position) deferrable
);
comment on table round_sources is 'What a round cites.';
create index round_sources_source on round_sources (source);
select keep_history('round_sources', 'rounds', 'round');

create table delegations (
	id            slug     primary key,
	round         slug     not null references rounds on delete cascade deferrable,
	party         party_id not null references parties deferrable,
	head          slug     references people deferrable,
	reported_size integer  check (reported_size > 0),
	position      smallint not null,
	revision      bigint   not null references changesets,
	unique (round, party),
	unique (round, position) deferrable
);
comment on table  delegations is 'One party''s delegation at one round.';
comment on column delegations.reported_size is 'Number of members as reported; more than are named, where not all are.';
create index delegations_party on delegations (party);
create index delegations_head on delegations (head);
select keep_history('delegations', 'rounds', 'round');

create table delegation_members (
	delegation slug     not null references delegations on delete cascade deferrable,
	person     slug     not null references people deferrable,
	role       text     check (role <> ''),
	position   smallint not null,
	primary key (delegation, person),
	unique (delegation, position) deferrable
);
comment on table  delegation_members is 'Who sat in a delegation.';
comment on column delegation_members.role is 'The person''s office then, as the sources give it.';
create index delegation_members_person on delegation_members (person);
select keep_history('delegation_members', 'delegations', 'delegation');

-- The head is one of the members; deferred, because each of the two rows needs the other.
alter table delegations add constraint delegations_head_is_member
	foreign key (id, head) references delegation_members (delegation, person) deferrable initially deferred;

create table delegation_sources (
	delegation slug     not null references delegations on delete cascade deferrable,
	source     slug     not null references sources deferrable,
	position   smallint not null,
	primary key (delegation, source),
	unique (delegation, position) deferrable
);
comment on table delegation_sources is 'What a delegation cites.';
create index delegation_sources_source on delegation_sources (source);
select keep_history('delegation_sources', 'delegations', 'delegation');

-- +goose Down
alter table delegations drop constraint delegations_head_is_member;
drop table history.delegation_sources, delegation_sources, history.delegation_members, delegation_members, history.delegations, delegations,
	history.round_sources, round_sources, history.round_mediators, round_mediators, history.round_hosts, round_hosts, history.rounds, rounds,
	history.process_sources, process_sources, history.process_mediators, process_mediators, history.process_parties, process_parties,
	history.processes, processes;
drop function local_time(timestamptz, interval);
drop type place_precision, round_format, round_status;
