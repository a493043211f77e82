-- Who said what: cumulative figures as they were published, every reported value of every figure; and how far our records reach.

-- +goose Up
create type report_qualifier as enum ('exactly', 'about', 'at_least', 'more_than', 'at_most', 'less_than');
comment on type report_qualifier is 'How a reported value was hedged. exactly: not at all, though it may still be rounded.';

create type total_kind as enum ('prisoners', 'bodies');

create table published_totals (
	id             slug             primary key,
	date           date             not null,
	kind           total_kind       not null,
	from_party     party_id         references parties deferrable,
	to_party       party_id         references parties deferrable,
	value          integer          not null check (value >= 0),
	qualifier      report_qualifier not null,
	scope_from     date             not null,
	scope_note     text             check (scope_note <> ''),
	party          party_id         references parties deferrable,
	said_by_person slug             references people deferrable,
	said_by_name   text             check (said_by_name <> ''),
	note           text             check (note <> ''),
	revision       bigint           not null references changesets,
	search         tsvector         not null generated always as (
		to_tsvector('english', coalesce(scope_note, '') || ' ' || coalesce(said_by_name, '')) || setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored,
	check (from_party <> to_party),
	check ((from_party is null) = (to_party is null)),
	check (scope_from <= date),
	check (num_nonnulls(said_by_person, said_by_name) <= 1)
);
comment on table  published_totals is 'Cumulative figures as officials and media published them.';
comment on column published_totals.date is 'The day up to which the figure counts.';
comment on column published_totals.from_party is 'Both parties null: the two directions together.';
comment on column published_totals.scope_from is 'The day from which the figure counts.';
comment on column published_totals.scope_note is 'What is counted.';
comment on column published_totals.party is 'Whose figure it is; null for an outlet''s own.';
create index published_totals_date on published_totals (date, id);
create index published_totals_party on published_totals (party);
select keep_history('published_totals');

create table published_total_sources (
	published_total slug     not null references published_totals on delete cascade deferrable,
	source          slug     not null references sources deferrable,
	position        smallint not null,
	primary key (published_total, source),
	unique (published_total, position) deferrable
);
comment on table published_total_sources is 'What a published total cites.';
create index published_total_sources_source on published_total_sources (source);
select keep_history('published_total_sources', 'published_totals', 'published_total');

create table reports (
	id                slug             primary key,
	round             slug             references rounds on delete cascade deferrable,
	commitment        slug             references commitments on delete cascade deferrable,
	prisoner_exchange slug             references prisoner_exchanges on delete cascade deferrable,
	body_repatriation slug             references body_repatriations on delete cascade deferrable,
	position          smallint         not null,
	field             text             not null collate "C",
	value_number      integer,
	value_text        text             check (value_text <> ''),
	qualifier         report_qualifier not null,
	party             party_id         references parties deferrable,
	said_by_person    slug             references people deferrable,
	said_by_name      text             check (said_by_name <> ''),
	source            slug             not null,
	note              text             check (note <> ''),
	search            tsvector         not null generated always as (
		to_tsvector('english', coalesce(value_text, '') || ' ' || coalesce(said_by_name, '') || ' ' || coalesce(note, ''))) stored,
	constraint reports_of_one_record check (num_nonnulls(round, commitment, prisoner_exchange, body_repatriation) = 1),
	constraint reports_one_value check (num_nonnulls(value_number, value_text) = 1),
	constraint reports_one_speaker check (num_nonnulls(said_by_person, said_by_name) <= 1),
	constraint reports_other_explained check (field <> 'other' or note is not null),
	constraint reports_known_field check (field ~ case
		when round             is not null then '^(starts_on|ends_on|started_at|ended_at|scheduled_at|duration_minutes|number|delegation_(size|head|members)\.[A-Z]{2,12}|place\.venue|other)$'
		when commitment        is not null then '^((target|delivered)\.[A-Z]{2,12}-[A-Z]{2,12}|other)$'
		when prisoner_exchange is not null then '^(date|transfers\.[A-Z]{2,12}-[A-Z]{2,12}\.(total|pows|civilians)|mediators|commitment|other)$'
		else                                    '^(date|transfers\.[A-Z]{2,12}-[A-Z]{2,12}\.total|mediators|commitment|other)$' end),
	constraint reports_value_of_field check (coalesce(case
		when field = 'other' then true
		when field ~ '^(duration_minutes|number|delegation_size\.|target\.|delivered\.|transfers\.)' then value_number >= 0
		when field in ('date', 'starts_on', 'ends_on') then value_text ~ '^\d{4}-\d\d-\d\d$'
		when field in ('started_at', 'ended_at') then value_text ~ '^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d)?$'
		when field = 'scheduled_at' then value_text ~ '^\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d([+-]\d\d:\d\d)?)?$'
		else value_text is not null end, false)),
	-- A report's source is one of those that its record cites.
	foreign key (round, source)             references round_sources             (round, source)             deferrable,
	foreign key (commitment, source)        references commitment_sources        (commitment, source)        deferrable,
	foreign key (prisoner_exchange, source) references prisoner_exchange_sources (prisoner_exchange, source) deferrable,
	foreign key (body_repatriation, source) references body_repatriation_sources (body_repatriation, source) deferrable,
	unique (round, position) deferrable,
	unique (commitment, position) deferrable,
	unique (prisoner_exchange, position) deferrable,
	unique (body_repatriation, position) deferrable
);
comment on table  reports is 'Every value that someone gave for a figure of a record, also where they contradict each other.';
comment on column reports.round is 'This or one of the next three names the record that the report is about.';
comment on column reports.field is 'The figure: duration_minutes, transfers.RU-UA.total (from Russia to Ukraine), …; other: the note says what.';
comment on column reports.value_number is 'Integers; everything else stands in value_text: dates, times (without offset where the source gave no zone), names.';
comment on column reports.party is 'Whose figure it is; null for an outlet''s own or an unnamed source.';
comment on column reports.said_by_person is 'Who said it, where among our people; otherwise said_by_name.';
comment on column reports.note is 'Wording, scope, date, carrier.';
create index reports_source on reports (source);
create index reports_party on reports (party);
create index reports_field on reports (field, id);
select keep_history('reports', 'rounds', 'round');

-- A report is part of a record of four kinds; keep_history has seen to the rounds.
-- +goose StatementBegin
do $$
declare
	part  record;
begin
	for part in select * from (values ('commitments', 'commitment'), ('prisoner_exchanges', 'prisoner_exchange'), ('body_repatriations', 'body_repatriation')) p(owners, owner),
		(values ('insert', 'new table as new_rows'), ('update', 'old table as old_rows new table as new_rows'), ('delete', 'old table as old_rows')) e(verb, tables)
	loop
		execute format('create trigger e_touch_%s_on_%s after %2$s on reports referencing %s for each statement execute function touch_owner(%L, %L)',
			part.owner, part.verb, part.tables, part.owners, part.owner);
	end loop;
end $$;
-- +goose StatementEnd

create table coverage (
	id         slug     primary key,
	collection text     not null collate "C" check (collection ~ '^[a-z]+(-[a-z]+)*$'),
	year       smallint check (year between 1900 and 2200),
	starts_on  date     not null,
	ends_on    date     not null,
	missing    text     check (missing <> ''),
	revision   bigint   not null references changesets,
	check (starts_on <= ends_on),
	unique (collection, year) deferrable
);
comment on table  coverage is 'From when to when the records of a collection run, by year, and what is known to be missing. Outside these spans nothing on record means nothing.';
comment on column coverage.collection is 'Name of the collection in the API.';
comment on column coverage.year is 'Null: holds for the collection as a whole.';
comment on column coverage.missing is 'Null: no gap is known.';
select keep_history('coverage');

-- +goose Down
drop table history.coverage, coverage, history.reports, reports, history.published_total_sources, published_total_sources,
	history.published_totals, published_totals;
drop type total_kind, report_qualifier;
