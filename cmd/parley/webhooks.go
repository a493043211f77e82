package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/parley-api/parley/internal/config"
	"github.com/parley-api/parley/internal/query"
	"github.com/parley-api/parley/internal/store"
	"github.com/parley-api/parley/internal/webhook"
)

type webhooksCmd struct {
	Add     webhooksAddCmd     `cmd:"" help:"Make a webhook and print its secret, this once."`
	List    webhooksListCmd    `cmd:"" help:"List the webhooks and how far each has been told."`
	Show    webhooksShowCmd    `cmd:"" help:"Show one with its last attempt."`
	Test    webhooksTestCmd    `cmd:"" help:"Send it a ping, and fail if that is not accepted."`
	Enable  webhooksEnableCmd  `cmd:"" help:"Go on delivering, from where it stopped."`
	Disable webhooksDisableCmd `cmd:"" help:"Deliver nothing until it is enabled."`
	Rotate  webhooksRotateCmd  `cmd:"" help:"Give it a new secret and print that, this once. For a day messages are signed with the old one too."`
	Remove  webhooksRemoveCmd  `cmd:"" help:"End it for good."`
}

type (
	webhookID struct {
		ID string `arg:"" help:"As parley webhooks list shows it."`
	}
	webhooksAddCmd struct {
		config.Webhooks
		Name   string `required:"" help:"Who is told."`
		Target string `arg:"" help:"Address that messages are sent to, such as https://example.org/hook."`
		Query  string `arg:"" help:"The list whose changes are told, such as '/v1/prisoner-exchanges?from=RU'."`
		After  *int64 `placeholder:"REVISION" help:"Tell of what came after this revision. Default: of what comes from now on."`
	}
	webhooksListCmd struct{}
	webhooksShowCmd struct{ webhookID }
	webhooksTestCmd struct {
		config.Webhooks
		webhookID
	}
	webhooksEnableCmd struct {
		webhookID
		FromNow bool `help:"Leave out what came since it stopped."`
	}
	webhooksDisableCmd struct{ webhookID }
	webhooksRotateCmd  struct{ webhookID }
	webhooksRemoveCmd  struct{ webhookID }
)

func newSender(c config.Webhooks) *webhook.Sender {
	return webhook.NewSender(webhook.SenderOptions{AllowPrivate: c.AllowPrivate, Version: programVersion()})
}

// Run prints the secret alone on standard output, so that a script can take it from there.
func (c *webhooksAddCmd) Run(e *env) error {
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		revision, err := store.Revision(ctx, db)
		if err != nil {
			return schemaMissing(err)
		}
		d := webhook.Draft{Name: &c.Name, Target: &c.Target, Query: &c.Query, Through: c.After}
		if faults := d.Check(newSender(c.Webhooks), revision); faults != nil {
			for i, f := range faults { // they are arguments here
				faults[i].Parameter, faults[i].Pointer = strings.TrimPrefix(f.Pointer, "/"), ""
			}
			return &query.Error{Faults: faults}
		}
		w, err := webhook.Create(ctx, db, rand.Reader, d, "command line", revision)
		if err != nil {
			return schemaMissing(err)
		}
		fmt.Fprintf(e.stderr, "The webhook %s is told of %s after revision %d. Its secret is shown this once.\n", w.ID, w.Query, w.Through)
		_, err = fmt.Fprintln(e.stdout, w.Secret.Text())
		return err
	})
}

func (webhooksListCmd) Run(e *env) error {
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		all, err := store.Webhooks(ctx, db)
		if err != nil {
			return schemaMissing(err)
		}
		revision, err := store.Revision(ctx, db)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(e.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tNAME\tTARGET\tQUERY\tSTATE\tBEHIND\tDELIVERED\tFAILED")
		for _, w := range all {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\t%d\t%d\n", w.ID, w.Name, w.Target, w.Query, stateOfWebhook(w), revision-w.Through, w.Delivered, w.Failed)
		}
		return table.Flush()
	})
}

func stateOfWebhook(w store.Webhook) string {
	switch {
	case w.Status == store.WebhookDisabled:
		return "disabled " + whenOr(&w.StatusSince, "")
	case w.RetryAt != nil:
		return "retrying " + whenOr(w.RetryAt, "")
	}
	return "active"
}

// onWebhook does something with one webhook.
func (e *env) onWebhook(id string, f func(ctx context.Context, db *pgxpool.Pool) error) error {
	return e.withPool(func(ctx context.Context, db *pgxpool.Pool) error {
		err := f(ctx, db)
		var absent *store.Absent
		if errors.As(err, &absent) {
			return fmt.Errorf("there is no webhook %q; parley webhooks list shows those that there are", id)
		}
		return schemaMissing(err)
	})
}

func (c *webhooksShowCmd) Run(e *env) error {
	return e.onWebhook(c.ID, func(ctx context.Context, db *pgxpool.Pool) error {
		w, err := store.FindWebhook(ctx, db, c.ID)
		if err != nil {
			return err
		}
		return showWebhook(e.stdout, w)
	})
}

func showWebhook(to io.Writer, w store.Webhook) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(table, name+"\t"+format+"\n", args...) }
	line("id", "%s", w.ID)
	line("name", "%s", w.Name)
	line("target", "%s", w.Target)
	line("query", "%s", w.Query)
	line("state", "%s", stateOfWebhook(w))
	if w.StatusReason != nil {
		line("reason", "%s", *w.StatusReason)
	}
	line("delivered through", "revision %d", w.Through)
	line("messages", "%d accepted, %d attempts failed, %d of them of the next one", w.Delivered, w.Failed, w.Failures)
	if w.Last.Message != nil {
		line("last message", "%s", *w.Last.Message)
		line("last attempt", "%s: %s", whenOr(w.Last.At, ""), outcome(w.Last))
	}
	if until := w.PreviousUntil(); until != nil && until.After(time.Now()) {
		line("old secret", "good until %s", whenOr(until, ""))
	}
	line("made", "%s by %s", whenOr(&w.CreatedAt, ""), w.CreatedBy)
	return table.Flush()
}

func outcome(a store.WebhookAttempt) string {
	if a.Error != nil {
		return *a.Error
	}
	return fmt.Sprintf("accepted with %d", *a.Answer)
}

func (c *webhooksTestCmd) Run(e *env) error {
	return e.onWebhook(c.ID, func(ctx context.Context, db *pgxpool.Pool) error {
		w, err := store.FindWebhook(ctx, db, c.ID)
		if err != nil {
			return err
		}
		answer, err := webhook.Test(ctx, newSender(c.Webhooks), rand.Reader, &w)
		if err != nil {
			return err
		}
		if !answer.Accepted() {
			return fmt.Errorf("the ping was not accepted: the target %s", *answer.Error)
		}
		_, err = fmt.Fprintln(e.stdout, "the ping was", outcome(answer.WebhookAttempt))
		return err
	})
}

func (c *webhooksEnableCmd) Run(e *env) error {
	return e.onWebhook(c.ID, func(ctx context.Context, db *pgxpool.Pool) error {
		active := store.WebhookActive
		d := webhook.Draft{Status: &active}
		if c.FromNow {
			revision, err := store.Revision(ctx, db)
			if err != nil {
				return err
			}
			d.Through = &revision
		}
		w, err := webhook.Change(ctx, db, c.ID, d)
		if err == nil {
			_, err = fmt.Fprintf(e.stdout, "enabled: %s, from after revision %d\n", w.ID, w.Through)
		}
		return err
	})
}

func (c *webhooksDisableCmd) Run(e *env) error {
	return e.onWebhook(c.ID, func(ctx context.Context, db *pgxpool.Pool) error {
		disabled := store.WebhookDisabled
		_, err := webhook.Change(ctx, db, c.ID, webhook.Draft{Status: &disabled})
		if err == nil {
			_, err = fmt.Fprintln(e.stdout, "disabled:", c.ID)
		}
		return err
	})
}

func (c *webhooksRotateCmd) Run(e *env) error {
	return e.onWebhook(c.ID, func(ctx context.Context, db *pgxpool.Pool) error {
		w, err := webhook.Rotate(ctx, db, rand.Reader, c.ID, time.Now())
		if err != nil {
			return err
		}
		fmt.Fprintf(e.stderr, "The new secret of %s, shown this once. Messages are signed with the old one too until %s.\n", w.ID, whenOr(w.PreviousUntil(), ""))
		_, err = fmt.Fprintln(e.stdout, w.Secret.Text())
		return err
	})
}

func (c *webhooksRemoveCmd) Run(e *env) error {
	return e.onWebhook(c.ID, func(ctx context.Context, db *pgxpool.Pool) error {
		err := store.DeleteWebhook(ctx, db, c.ID)
		if err == nil {
			_, err = fmt.Fprintln(e.stdout, "removed:", c.ID)
		}
		return err
	})
}
