-- What reports say of a figure together. Beside every count stand its bounds and its standing: total, total_low,
-- total_high, total_status. They are kept by triggers, from the record's own value and the reports on it, whoever writes.
-- The rules are those of figure() below; package talks states them in words, and tests hold the two to each other.
--
-- The schemas "reported" (over "public") and "reported_as_of" (over "as_of") have the same tables with the figures that
-- one party gave, for whoever sets parley.reported_by to that party and puts the schema first in the search path.

-- +goose Up
create type figure_status as enum ('agreed', 'single_source', 'disputed', 'unknown');
comment on type figure_status is 'How a figure stands. agreed: several voices, who can all be right; single_source: one voice; disputed: voices that cannot all be right; unknown: no figure.';

create type statement as (value integer, qualifier report_qualifier, voice text);
comment on type statement is 'What somebody says of a figure: a number, how it is hedged, and whose voice it is: a party, or else a source.';

create type figure as (low integer, high integer, status figure_status);

-- How a number bounds a figure (in greater numbers than figures are, so that none is too great): "at least" from below only, "at most" from above only, everything else from both sides.
create function least_of(value bigint, qualifier report_qualifier) returns bigint immutable parallel safe language sql as
	$$ select case when qualifier in ('at_most', 'less_than') then null when qualifier = 'more_than' then value + 1 else value end $$;
create function most_of(value bigint, qualifier report_qualifier) returns bigint immutable parallel safe language sql as
	$$ select case when qualifier in ('at_least', 'more_than') then null when qualifier = 'less_than' then value - 1 else value end $$;
create function slack_of(value bigint, qualifier report_qualifier) returns bigint immutable parallel safe language sql as
	$$ select case qualifier when 'about' then value / 10 else 0 end $$;
comment on function slack_of is 'Who says "about" does not contradict who is within a tenth of it.';

-- +goose StatementBegin
create function figure(own integer, own_qualifier report_qualifier, said statement[]) returns figure immutable parallel safe language plpgsql as $$
begin
	if own is null then
		return row(null, null, 'unknown')::figure;
	elsif coalesce(cardinality(said), 0) = 0 and own_qualifier in ('exactly', 'about') then -- most figures, made short work of
		return row(own, own, 'single_source')::figure;
	end if;
	return (
		select row(
			-- A bound that leaves out what somebody says is none.
			case when min(most_of(value, qualifier)) < min(least_of(value, qualifier)) then null
				when min(least_of(value, qualifier)) > 2147483647 then 2147483647 else min(least_of(value, qualifier))::integer end,
			case when max(least_of(value, qualifier)) > max(most_of(value, qualifier)) then null else max(most_of(value, qualifier))::integer end, case
			when max(least_of(value, qualifier) - slack_of(value, qualifier)) > min(most_of(value, qualifier) + slack_of(value, qualifier)) then 'disputed'
			when count(distinct voice) > 1 then 'agreed'
			else 'single_source' end)::figure
		from (select * from unnest(said)
			-- A value of its own that nobody else gives is the record's own statement.
			union all select own, own_qualifier, '' where not exists (select from unnest(said) where value = own)) s(value, qualifier, voice));
end $$;
-- +goose StatementEnd
comment on function figure is 'The bounds and the standing of a figure: of the record''s own value, and what reports say.';

-- Which columns are figures: their table, the column there that names the record, the column of reports that does, SQL for
-- what reports call the figure of a row x, and a column to touch a row by.
create temp table figure_columns on commit drop as select * from (values
	('prisoner_exchange_transfers', 'prisoner_exchange', 'prisoner_exchange', 'total',     $$'transfers.' || x.from_party || '-' || x.to_party || '.total'$$,     'position'),
	('prisoner_exchange_transfers', 'prisoner_exchange', 'prisoner_exchange', 'pows',      $$'transfers.' || x.from_party || '-' || x.to_party || '.pows'$$,      'position'),
	('prisoner_exchange_transfers', 'prisoner_exchange', 'prisoner_exchange', 'civilians', $$'transfers.' || x.from_party || '-' || x.to_party || '.civilians'$$, 'position'),
	('body_repatriation_transfers', 'body_repatriation', 'body_repatriation', 'total',     $$'transfers.' || x.from_party || '-' || x.to_party || '.total'$$,     'position'),
	('commitment_targets', 'commitment', 'commitment', 'value',            $$'target.' || x.from_party || '-' || x.to_party$$, 'position'),
	('delegations',        'round',      'round',      'reported_size',    $$'delegation_size.' || x.party$$,                  'position'),
	('rounds',             'id',         'round',      'duration_minutes', $$'duration_minutes'$$,                             'number')
) c(of_table, owner, record, name, field, touched);

-- +goose StatementBegin
do $do$
declare
	c record;
begin
	for c in select * from figure_columns, (values ('public'), ('history')) s(schema) loop
		execute format('alter table %I.%I add column %I integer, add column %I integer, add column %I figure_status not null default ''unknown''',
			c.schema, c.of_table, c.name || '_low', c.name || '_high', c.name || '_status');
	end loop;
end $do$;
-- +goose StatementEnd

create index prisoner_exchange_transfers_disputed on prisoner_exchange_transfers (prisoner_exchange) where total_status = 'disputed' or pows_status = 'disputed' or civilians_status = 'disputed';
create index body_repatriation_transfers_disputed on body_repatriation_transfers (body_repatriation) where total_status = 'disputed';

-- Kept by triggers: beside a record's own figures when they are written, and when reports on them are.

-- +goose StatementBegin
create function figures_of_exchange() returns trigger language plpgsql as $$
declare
	way  constant text := 'transfers.' || new.from_party || '-' || new.to_party;
	said record;
	f    figure;
begin
	select array_agg(s) filter (where field = way || '.total') as total, array_agg(s) filter (where field = way || '.pows') as pows,
		array_agg(s) filter (where field = way || '.civilians') as civilians into said
		from (select field, row(value_number, qualifier, coalesce(party, source))::statement as s from reports where prisoner_exchange = new.prisoner_exchange) r;
	f := figure(new.total, 'exactly', said.total);
	new.total_low := f.low; new.total_high := f.high; new.total_status := f.status;
	f := figure(new.pows, 'exactly', said.pows);
	new.pows_low := f.low; new.pows_high := f.high; new.pows_status := f.status;
	f := figure(new.civilians, 'exactly', said.civilians);
	new.civilians_low := f.low; new.civilians_high := f.high; new.civilians_status := f.status;
	return new;
end $$;

create function figures_of_repatriation() returns trigger language plpgsql as $$
declare
	f constant figure := figure(new.total, 'exactly', array(select row(value_number, qualifier, coalesce(party, source))::statement from reports
		where body_repatriation = new.body_repatriation and field = 'transfers.' || new.from_party || '-' || new.to_party || '.total'));
begin
	new.total_low := f.low; new.total_high := f.high; new.total_status := f.status;
	return new;
end $$;

create function figures_of_target() returns trigger language plpgsql as $$
declare
	f constant figure := figure(new.value, case new.qualifier when 'up_to' then 'at_most' else new.qualifier::text end::report_qualifier,
		array(select row(value_number, qualifier, coalesce(party, source))::statement from reports
			where commitment = new.commitment and field = 'target.' || new.from_party || '-' || new.to_party));
begin
	new.value_low := f.low; new.value_high := f.high; new.value_status := f.status;
	return new;
end $$;

create function figures_of_delegation() returns trigger language plpgsql as $$
declare
	f constant figure := figure(new.reported_size, 'exactly', array(select row(value_number, qualifier, coalesce(party, source))::statement from reports
		where round = new.round and field = 'delegation_size.' || new.party));
begin
	new.reported_size_low := f.low; new.reported_size_high := f.high; new.reported_size_status := f.status;
	return new;
end $$;

create function figures_of_round() returns trigger language plpgsql as $$
declare
	f constant figure := figure(new.duration_minutes, 'exactly', array(select row(value_number, qualifier, coalesce(party, source))::statement from reports
		where round = new.id and field = 'duration_minutes'));
begin
	new.duration_minutes_low := f.low; new.duration_minutes_high := f.high; new.duration_minutes_status := f.status;
	return new;
end $$;

create function figures_of_reports() returns trigger language plpgsql as $$
declare
	part record;
begin
	-- The triggers above find out; a row whose figures stand as they stood is not touched.
	for part in select * from (values ('prisoner_exchange_transfers', 'prisoner_exchange', 'prisoner_exchange', 'transfers.%', 'position'),
		('body_repatriation_transfers', 'body_repatriation', 'body_repatriation', 'transfers.%', 'position'), ('commitment_targets', 'commitment', 'commitment', 'target.%', 'position'),
		('delegations', 'round', 'round', 'delegation_size.%', 'position'), ('rounds', 'id', 'round', 'duration_minutes', 'number')) p(of_table, owner, record, fields, same)
	loop
		execute format('update %1$I set %2$I = %2$I where %3$I in (' || case tg_op
			when 'INSERT' then 'select %4$I from new_rows where field like %5$L'
			when 'DELETE' then 'select %4$I from old_rows where field like %5$L'
			else 'select %4$I from new_rows where field like %5$L union select %4$I from old_rows where field like %5$L' end || ')',
			part.of_table, part.same, part.owner, part.record, part.fields);
	end loop;
	return null;
end $$;
-- +goose StatementEnd
comment on function figures_of_reports is 'Figures stand otherwise when what is reported of them changes.';

create trigger a_figures before insert or update on prisoner_exchange_transfers for each row execute function figures_of_exchange();
create trigger a_figures before insert or update on body_repatriation_transfers for each row execute function figures_of_repatriation();
create trigger a_figures before insert or update on commitment_targets for each row execute function figures_of_target();
create trigger a_figures before insert or update on delegations for each row execute function figures_of_delegation();
create trigger a_figures before insert or update on rounds for each row execute function figures_of_round();

-- A trigger in PL/pgSQL takes the generated column out of the row, so that PostgreSQL's own function no longer sees that
-- nothing changes.
-- +goose StatementBegin
create function only_real_changes() returns trigger language plpgsql as $$
begin
	new.search := old.search;
	if new is not distinct from old then
		return null;
	end if;
	return new;
end $$;
-- +goose StatementEnd
drop trigger b_only_real_changes on rounds;
create trigger b_only_real_changes before update on rounds for each row execute function only_real_changes();

create trigger f_figures_of_insert after insert on reports referencing new table as new_rows for each statement execute function figures_of_reports();
create trigger f_figures_of_update after update on reports referencing old table as old_rows new table as new_rows for each statement execute function figures_of_reports();
create trigger f_figures_of_delete after delete on reports referencing old table as old_rows for each statement execute function figures_of_reports();

-- The rows that there are, and all their versions. No changeset does this: nothing that anybody recorded changes. A
-- version is divided where reports on it changed.
-- +goose StatementBegin
do $do$
declare
	t        record;
	n        record;
	reported text;
begin
	for t in select distinct on (of_table) * from figure_columns loop
		execute format('alter table %I disable trigger user', t.of_table);
		execute format('alter table %I enable trigger a_figures', t.of_table);
		execute format('update %I set %2$I = %2$I', t.of_table, t.touched);
		execute format('alter table %I enable trigger user', t.of_table);

		execute format('alter table history.%I disable trigger only_by_trigger', t.of_table);
		execute format('create trigger a_figures before insert or update of %I on history.%I for each row execute function %s()', t.touched, t.of_table,
			(select tgfoid::regproc from pg_trigger where tgrelid = t.of_table::regclass and tgname = 'a_figures'));
		perform set_config('search_path', 'as_of, public', true); -- where the trigger sees the reports of the moment
		for n in select id from public.changesets order by id loop
			perform set_config('parley.as_of', n.id::text, true);
			reported := format('valid_from < %1$s and valid_to > %1$s and %2$I in (select %3$I from history.reports where %1$s in (valid_from, valid_to))', n.id, t.owner, t.record);
			execute format('insert into history.%1$I select %2$s, valid_to, %3$s from history.%1$I where %4$s', t.of_table, n.id,
				(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
					where attrelid = format('history.%I', t.of_table)::regclass and attnum > 2 and not attisdropped), reported);
			execute format('update history.%I set valid_to = %s where %s', t.of_table, n.id, reported);
			execute format('update history.%I set %2$I = %2$I where valid_from = %3$s', t.of_table, t.touched, n.id);
		end loop;
		perform set_config('search_path', 'public', true);
		execute format('drop trigger a_figures on history.%I', t.of_table);
		execute format('alter table history.%I enable trigger only_by_trigger', t.of_table);
	end loop;
end $do$;
-- +goose StatementEnd

-- The same tables with the figures as one party gave them: what its reports say, and null where it gave none.
create schema reported;
comment on schema reported is 'Tables of figures as the party that parley.reported_by names gave them, for whoever puts this schema first in the search path.';

-- +goose StatementBegin
do $do$
declare
	t record;
begin
	for t in select of_table, owner, record, string_agg(format('
			(array_agg(r.value_number order by r.value_number is not distinct from x.%1$I desc, r.position) filter (where r.field = %2$s))[1] as %1$I,
			case when bool_or(r.field = %2$s) then
				figure(min(r.value_number) filter (where r.field = %2$s), ''exactly'', array_agg(row(r.value_number, r.qualifier, '''')::statement) filter (where r.field = %2$s))
			else row(null, null, ''unknown'')::figure end as %3$I', name, field, name || '_figure'), ', ') as figures, array_agg(name) as names
		from figure_columns where of_table <> 'commitment_targets' group by 1, 2, 3
	loop
		execute format('create view reported.%1$I as select %2$s from %1$I x left join lateral (select %3$s
			from reports r where r.%4$I = x.%5$I and r.party = current_setting(''parley.reported_by'')) f on true', t.of_table,
			(select string_agg(case
					when attname = any(t.names) then format('f.%I', attname)
					when base = any(t.names) then format('(f.%I).%s as %I', base || '_figure', substring(attname from '[a-z]+$'), attname)
					else format('x.%I', attname) end, ', ' order by attnum)
				from pg_attribute, regexp_replace(attname, '_(low|high|status)$', '') base where attrelid = t.of_table::regclass and attnum > 0 and not attisdropped),
			t.figures, t.record, t.owner);
		execute format('comment on view reported.%I is %L', t.of_table, t.of_table || ' with the figures that the party of parley.reported_by gave: its own report of the value that the record has, else its first.');
	end loop;
end $do$;
-- +goose StatementEnd

-- A target on which nobody reported is what the sides agreed: it stands for each of them.
create view reported.commitment_targets as
	select x.commitment, x.position, x.from_party, x.to_party, case when a.agreed then x.value else f.value end as value, x.qualifier, x.unit,
		case when a.agreed then x.value_low else (f.figure).low end as value_low, case when a.agreed then x.value_high else (f.figure).high end as value_high,
		case when a.agreed then x.value_status else (f.figure).status end as value_status
	from commitment_targets x
	cross join lateral (
		select (array_agg(r.value_number order by r.value_number = x.value desc, r.position))[1] as value,
			figure(min(r.value_number), 'exactly', array_agg(row(r.value_number, r.qualifier, '')::statement)) as figure
		from reports r where r.commitment = x.commitment and r.field = 'target.' || x.from_party || '-' || x.to_party and r.party = current_setting('parley.reported_by')) f
	cross join lateral (
		select not exists (select from reports r where r.commitment = x.commitment and r.field = 'target.' || x.from_party || '-' || x.to_party)
			and exists (select from commitment_parties p where p.commitment = x.commitment and p.party = current_setting('parley.reported_by')) as agreed) a;
comment on view reported.commitment_targets is 'commitment_targets with the figures that the party of parley.reported_by gave, or agreed to.';

-- +goose StatementBegin
create function show_reported(relation regclass, base name) returns void language plpgsql set search_path = public as $$
declare
	name   constant name := (select relname from pg_class where oid = relation);
	target constant name := case base when 'public' then 'reported' else 'reported_' || base end;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		perform show_in(target, target || ', ' || base, relation);
	elsif base <> 'public' and to_regclass(format('reported.%I', name)) is not null then
		perform show_in(target, base, format('reported.%I', name)::regclass);
	end if;
end $$;
-- +goose StatementEnd
comment on function show_reported is 'Makes or corrects the view of a table, or of a view, with the figures of one party, over a schema.';

create schema reported_as_of;
comment on schema reported_as_of is 'As reported, over as_of.';

-- +goose StatementBegin
create or replace function show_as_of(relation regclass) returns void language plpgsql as $$
begin
	perform show_past(relation, 'as_of');
	perform show_reported(relation, 'public');
	perform show_reported(relation, 'as_of');
end $$;
-- +goose StatementEnd

select show_as_of(c.oid) from readable_as_of() c(oid);

-- +goose Down
drop schema reported_as_of cascade;
drop schema reported cascade;
drop schema as_of cascade;
create schema as_of;
comment on schema as_of is 'Every table as it stood at the revision that parley.as_of names, for whoever puts this schema first in the search path.';
drop trigger f_figures_of_insert on reports;
drop trigger f_figures_of_update on reports;
drop trigger f_figures_of_delete on reports;
-- +goose StatementBegin
do $do$
declare
	c record;
begin
	for c in select * from (values ('prisoner_exchange_transfers', 'total'), ('prisoner_exchange_transfers', 'pows'), ('prisoner_exchange_transfers', 'civilians'),
		('body_repatriation_transfers', 'total'), ('commitment_targets', 'value'), ('delegations', 'reported_size'), ('rounds', 'duration_minutes')) f(of_table, name)
	loop
		execute format('drop trigger if exists a_figures on %I', c.of_table);
		execute format('alter table %I drop column %I, drop column %I, drop column %I', c.of_table, c.name || '_low', c.name || '_high', c.name || '_status');
		execute format('alter table history.%I drop column %I, drop column %I, drop column %I', c.of_table, c.name || '_low', c.name || '_high', c.name || '_status');
	end loop;
end $do$;

create or replace function show_as_of(relation regclass) returns void language plpgsql as $$
begin
	perform show_past(relation, 'as_of');
end $$;
-- +goose StatementEnd
select show_as_of(c.oid) from readable_as_of() c(oid);
drop trigger b_only_real_changes on rounds;
create trigger b_only_real_changes before update on rounds for each row execute function suppress_redundant_updates_trigger();
drop function only_real_changes();
drop function show_reported(regclass, name);
drop function figures_of_exchange(), figures_of_repatriation(), figures_of_target(), figures_of_delegation(), figures_of_round(), figures_of_reports();
drop function figure(integer, report_qualifier, statement[]);
drop function least_of(bigint, report_qualifier), most_of(bigint, report_qualifier), slack_of(bigint, report_qualifier);
drop type figure, statement, figure_status;
