package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// putTogether are the answers when nothing is kept.
func putTogether(t *testing.T, db *pgxpool.Pool) map[string]string {
	t.Helper()
	for _, table := range []string{"prisoner_exchanges", "body_repatriations", "rounds"} {
		if _, err := db.Exec(t.Context(), "create table if not exists kept.aside_"+table+" as table kept."+table+" with no data; insert into kept.aside_"+table+" table kept."+table+"; delete from kept."+table); err != nil {
			t.Fatal(err)
		}
	}
	all := answers(t, db, nil, false)
	for _, table := range []string{"prisoner_exchanges", "body_repatriations", "rounds"} {
		if _, err := db.Exec(t.Context(), "insert into kept."+table+" table kept.aside_"+table+"; drop table kept.aside_"+table); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// TestKept: whatever changes, in a record or in what it shows of others, what is kept of it is not shown any more; and
// afterwards it is kept anew.
func TestKept(t *testing.T) {
	db := pgtest.DB(t)
	keep := func() (n int64) {
		n, err := store.Keep(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	missing := func() (n int) {
		err := db.QueryRow(t.Context(), `select (select count(*) from prisoner_exchanges x where not exists (select from kept.prisoner_exchanges k where k.id = x.id and k.revision = x.revision))
			+ (select count(*) from body_repatriations x where not exists (select from kept.body_repatriations k where k.id = x.id and k.revision = x.revision))
			+ (select count(*) from rounds x where not exists (select from kept.rounds k where k.id = x.id and k.revision = x.revision))`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if keep() == 0 || missing() != 0 {
		t.Fatal("of so many records nothing is kept:", missing())
	}
	if n := keep(); n != 0 {
		t.Errorf("%d records are kept twice", n)
	}
	for _, change := range []struct{ name, sql string }{
		{"the record", "update prisoner_exchanges set note = 'other' where id = 'exchange-2025-05-23'"},
		{"a part", "update prisoner_exchange_transfers set total = 400, pows = 280 where prisoner_exchange = 'exchange-2025-05-23'"},
		{"a part of a repatriation", "delete from body_repatriation_mediators where body_repatriation = (select min(body_repatriation) from body_repatriation_mediators)"},
		{"a report", "update reports set value_number = value_number + 1 where round = 'istanbul-2025-3' and field = 'duration_minutes'"},
		{"a source", "update sources set publisher = 'Other' where id in (select source from prisoner_exchange_sources)"},
		{"a source of repatriations", "update sources set published_on = '2020-01-01' where id in (select source from body_repatriation_sources)"},
		{"a source of rounds", "update sources set url = null where id in (select source from round_sources)"},
		{"a person", "update people set name = 'Other' where id = 'vladimir-medinsky'"},
		{"a member", "update delegation_members set role = 'Other' where person = 'vladimir-medinsky'"},
		{"a delegation", "update delegations set reported_size = 99 where round = 'istanbul-2025-3'"},
		{"a proposal", "update proposals set summary = 'Other' where round = 'istanbul-2025-3'"},
		{"a proposal's target", "update proposal_targets set value = value + 1"},
		{"a proposal's round", "update proposals set round = 'istanbul-2025-2' where round = 'istanbul-2025-3'"},
		{"a commitment", "update commitments set summary = 'Other' where round = 'istanbul-2025-2'"},
		{"a commitment's target", "update commitment_targets set value = value + 1"},
		{"a report on a target", "delete from reports where commitment is not null"},
		{"a claim", "update claims set summary = 'Other' where round = 'istanbul-2025-2'"},
		{"a record that goes", "delete from claims where round = 'istanbul-2025-2' and id not in (select responds_to from claims where responds_to is not null)"},
	} {
		t.Run(change.name, func(t *testing.T) {
			before := putTogether(t, db)
			pgtest.Change(t, db, nil, change.sql)
			want := putTogether(t, db)
			if cmp.Equal(before, want) {
				t.Fatal("nothing changed")
			}
			if missing() == 0 {
				t.Error("all that was kept still holds")
			}
			if diff := cmp.Diff(want, answers(t, db, nil, false)); diff != "" {
				t.Errorf("put together (-) and partly kept (+):\n%.2000s", diff)
			}
			keep()
			if n := missing(); n != 0 {
				t.Errorf("%d records are not kept", n)
			}
			if diff := cmp.Diff(want, answers(t, db, nil, false)); diff != "" {
				t.Errorf("put together (-) and kept (+):\n%.2000s", diff)
			}
		})
	}
}
