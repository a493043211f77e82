-- What was put forward, what was undertaken, and what is claimed.

-- +goose Up
create type qualifier as enum ('exactly', 'about', 'at_least', 'up_to');
comment on type qualifier is 'How a number in a proposal, a commitment or a claim is meant.';
create type quantity_unit as enum ('people', 'bodies', 'groups', 'hours', 'days');

create type proposal_kind as enum ('working_group', 'ceasefire', 'leaders_meeting', 'prisoner_exchange', 'body_repatriation',
	'civilian_return', 'children_return', 'settlement_terms', 'other');
create type proposal_status as enum ('pending', 'accepted', 'rejected', 'partly_accepted', 'superseded', 'unknown');

create table proposals (
	id          slug            primary key,
	round       slug            not null references rounds deferrable,
	proposed_by party_id        not null references parties deferrable,
	kind        proposal_kind   not null,
	summary     text            not null check (summary <> ''),
	status      proposal_status not null,
	note        text            check (note <> ''),
	revision    bigint          not null references changesets,
	search      tsvector        not null generated always as (to_tsvector('english', summary) || setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored
);
comment on table  proposals is 'What one party put forward at a round.';
comment on column proposals.status is 'What became of it.';
create index proposals_round on proposals (round);
create index proposals_proposed_by on proposals (proposed_by);
select keep_history('proposals');

create table proposal_targets (
	proposal   slug          not null references proposals on delete cascade deferrable,
	position   smallint      not null,
	from_party party_id      references parties deferrable,
	to_party   party_id      references parties deferrable,
	value      integer       not null check (value >= 0),
	qualifier  qualifier     not null,
	unit       quantity_unit not null,
	primary key (proposal, position),
	check (from_party <> to_party),
	check ((from_party is null) = (to_party is null)),
	check ((from_party is not null) = (unit in ('people', 'bodies')))
);
comment on table proposal_targets is 'The numbers of a proposal: one row a direction; people and bodies have a direction, groups, hours and days none.';
create unique index proposal_targets_once on proposal_targets (proposal, unit, coalesce(from_party, ''), coalesce(to_party, ''));
select keep_history('proposal_targets', 'proposals', 'proposal');

create table proposal_sources (
	proposal slug     not null references proposals on delete cascade deferrable,
	source   slug     not null references sources deferrable,
	position smallint not null,
	primary key (proposal, source),
	unique (proposal, position) deferrable
);
comment on table proposal_sources is 'What a proposal cites.';
create index proposal_sources_source on proposal_sources (source);
select keep_history('proposal_sources', 'proposals', 'proposal');

create type commitment_kind as enum ('prisoner_exchange', 'body_repatriation', 'civilian_return', 'document_exchange', 'follow_up_round', 'other');
create type person_category as enum ('wounded', 'seriously_ill', 'under_25', 'long_held', 'women', 'conscripts', 'civilians', 'other');

create table commitments (
	id        slug            primary key,
	round     slug            references rounds deferrable,
	agreed_on date,
	kind      commitment_kind not null,
	summary   text            not null check (summary <> ''),
	due_on    date,
	note      text            check (note <> ''),
	revision  bigint          not null references changesets,
	search    tsvector        not null generated always as (to_tsvector('english', summary) || setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored
);
comment on table  commitments is 'What the sides undertook.';
comment on column commitments.round is 'Null: not made at a round.';
create index commitments_round on commitments (round);
create index commitments_agreed_on_desc on commitments (coalesce(agreed_on, '-infinity'), id);
create index commitments_agreed_on_asc on commitments (coalesce(agreed_on, 'infinity'), id);
select keep_history('commitments');

create table commitment_parties (
	commitment slug     not null references commitments on delete cascade deferrable,
	party      party_id not null references parties deferrable,
	position   smallint not null,
	primary key (commitment, party),
	unique (commitment, position) deferrable
);
comment on table commitment_parties is 'Who undertook a commitment.';
create index commitment_parties_party on commitment_parties (party);
select keep_history('commitment_parties', 'commitments', 'commitment');

create table commitment_targets (
	commitment slug          not null references commitments on delete cascade deferrable,
	position   smallint      not null,
	from_party party_id      references parties deferrable,
	to_party   party_id      references parties deferrable,
	value      integer       not null check (value >= 0),
	qualifier  qualifier     not null,
	unit       quantity_unit not null,
	primary key (commitment, position),
	check (from_party <> to_party),
	check ((from_party is null) = (to_party is null)),
	check ((from_party is not null) = (unit in ('people', 'bodies')))
);
comment on table commitment_targets is 'The numbers of a commitment: one row a direction; people and bodies have a direction, groups, hours and days none.';
create unique index commitment_targets_once on commitment_targets (commitment, unit, coalesce(from_party, ''), coalesce(to_party, ''));
select keep_history('commitment_targets', 'commitments', 'commitment');

create table commitment_categories (
	commitment slug            not null references commitments on delete cascade deferrable,
	category   person_category not null,
	position   smallint        not null,
	primary key (commitment, category),
	unique (commitment, position) deferrable
);
comment on table commitment_categories is 'Whom an exchange of prisoners was promised for.';
select keep_history('commitment_categories', 'commitments', 'commitment');

create table commitment_sources (
	commitment slug     not null references commitments on delete cascade deferrable,
	source     slug     not null references sources deferrable,
	position   smallint not null,
	primary key (commitment, source),
	unique (commitment, position) deferrable
);
comment on table commitment_sources is 'What a commitment cites.';
create index commitment_sources_source on commitment_sources (source);
select keep_history('commitment_sources', 'commitments', 'commitment');

create type claim_topic as enum ('kursk_civilians', 'deported_children', 'bodies_refused', 'list_dispute', 'other');
create type claim_status as enum ('uncontested', 'disputed', 'denied', 'retracted');

create table claims (
	id          slug          primary key,
	round       slug          references rounds deferrable,
	topic       claim_topic   not null,
	claimed_by  party_id      not null references parties deferrable,
	summary     text          not null check (summary <> ''),
	value       integer       check (value >= 0),
	qualifier   qualifier,
	unit        quantity_unit,
	from_party  party_id      references parties deferrable,
	to_party    party_id      references parties deferrable,
	made_on     date,
	status      claim_status  not null,
	responds_to slug          references claims deferrable,
	note        text          check (note <> ''),
	revision    bigint        not null references changesets,
	search      tsvector      not null generated always as (to_tsvector('english', summary) || setweight(to_tsvector('english', coalesce(note, '')), 'D')) stored,
	check (num_nonnulls(value, qualifier, unit) in (0, 3)),
	check (from_party is null or value is not null),
	check (from_party <> to_party),
	check ((from_party is null) = (to_party is null)),
	check (responds_to <> id)
);
comment on table  claims is 'Attributed statements that are or may be disputed.';
comment on column claims.value is 'The number that the statement is about; null where it is about none.';
comment on column claims.status is 'uncontested: no answer was found, which does not make the claim true.';
comment on column claims.responds_to is 'The claim that this one answers.';
create index claims_round on claims (round);
create index claims_responds_to on claims (responds_to);
create index claims_claimed_by on claims (claimed_by);
create index claims_made_on_desc on claims (coalesce(made_on, '-infinity'), id);
create index claims_made_on_asc on claims (coalesce(made_on, 'infinity'), id);
select keep_history('claims');

create table claim_sources (
	claim    slug     not null references claims on delete cascade deferrable,
	source   slug     not null references sources deferrable,
	position smallint not null,
	primary key (claim, source),
	unique (claim, position) deferrable
);
comment on table claim_sources is 'What a claim cites.';
create index claim_sources_source on claim_sources (source);
select keep_history('claim_sources', 'claims', 'claim');

-- +goose Down
drop table history.claim_sources, claim_sources, history.claims, claims,
	history.commitment_sources, commitment_sources, history.commitment_categories, commitment_categories,
	history.commitment_targets, commitment_targets, history.commitment_parties, commitment_parties, history.commitments, commitments,
	history.proposal_sources, proposal_sources, history.proposal_targets, proposal_targets, history.proposals, proposals;
drop type claim_status, claim_topic, person_category, commitment_kind, proposal_status, proposal_kind, quantity_unit, qualifier;
