-- Search that does not mind diacritics, and finds what was probably meant: q=Cavusoglu finds Çavuşoğlu. The columns that
-- are searched are made anew with text search configurations that take diacritics off.

-- +goose Up
create extension if not exists unaccent;
create extension if not exists pg_trgm;

create text search configuration parley_simple (copy = simple);
alter text search configuration parley_simple alter mapping for hword, hword_part, word with unaccent, simple;
comment on text search configuration parley_simple is 'Words as they are, without diacritics: for names, and for titles in many languages.';
create text search configuration parley_english (copy = english);
alter text search configuration parley_english alter mapping for hword, hword_part, word with unaccent, english_stem;
comment on text search configuration parley_english is 'English, without diacritics: foreign names among English words.';

-- The views of the past depend on the columns; they are made anew below, by a function that can do so for any schema.
drop schema as_of cascade;
create schema as_of;
comment on schema as_of is 'Every table as it stood at the revision that parley.as_of names, for whoever puts this schema first in the search path.';

-- +goose StatementBegin
create or replace function pg_temp.search_by(from_prefix text, to_prefix text) returns void language plpgsql as $$
declare
	t          record;
	expression text;
begin
	for t in select a.attrelid, c.relname, pg_get_expr(d.adbin, d.adrelid) as expression from pg_attribute a
		join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum join pg_class c on c.oid = a.attrelid
		where c.relnamespace = 'public'::regnamespace and a.attname = 'search' and a.attgenerated = 's' order by 2
	loop
		expression := replace(replace(t.expression, format('''%ssimple''', from_prefix), format('''%ssimple''', to_prefix)), format('''%senglish''', from_prefix), format('''%senglish''', to_prefix));
		execute format('alter table %I drop column search, add column search tsvector not null generated always as (%s) stored', t.relname, expression);
		execute format('create index %1$I_search on %1$I using gin (search)', t.relname);
		execute format('alter table history.%I drop column search, add column search tsvector', t.relname);
		execute format('alter table history.%I disable trigger only_by_trigger', t.relname);
		execute format('update history.%I set search = %s', t.relname, expression);
		execute format('alter table history.%I enable trigger only_by_trigger', t.relname);
		execute format('alter table history.%I alter column search set not null', t.relname);
		execute format('create index on history.%I using gin (search)', t.relname);
	end loop;
end $$;
-- +goose StatementEnd
select pg_temp.search_by('', 'parley_');

-- +goose StatementBegin
create function readable_as_of() returns setof oid stable language sql as $$
	select c.oid from pg_class c
	where c.relnamespace = 'public'::regnamespace and (c.relkind = 'v' or c.relkind = 'r' and (c.relname in ('changesets', 'changes') or to_regclass(format('history.%I', c.relname)) is not null))
	order by c.relkind, c.oid
$$;
-- +goose StatementEnd
comment on function readable_as_of is 'All that can be read as of a moment: tables before the views over them.';

-- +goose StatementBegin
create function show_in(target name, path text, original regclass) returns void language plpgsql set search_path = public as $$
declare
	definition constant text := pg_get_viewdef(original);
begin
	perform set_config('search_path', path || ', public', true);
	execute format('create or replace view %I.%I as %s', target, (select relname from pg_class where oid = original), definition);
	perform set_config('search_path', 'public', true);
end $$;
-- +goose StatementEnd
comment on function show_in is 'Makes a view anew in another schema, over what the names that it refers to mean along a search path.';

-- +goose StatementBegin
create function show_past(relation regclass, in_schema name) returns void language plpgsql set search_path = public as $$
declare
	name       constant name := (select relname from pg_class where oid = relation);
	definition text;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		perform show_in(in_schema, in_schema, relation);
	else
		-- The revision is a subquery, so that it is found out once and not for every version that is looked at.
		definition := case
			when name = 'changesets' then 'select * from public.changesets where id <= (select current_setting(''parley.as_of'')::bigint)'
			when name = 'changes' then 'select * from public.changes where revision <= (select current_setting(''parley.as_of'')::bigint)'
			else format('select %s from history.%I
				where valid_from <= (select current_setting(''parley.as_of'')::bigint) and valid_to > (select current_setting(''parley.as_of'')::bigint)',
				(select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute where attrelid = relation and attnum > 0 and not attisdropped), name)
			end;
		execute format('create or replace view %I.%I as %s', in_schema, name, definition);
	end if;
	execute format('comment on view %I.%I is %L', in_schema, name, name || ' as it stood at the revision that parley.as_of names.');
end $$;
-- +goose StatementEnd
comment on function show_past is 'Makes or corrects the view of a table, or of a view, as it stood at a revision, in a schema of the past.';

-- +goose StatementBegin
create function show_as_of(relation regclass) returns void language plpgsql as $$
begin
	perform show_past(relation, 'as_of');
end $$;
-- +goose StatementEnd
comment on function show_as_of is 'Makes or corrects all other views of a table or a view.';

select show_as_of(c.oid) from readable_as_of() c(oid);

-- +goose StatementBegin
create or replace function read_as_of(relation regclass) returns void language plpgsql set search_path = public as $$
declare
	name  constant name := (select relname from pg_class where oid = relation);
	index record;
begin
	if to_regclass(format('history.%I', name)) is not null then
		-- What is looked up by index now is looked up by index then: versions that are not of the moment are passed over
		-- within the index.
		for index in
			select pg_get_indexdef(i.indexrelid) as definition, a.amname
			from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
			where i.indrelid = relation and not i.indisprimary
		loop
			execute format('create index on history.%I using %s%s', name,
				regexp_replace(substring(index.definition from ' USING (.*)\)$'), ' INCLUDE .*', ''),
				case index.amname when 'btree' then ', valid_from, valid_to)' else ')' end);
		end loop;
	end if;
	perform show_as_of(relation);
end $$;
-- +goose StatementEnd

-- Words of names, to find the one that was meant by one that is found nowhere.
create view names as
	          select name from people
	union all select name_native from people where name_native is not null
	union all select alias from person_aliases
	union all select name from parties
	union all select city from rounds where city is not null
	union all select venue from rounds where venue is not null;
comment on view names is 'All names that people search by, in every spelling: of people, parties, cities and venues.';
create index people_name_words on people using gin (name gin_trgm_ops);
create index person_aliases_words on person_aliases using gin (alias gin_trgm_ops);
select read_as_of('names');

-- +goose StatementBegin
create function did_you_mean(q text) returns text stable parallel safe language sql set pg_trgm.word_similarity_threshold = 0.4 as $$
	-- Word by word the nearest word of a name, for words that are near one; null if that comes to the same query.
	select case when lower(unaccent(string_agg(coalesce(near.word, asked.word), ' ' order by n))) <> lower(unaccent(q)) then string_agg(coalesce(near.word, asked.word), ' ' order by n) end
	from regexp_split_to_table(q, '\s+') with ordinality asked(word, n)
	left join lateral (
		select w.word, similarity(unaccent(w.word), unaccent(asked.word)) as nearness
		from (select name from names where asked.word <% name) m, regexp_split_to_table(m.name, '[\s,()]+') w(word)
		where length(asked.word) > 3 and asked.word !~ '^[-"]'
		order by 2 desc, 1 limit 1) near on near.nearness >= 0.35
$$;
-- +goose StatementEnd
comment on function did_you_mean is 'The query that was probably meant by one that finds nothing: words that are near one of a name, replaced by it.';

-- +goose Down
drop function did_you_mean(text);
drop schema as_of cascade;
create schema as_of;
comment on schema as_of is 'Every table as it stood at the revision that parley.as_of names, for whoever puts this schema first in the search path.';
drop view names;
drop index people_name_words, person_aliases_words;
-- +goose StatementBegin
create or replace function pg_temp.search_by(from_prefix text, to_prefix text) returns void language plpgsql as $$
declare
	t          record;
	expression text;
begin
	for t in select a.attrelid, c.relname, pg_get_expr(d.adbin, d.adrelid) as expression from pg_attribute a
		join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum join pg_class c on c.oid = a.attrelid
		where c.relnamespace = 'public'::regnamespace and a.attname = 'search' and a.attgenerated = 's' order by 2
	loop
		expression := replace(replace(t.expression, format('''%ssimple''', from_prefix), format('''%ssimple''', to_prefix)), format('''%senglish''', from_prefix), format('''%senglish''', to_prefix));
		execute format('alter table %I drop column search, add column search tsvector not null generated always as (%s) stored', t.relname, expression);
		execute format('create index %1$I_search on %1$I using gin (search)', t.relname);
		execute format('alter table history.%I drop column search, add column search tsvector', t.relname);
		execute format('alter table history.%I disable trigger only_by_trigger', t.relname);
		execute format('update history.%I set search = %s', t.relname, expression);
		execute format('alter table history.%I enable trigger only_by_trigger', t.relname);
		execute format('alter table history.%I alter column search set not null', t.relname);
		execute format('create index on history.%I using gin (search)', t.relname);
	end loop;
end $$;
-- +goose StatementEnd
select pg_temp.search_by('parley_', '');
select show_as_of(c.oid) from readable_as_of() c(oid);
-- +goose StatementBegin
create or replace function read_as_of(relation regclass) returns void language plpgsql set search_path = public as $$
declare
	name    constant name := (select relname from pg_class where oid = relation);
	columns constant text := (select string_agg(quote_ident(attname), ', ' order by attnum) from pg_attribute
		where attrelid = relation and attnum > 0 and not attisdropped);
	index   record;
begin
	if (select relkind from pg_class where oid = relation) = 'v' then
		-- The same definition over the tables of the past, which come first while it is made.
		declare definition constant text := pg_get_viewdef(relation);
		begin
			perform set_config('search_path', 'as_of, public', true);
			execute format('create view as_of.%I as %s', name, definition);
			perform set_config('search_path', 'public', true);
		end;
	elsif name = 'changesets' then
		create view as_of.changesets as select * from public.changesets where id <= (select current_setting('parley.as_of')::bigint);
	elsif name = 'changes' then
		create view as_of.changes as select * from public.changes where revision <= (select current_setting('parley.as_of')::bigint);
	else
		-- The revision is a subquery, so that it is found out once and not for every version that is looked at.
		execute format('create view as_of.%I as select %s from history.%1$I
			where valid_from <= (select current_setting(''parley.as_of'')::bigint) and valid_to > (select current_setting(''parley.as_of'')::bigint)', name, columns);
		-- What is looked up by index now is looked up by index then: versions that are not of the moment are passed over
		-- within the index.
		for index in
			select pg_get_indexdef(i.indexrelid) as definition, a.amname
			from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am a on a.oid = c.relam
			where i.indrelid = relation and not i.indisprimary
		loop
			execute format('create index on history.%I using %s%s', name,
				regexp_replace(substring(index.definition from ' USING (.*)\)$'), ' INCLUDE .*', ''),
				case index.amname when 'btree' then ', valid_from, valid_to)' else ')' end);
		end loop;
	end if;
	execute format('comment on view as_of.%I is %L', name, name || ' as it stood at the revision that parley.as_of names.');
end $$;
-- +goose StatementEnd
drop function show_as_of(regclass);
drop function show_past(regclass, name);
drop function show_in(name, text, regclass);
drop function readable_as_of();
drop text search configuration parley_simple, parley_english;
drop extension unaccent, pg_trgm;
