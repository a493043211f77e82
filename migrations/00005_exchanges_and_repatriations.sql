-- What was carried out: exchanges of prisoners and repatriations of bodies, by direction.

-- +goose Up
create table prisoner_exchanges (
	id              slug             primary key,
	date            date             not null,
	sequence_note   text             check (sequence_note <> ''),
	place           text             check (place <> ''),
	country         country_code,
	lat             double precision check (lat between -90 and 90),
	lon             double precision check (lon between -180 and 180),
	place_precision place_precision,
	commitment      slug             references commitments deferrable,
	summary         text             not null check (summary <> ''),
	note            text             check (note <> ''),
	revision        bigint           not null references changesets,
	search          tsvector         not null generated always as (
		to_tsvector('english', summary || ' ' || coalesce(place, '') || ' ' || coalesce(sequence_note, ''))
		|| setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored,
	check ((lat is null) = (lon is null)),
	check ((place is null) = (place_precision is null)),
	check (place is not null or num_nonnulls(country, lat) = 0)
);
comment on table  prisoner_exchanges is 'One exchange or release on one day; a stage of a larger one counts by itself.';
comment on column prisoner_exchanges.sequence_note is 'Its place in somebody''s count, or the stage that it was.';
comment on column prisoner_exchanges.country is 'Null beside a place: on the border of two countries.';
comment on column prisoner_exchanges.commitment is 'The commitment that it counts towards; the note says on whose word.';
create index prisoner_exchanges_date on prisoner_exchanges (date, id);
create index prisoner_exchanges_commitment on prisoner_exchanges (commitment);
select keep_history('prisoner_exchanges');

create table prisoner_exchange_transfers (
	prisoner_exchange slug     not null references prisoner_exchanges on delete cascade deferrable,
	from_party        party_id not null references parties deferrable,
	to_party          party_id not null references parties deferrable,
	total             integer  check (total >= 0),
	pows              integer  check (pows >= 0),
	civilians         integer  check (civilians >= 0),
	position          smallint not null,
	primary key (prisoner_exchange, from_party, to_party),
	unique (prisoner_exchange, position) deferrable,
	check (from_party <> to_party),
	check (pows + civilians = total),
	check (pows <= total),
	check (civilians <= total)
);
comment on table  prisoner_exchange_transfers is 'The people who went one way in an exchange. Null is unknown, 0 a reported zero.';
comment on column prisoner_exchange_transfers.pows is 'Prisoners of war.';
comment on column prisoner_exchange_transfers.civilians is 'Null beside pows = total: no source speaks of civilians.';
create index prisoner_exchange_transfers_direction on prisoner_exchange_transfers (from_party, to_party);
create index prisoner_exchange_transfers_to on prisoner_exchange_transfers (to_party);
select keep_history('prisoner_exchange_transfers', 'prisoner_exchanges', 'prisoner_exchange');

create table prisoner_exchange_mediators (
	prisoner_exchange slug     not null references prisoner_exchanges on delete cascade deferrable,
	party             party_id not null references parties deferrable,
	position          smallint not null,
	primary key (prisoner_exchange, party),
	unique (prisoner_exchange, position) deferrable
);
comment on table prisoner_exchange_mediators is 'Who mediated an exchange.';
create index prisoner_exchange_mediators_party on prisoner_exchange_mediators (party);
select keep_history('prisoner_exchange_mediators', 'prisoner_exchanges', 'prisoner_exchange');

create table prisoner_exchange_categories (
	prisoner_exchange slug            not null references prisoner_exchanges on delete cascade deferrable,
	category          person_category not null,
	position          smallint        not null,
	primary key (prisoner_exchange, category),
	unique (prisoner_exchange, position) deferrable
);
comment on table prisoner_exchange_categories is 'Groups of people that the sources name among those exchanged.';
create index prisoner_exchange_categories_category on prisoner_exchange_categories (category);
select keep_history('prisoner_exchange_categories', 'prisoner_exchanges', 'prisoner_exchange');

create table prisoner_exchange_sources (
	prisoner_exchange slug     not null references prisoner_exchanges on delete cascade deferrable,
	source            slug     not null references sources deferrable,
	position          smallint not null,
	primary key (prisoner_exchange, source),
	unique (prisoner_exchange, position) deferrable
);
comment on table prisoner_exchange_sources is 'What an exchange cites.';
create index prisoner_exchange_sources_source on prisoner_exchange_sources (source);
select keep_history('prisoner_exchange_sources', 'prisoner_exchanges', 'prisoner_exchange');

create table body_repatriations (
	id              slug             primary key,
	date            date             not null,
	place           text             check (place <> ''),
	country         country_code,
	lat             double precision check (lat between -90 and 90),
	lon             double precision check (lon between -180 and 180),
	place_precision place_precision,
	commitment      slug             references commitments deferrable,
	summary         text             not null check (summary <> ''),
	note            text             check (note <> ''),
	revision        bigint           not null references changesets,
	search          tsvector         not null generated always as (
		to_tsvector('english', summary || ' ' || coalesce(place, '')) || setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored,
	check ((lat is null) = (lon is null)),
	check ((place is null) = (place_precision is null)),
	check (place is not null or num_nonnulls(country, lat) = 0)
);
comment on table  body_repatriations is 'One transfer of the bodies of the dead on one day.';
comment on column body_repatriations.commitment is 'The commitment that it counts towards; the note says on whose word.';
create index body_repatriations_date on body_repatriations (date, id);
create index body_repatriations_commitment on body_repatriations (commitment);
select keep_history('body_repatriations');

create table body_repatriation_transfers (
	body_repatriation slug     not null references body_repatriations on delete cascade deferrable,
	from_party        party_id not null references parties deferrable,
	to_party          party_id not null references parties deferrable,
	total             integer  check (total >= 0),
	position          smallint not null,
	primary key (body_repatriation, from_party, to_party),
	unique (body_repatriation, position) deferrable,
	check (from_party <> to_party)
);
comment on table body_repatriation_transfers is 'The bodies that went one way. Null is unknown, 0 a reported zero.';
create index body_repatriation_transfers_direction on body_repatriation_transfers (from_party, to_party);
create index body_repatriation_transfers_to on body_repatriation_transfers (to_party);
select keep_history('body_repatriation_transfers', 'body_repatriations', 'body_repatriation');

create table body_repatriation_mediators (
	body_repatriation slug     not null references body_repatriations on delete cascade deferrable,
	party             party_id not null references parties deferrable,
	position          smallint not null,
	primary key (body_repatriation, party),
	unique (body_repatriation, position) deferrable
);
comment on table body_repatriation_mediators is 'Who mediated a repatriation.';
create index body_repatriation_mediators_party on body_repatriation_mediators (party);
select keep_history('body_repatriation_mediators', 'body_repatriations', 'body_repatriation');

create table body_repatriation_sources (
	body_repatriation slug     not null references body_repatriations on delete cascade deferrable,
	source            slug     not null references sources deferrable,
	position          smallint not null,
	primary key (body_repatriation, source),
	unique (body_repatriation, position) deferrable
);
comment on table body_repatriation_sources is 'What a repatriation cites.';
create index body_repatriation_sources_source on body_repatriation_sources (source);
select keep_history('body_repatriation_sources', 'body_repatriations', 'body_repatriation');

-- +goose Down
drop table history.body_repatriation_sources, body_repatriation_sources, history.body_repatriation_mediators, body_repatriation_mediators,
	history.body_repatriation_transfers, body_repatriation_transfers, history.body_repatriations, body_repatriations,
	history.prisoner_exchange_sources, prisoner_exchange_sources, history.prisoner_exchange_categories, prisoner_exchange_categories,
	history.prisoner_exchange_mediators, prisoner_exchange_mediators, history.prisoner_exchange_transfers, prisoner_exchange_transfers,
	history.prisoner_exchanges, prisoner_exchanges;
