package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"github.com/parley-api/parley/internal/store"
)

// Deliverer works off the queue. Several processes may have one each: the queue gives a job to one of them.
type Deliverer struct {
	DelivererOptions
	metrics *metrics
}

// DelivererOptions are what a deliverer is made of.
type DelivererOptions struct {
	DB      *pgxpool.Pool
	Schema  string // of the queue's tables
	Watch   *store.Watch
	Sender  *Sender
	Policy  Policy
	Log     *slog.Logger
	Metrics prometheus.Registerer // told of deliveries; nil: nobody is
	Base    string                // what addresses in messages begin with: "https://example.org"
	Look    time.Duration         // how often to look for what nobody told of; 0: every second
	Eager   bool                  // for tests: no staggered start, and the queue is asked all the time
}

// Bounds of the work.
const (
	atOnce      = 4                // deliveries of a process
	turn        = 30 * time.Second // after which one webhook lets others have their turn
	revisions   = 100              // gone through before a webhook is read anew
	jobTimeout  = 2 * time.Minute
	rescueAfter = 3 * time.Minute // of a job whose process died
	softStop    = 5 * time.Second // for attempts under way to end when the process is to stop
	usualLook   = time.Second
	breath      = 100 * time.Millisecond // between two looks, however many changesets come
)

// NewDeliverer makes a deliverer.
func NewDeliverer(o DelivererOptions) *Deliverer {
	if o.Look == 0 {
		o.Look = usualLook
	}
	return &Deliverer{o, newMetrics(o.Metrics)}
}

// Run delivers until the context ends, and then lets attempts under way end. That it cannot just now is no fault: it tries
// again.
func (d *Deliverer) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := d.run(ctx); err != nil && ctx.Err() == nil {
			d.Log.Warn("webhooks are not delivered just now", "error", err)
			pause(ctx, d.Look)
		}
	}
}

// run waits for the first webhook, so that who has none has no queue to keep going, and then works.
func (d *Deliverer) run(ctx context.Context) error {
	for {
		some, err := store.WebhooksActive(ctx, d.DB)
		if err != nil {
			return err
		}
		if some {
			break
		}
		if pause(ctx, d.Look); ctx.Err() != nil {
			return nil
		}
	}
	client, err := d.client()
	if err != nil {
		return err
	}
	if err := client.Start(ctx); err != nil {
		return fmt.Errorf("starting the queue: %w", err)
	}
	defer func() { <-client.Stopped() }()
	for ctx.Err() == nil {
		revision, err := d.Watch.Revision(ctx)
		if err == nil {
			err = d.enqueue(ctx, client)
		}
		if err != nil && ctx.Err() == nil {
			d.Log.Warn("webhooks are not looked after just now", "error", err)
		}
		pause(ctx, min(breath, d.Look))
		looking, cancel := context.WithTimeout(ctx, d.Look)
		if _, err := d.Watch.After(looking, revision); err != nil {
			<-looking.Done()
		}
		cancel()
	}
	return nil
}

func (d *Deliverer) client() (*river.Client[pgx.Tx], error) {
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{d: d}); err != nil {
		return nil, err
	}
	config := &river.Config{
		Schema:  d.Schema,
		Logger:  slog.New(atLeast{d.Log.Handler(), slog.LevelWarn}),
		Workers: workers,
		Queues:  map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: atOnce}},
		// It is told of what this process puts into the queue, which is all that it must hear of at once.
		PollOnly:                    true,
		FetchPollInterval:           d.Look,
		FetchCooldown:               min(breath, d.Look),
		JobTimeout:                  jobTimeout,
		RescueStuckJobsAfter:        rescueAfter,
		SoftStopTimeout:             softStop,
		RetryPolicy:                 ownFault{},
		CompletedJobRetentionPeriod: time.Hour,
		ReindexerIndexNames:         []string{}, // only the owner of the tables may, and they are small
		TestOnly:                    d.Eager,
	}
	client, err := river.NewClient(riverpgxv5.New(d.DB), config)
	if err != nil {
		return nil, fmt.Errorf("the queue: %w", err)
	}
	return client, nil
}

// enqueue sees to it that every webhook which has not been told of everything has a job that runs now. One that waits for a
// time that is no longer the webhook's is hastened: somebody has changed the webhook, or the fault was ours.
func (d *Deliverer) enqueue(ctx context.Context, client *river.Client[pgx.Tx]) error {
	due, err := store.WebhooksDue(ctx, d.DB, d.Sender.now())
	if err != nil {
		return err
	}
	d.metrics.due.Set(float64(len(due)))
	for _, id := range due {
		result, err := client.Insert(ctx, delivery{id}, nil)
		if err != nil {
			return fmt.Errorf("queueing a delivery: %w", err)
		}
		if !result.UniqueSkippedAsDuplicate || result.Job.State != rivertype.JobStateScheduled && result.Job.State != rivertype.JobStateRetryable {
			continue
		}
		if _, err := client.JobRetry(ctx, result.Job.ID); err != nil && !errors.Is(err, rivertype.ErrNotFound) {
			return fmt.Errorf("hastening a delivery: %w", err)
		}
	}
	return nil
}

// delivery is the job of one webhook: to tell it of what it has not been told of.
type delivery struct {
	Webhook string `json:"webhook" river:"unique"`
}

// Kind names the job in the queue.
func (delivery) Kind() string { return "webhook" }

// InsertOpts has one job of a webhook in the queue, waiting or running.
func (delivery) InsertOpts() river.InsertOpts {
	return river.InsertOpts{UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRetryable, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// ownFault is when a job is tried again that failed for no fault of the receiver's, such as a database that was away.
type ownFault struct{}

// NextRetry waits longer each time, up to a minute.
func (ownFault) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().Add(min(time.Duration(job.Attempt)*time.Second, time.Minute))
}

type worker struct {
	river.WorkerDefaults[delivery]
	d *Deliverer
}

// Work tells one webhook of what it has not been told of.
func (w *worker) Work(ctx context.Context, job *river.Job[delivery]) error {
	wait, done, err := w.d.deliver(ctx, job.Args.Webhook)
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) { // we are not told to stop
			w.d.Log.Warn("a webhook is not told of changes just now", "webhook", job.Args.Webhook, "error", err)
		}
		return err
	}
	if !done {
		return river.JobSnooze(wait)
	}
	err = pgx.BeginFunc(ctx, w.d.DB, func(tx pgx.Tx) error {
		_, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job)
		return err
	})
	if err != nil {
		return fmt.Errorf("completing a delivery: %w", err)
	}
	// Whoever told of a changeset after the last look found this job still running, and put no other into the queue.
	if err := w.d.enqueue(ctx, river.ClientFromContext[pgx.Tx](ctx)); err != nil {
		w.d.Log.Warn("webhooks are not looked after just now", "error", err)
	}
	return nil
}

// deliver sends messages to a webhook until it has been told of everything, and is done; or it is to go on after a while,
// because one failed, or because others are to have their turn.
func (d *Deliverer) deliver(ctx context.Context, id string) (wait time.Duration, done bool, err error) {
	for begin := time.Now(); time.Since(begin) < turn; {
		w, err := store.FindWebhook(ctx, d.DB, id)
		var absent *store.Absent
		if errors.As(err, &absent) {
			return 0, true, nil
		}
		if err != nil {
			return 0, false, err
		}
		revision, err := store.Revision(ctx, d.DB)
		if err != nil || w.Status != store.WebhookActive || w.Through >= revision {
			return 0, err == nil, err
		}
		if w.RetryAt != nil {
			if wait := w.RetryAt.Sub(d.Sender.now()); wait > 0 {
				return wait, false, nil
			}
		}
		question, err := ParseQuery(w.Query)
		if err != nil {
			_, err := w.Disable(ctx, d.DB, "its query is not understood any more: "+err.Error())
			return 0, err == nil, err
		}
		t := teller{d.DB, d.Base, &w, question}
		for one, err := range t.after(ctx, min(revision, w.Through+revisions)) {
			if err != nil {
				return 0, false, err
			}
			told, err := d.tell(ctx, &w, one)
			if err != nil {
				return 0, false, err
			}
			if !told || time.Since(begin) > turn {
				break // and look at it anew
			}
		}
	}
	return 0, false, nil
}

// tell makes one step, and reports whether the webhook is as it was but for that.
func (d *Deliverer) tell(ctx context.Context, w *store.Webhook, one told) (bool, error) {
	if one.Body == nil {
		return w.Told(ctx, d.DB, one.place, nil)
	}
	a, err := d.Sender.Send(ctx, w, one.Message)
	if err != nil {
		return false, err
	}
	if a.Accepted() {
		d.metrics.accepted.Inc()
		return w.Told(ctx, d.DB, one.place, &a.WebhookAttempt)
	}
	d.metrics.failed.Inc()
	failures := w.Failures + 1
	if reason := d.enough(w, &a, failures); reason != "" {
		d.metrics.disabled.Inc()
		d.Log.Warn("webhook disabled", "webhook", w.ID, "message", one.ID, "reason", reason)
		_, err := w.NotTold(ctx, d.DB, a.WebhookAttempt, nil, reason)
		return false, err
	}
	retryAt := a.At.Add(d.Policy.wait(failures, a.RetryAfter))
	d.Log.Info("webhook not delivered", "webhook", w.ID, "message", one.ID, "failures", failures, "error", *a.Error, "retry_at", retryAt)
	_, err = w.NotTold(ctx, d.DB, a.WebhookAttempt, &retryAt, "")
	return false, err
}

// enough is why a webhook is not tried again after so many failures; "": it is.
func (d *Deliverer) enough(w *store.Webhook, a *Answer, failures int) string {
	switch {
	case a.Gone:
		return "the receiver answered 410 Gone: it wants nothing any more"
	case failures < d.Policy.Attempts:
		return ""
	}
	since := a.At
	if w.FailingSince != nil {
		since = w.FailingSince
	}
	return fmt.Sprintf("%d attempts to deliver one message have failed since %s; the last one: %s", failures, since.UTC().Format(time.RFC3339), *a.Error)
}

// atLeast is a log of what matters at a level or above: the queue tells much about itself.
type atLeast struct {
	slog.Handler
	level slog.Level
}

// Enabled reports whether a level is told of.
func (h atLeast) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.level && h.Handler.Enabled(ctx, level)
}

// WithAttrs keeps the level.
func (h atLeast) WithAttrs(attrs []slog.Attr) slog.Handler {
	return atLeast{h.Handler.WithAttrs(attrs), h.level}
}

// WithGroup keeps the level.
func (h atLeast) WithGroup(name string) slog.Handler {
	return atLeast{h.Handler.WithGroup(name), h.level}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
