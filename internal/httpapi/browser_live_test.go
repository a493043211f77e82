//go:build browser

package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// liveDesk is a desk whose server hears of changesets as one does that serves, and so streams them.
func liveDesk(t *testing.T, o httpapi.Options) *desk {
	t.Helper()
	db := pgtest.DB(t)
	watch := store.NewWatch(db)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); watch.Listen(ctx, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() { stop(); <-done })
	ending := make(chan struct{})
	o.DB, o.Watch, o.Stop, o.Cache = db, watch, ending, 8<<20
	d := &desk{open(t, o), db, newKey(t, db, store.Key{Name: "desk", Scopes: []string{store.ScopeWrite}})}
	t.Cleanup(func() { close(ending) })
	return d
}

// TestBrowserKeepsUp: a page that is looked at shows what is recorded meanwhile; who is at work in it is told, and asks for it.
func TestBrowserKeepsUp(t *testing.T) {
	d := liveDesk(t, httpapi.Options{})
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(d.url+"/"))
	d.write(t, http.MethodPut, "/v1/claims/a-test", newClaim, http.StatusCreated, "If-None-Match", "*")
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`body[data-revision="2"]`)))
	if text := eval[string](t, ctx, `document.querySelector("#main").innerText`); !strings.Contains(text, "Revision 2") || !strings.Contains(text, "claims/a-test") {
		t.Errorf("the page does not show what was recorded: %s", text)
	}
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelector("main a").focus()`))
	d.write(t, http.MethodDelete, "/v1/claims/a-test", "", http.StatusNoContent, "If-Match", "*", "Content-Type", "-")
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(".live button")))
	if revision := eval[string](t, ctx, `document.body.dataset.revision`); revision != "2" {
		t.Errorf("the page changed under the keyboard: it is at revision %s", revision)
	}
	do(t, ctx, chromedp.Click(chromedp.CSS(".live button")), chromedp.WaitVisible(chromedp.CSS(`body[data-revision="3"]`)))
}

// TestBrowserSeesThatARecordIsGone: the page of a record that is deleted says so, and shows the record when it is back.
func TestBrowserSeesThatARecordIsGone(t *testing.T) {
	d := liveDesk(t, httpapi.Options{})
	d.write(t, http.MethodPut, "/v1/claims/a-gone", newClaim, http.StatusCreated, "If-None-Match", "*")
	ctx := browse(t, "410")
	do(t, ctx, chromedp.Navigate(d.url+"/claims/a-gone"))
	d.write(t, http.MethodDelete, "/v1/claims/a-gone", "", http.StatusNoContent, "If-Match", "*", "Content-Type", "-")
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS("main article.failure")))
	if text := eval[string](t, ctx, `document.body.innerText`); !strings.Contains(text, "no longer there") || !strings.Contains(text, "See it as it last was") {
		t.Errorf("the page does not say that its record is gone: %s", text)
	}
	d.key = newKey(t, d.db, store.Key{Name: "chief", Scopes: []string{store.ScopeAdmin}}) // who alone may bring a record back
	d.write(t, http.MethodPut, "/v1/claims/a-gone?restore=true", newClaim, http.StatusCreated, "If-None-Match", "*")
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`body[data-revision="4"] main article:not(.failure)`)))
}

// TestBrowserPolls: a page whose stream is refused asks for the newest revision now and then.
func TestBrowserPolls(t *testing.T) {
	d := liveDesk(t, httpapi.Options{MaxStreams: 1})
	subscribe(t, d.url+"/v1/changesets.sse").must(t) // all that this address may have
	ctx := browse(t, "429")
	call(t, ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{ // as if the pause were over when the test says so
		Source: `window.setInterval = (poll) => { window.poll = poll; return 1; };`,
	})
	do(t, ctx, chromedp.Navigate(d.url+"/claims/children-list-checked-2025-07"))
	until(t, ctx, `window.poll !== undefined`)
	d.write(t, http.MethodPut, "/v1/claims/a-test", newClaim, http.StatusCreated, "If-None-Match", "*")
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`void poll()`), chromedp.WaitVisible(chromedp.CSS(`body[data-revision="2"]`)))
}
