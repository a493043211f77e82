package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/apikey"
	"github.com/parley-api/parley/internal/store"
)

type keysCmd struct {
	Create keysCreateCmd `cmd:"" help:"Make a key and print it, this once."`
	List   keysListCmd   `cmd:"" help:"List the keys, without their secrets."`
	Revoke keysRevokeCmd `cmd:"" help:"End a key at once."`
}

type (
	keysCreateCmd struct {
		Name    string   `required:"" help:"Who writes with it: the author of the changesets."`
		Scope   []string `default:"write" enum:"write,admin" help:"write, or admin to write also in the name of others, bring deleted records back and see to webhooks."`
		Expires string   `default:"never" help:"When it ends: a day such as 2027-12-31, or after so many days such as 90d, or never."`
	}
	keysListCmd   struct{}
	keysRevokeCmd struct {
		ID string `arg:"" help:"The public part of the key, as parley keys list shows it."`
	}
)

// Run prints the key alone on standard output, so that a script can take it from there.
func (c *keysCreateCmd) Run(e *env) error {
	now := time.Now()
	expires, err := expiry(c.Expires, now)
	if err != nil {
		return err
	}
	if name := strings.TrimSpace(c.Name); name != c.Name || name == "" || len(name) > 100 || strings.ContainsFunc(name, unicode.IsControl) {
		return errors.New("--name is a text of up to 100 bytes on one line, such as desk")
	}
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		key, err := apikey.New(rand.Reader)
		if err != nil {
			return err
		}
		if err := store.CreateKey(ctx, db, store.Key{ID: key.ID, Name: c.Name, Scopes: c.Scope, ExpiresAt: expires}, key.Hash()); err != nil {
			return schemaMissing(err)
		}
		fmt.Fprintf(e.stderr, "The key %s for %s (scope %s, expires %s). It is shown this once; send it as\n  Authorization: Bearer …\n",
			key.ID, c.Name, strings.Join(c.Scope, ", "), whenOr(expires, "never"))
		_, err = fmt.Fprintln(e.stdout, key.Text())
		return err
	})
}

var days = regexp.MustCompile(`^([1-9][0-9]{0,4})d$`)

// expiry is the instant that --expires names; nil: never. A day is the last one on which the key is good.
func expiry(text string, now time.Time) (*time.Time, error) {
	if text == "never" {
		return nil, nil
	}
	var n int
	at, err := time.Parse(time.DateOnly, text)
	if m := days.FindStringSubmatch(text); m != nil {
		_, err = fmt.Sscan(m[1], &n)
		at = now.AddDate(0, 0, n)
	} else {
		at = at.AddDate(0, 0, 1)
	}
	if err != nil || !at.After(now) {
		return nil, fmt.Errorf("--expires %q is not understood, or past: write a day such as 2027-12-31, or 90d, or never", text)
	}
	return &at, nil
}

func (keysListCmd) Run(e *env) error {
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		all, err := store.Keys(ctx, db)
		if err != nil {
			return schemaMissing(err)
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tSCOPES\tCREATED\tEXPIRES\tLAST USED\tSTATE")
		for _, k := range all {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
				k.ID, k.Name, strings.Join(k.Scopes, ","), whenOr(&k.CreatedAt, ""), whenOr(k.ExpiresAt, "never"), whenOr(k.LastUsedAt, "never"), stateOf(k, time.Now()))
		}
		return table.Flush()
	})
}

func stateOf(k store.Key, now time.Time) string {
	switch {
	case k.RevokedAt != nil:
		return "revoked " + whenOr(k.RevokedAt, "")
	case k.ExpiresAt != nil && !now.Before(*k.ExpiresAt):
		return "expired"
	}
	return "in force"
}

func whenOr(at *time.Time, none string) string {
	if at == nil {
		return none
	}
	return at.UTC().Format("2006-01-02 15:04Z")
}

func (c *keysRevokeCmd) Run(e *env) error {
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		inForce, err := store.RevokeKey(ctx, db, c.ID)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("there is no key %q; parley keys list shows those that there are", c.ID)
		case err != nil:
			return schemaMissing(err)
		case !inForce:
			_, err = fmt.Fprintln(e.stdout, "revoked already:", c.ID)
		default:
			_, err = fmt.Fprintln(e.stdout, "revoked:", c.ID)
		}
		return err
	})
}
