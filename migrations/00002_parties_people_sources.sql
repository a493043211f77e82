-- Who takes part, and the pages that everything else cites.

-- +goose Up
create domain slug as text collate "C" check (value ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and length(value) <= 120);
comment on domain slug is 'Readable, stable identifier of a record; part of its address, never given to another record.';

create domain party_id as text collate "C" check (value ~ '^[A-Z]{2,12}$');
comment on domain party_id is 'Identifier of a party: ISO 3166-1 alpha-2 for a state, an acronym for an organisation.';

create domain country_code as text collate "C" check (value ~ '^[A-Z]{2}$');
comment on domain country_code is 'ISO 3166-1 alpha-2.';

create type party_kind as enum ('state', 'organisation');

create table parties (
	id       party_id     primary key,
	name     text         not null unique deferrable check (name <> ''),
	kind     party_kind   not null,
	iso2     country_code unique deferrable,
	revision bigint       not null references changesets,
	search   tsvector     not null generated always as (to_tsvector('simple', id || ' ' || name)) stored,
	check (iso2 is not distinct from case kind when 'state' then id end)
);
comment on table  parties is 'States and organisations that take part in talks, host or mediate them, or whose figures are reported.';
comment on column parties.iso2 is 'ISO 3166-1 alpha-2; null for an organisation.';
comment on column parties.revision is 'The changeset that last changed the record or one of its parts; so in every table.';
comment on column parties.search is 'What full-text search looks through; so in every table.';
select keep_history('parties');

create table people (
	id          slug     primary key,
	name        text     not null check (name <> ''),
	name_native text     check (name_native <> ''),
	party       party_id not null references parties deferrable,
	wikidata    text     collate "C" check (wikidata ~ '^Q[1-9][0-9]*$'),
	revision    bigint   not null references changesets,
	search      tsvector not null generated always as (to_tsvector('simple', name || ' ' || coalesce(name_native, ''))) stored
);
comment on table  people is 'People who took part in the talks, or whose figures are reported.';
comment on column people.name_native is 'The name in the script of the person''s own language.';
comment on column people.party is 'The party that the person belongs to. What someone was at a round stands in delegation_members.';
comment on column people.wikidata is 'Item of Wikidata, such as Q123.';
create index people_party on people (party);
select keep_history('people');

create table person_aliases (
	person   slug     not null references people on delete cascade deferrable,
	alias    text     not null check (alias <> ''),
	position smallint not null,
	search   tsvector not null generated always as (to_tsvector('simple', alias)) stored,
	primary key (person, alias),
	unique (person, position) deferrable
);
comment on table  person_aliases is 'Other spellings of a person''s name: transliterations, other scripts.';
comment on column person_aliases.position is 'Place in the record''s list, from 1; so in every table of parts.';
select keep_history('person_aliases', 'people', 'person');

create type source_kind as enum ('wire', 'news', 'official', 'encyclopedia', 'ngo');

create table sources (
	id                   slug        primary key,
	publisher            text        not null check (publisher <> ''),
	title                text        not null check (title <> ''),
	title_is_descriptive boolean     not null,
	url                  text        collate "C" unique deferrable check (url ~ '^https?://'),
	published_on         date,
	language             text        not null collate "C" check (language ~ '^[a-z]{2}$'),
	kind                 source_kind not null,
	revision             bigint      not null references changesets,
	search               tsvector    not null generated always as (to_tsvector('simple', title || ' ' || publisher)) stored
);
comment on table  sources is 'Pages that the records cite.';
comment on column sources.publisher is '"X, via Y" is a text of X carried by Y.';
comment on column sources.title_is_descriptive is 'True: no headline was available, the title is our description.';
comment on column sources.url is 'Address of the page.';
comment on column sources.language is 'ISO 639-1.';
select keep_history('sources');
create index sources_published_on_desc on sources (coalesce(published_on, '-infinity'), id);
create index sources_published_on_asc on sources (coalesce(published_on, 'infinity'), id);

-- +goose Down
drop table history.sources, sources, history.person_aliases, person_aliases, history.people, people, history.parties, parties;
drop type source_kind, party_kind;
drop domain country_code, party_id, slug;
