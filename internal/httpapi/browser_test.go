//go:build browser

package httpapi_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/parley-api/parley/internal/httpapi"
	"github.com/parley-api/parley/internal/pgtest"
	"github.com/parley-api/parley/internal/store"
)

// These tests look at the pages in chromium. scripts/browser runs them, and says where it is.

var (
	update = flag.Bool("update", false, "keep the pictures that are taken as those to compare with")
	folder = flag.String("pictures", "", "an existing `folder` to write the whole pictures to, to be looked at")
)

// browse starts a browser. Everything it complains about on any page is a fault, but what is told beforehand.
func browse(t *testing.T, forgiven ...string) context.Context {
	t.Helper()
	path := os.Getenv("PARLEY_TEST_BROWSER")
	if path == "" {
		t.Fatal("PARLEY_TEST_BROWSER does not say where chromium is: scripts/browser runs these tests")
	}
	var mu sync.Mutex
	var complaints []string
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // of all, so that a browser that hangs ends the test
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithAllocatorOptions(chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true)),
		chromedp.WithListener(func(event any) {
			text := complaint(event)
			if text == "" || slices.ContainsFunc(forgiven, func(known string) bool { return strings.Contains(text, known) }) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			complaints = append(complaints, text)
		}))
	t.Cleanup(func() {
		cancel()
		mu.Lock()
		defer mu.Unlock()
		for _, text := range complaints {
			t.Errorf("the browser complains: %s", text)
		}
	})
	call(t, ctx, log.Enable, cdp.Empty{})
	call(t, ctx, network.Enable, network.EnableParams{})
	return ctx
}

// complaint is what an event says against a page; "" for nothing.
func complaint(event any) string {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		return "exception: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		return "console: " + string(e.Type)
	case *log.EventEntryAdded:
		return fmt.Sprintf("%s: %s %s", e.Entry.Level, e.Entry.Text, e.Entry.URL)
	case *network.EventLoadingFailed:
		if !e.Canceled {
			return "not loaded: " + e.ErrorText
		}
	}
	return ""
}

func do(t *testing.T, ctx context.Context, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

func call[P, R any](t *testing.T, ctx context.Context, command cdp.Command[P, R], params P) {
	t.Helper()
	if _, err := chromedp.Call(ctx, command, params); err != nil {
		t.Fatal(command.Method, err)
	}
}

// eval runs a script in the page.
func eval[T any](t *testing.T, ctx context.Context, script string, options ...chromedp.EvaluateOption) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, options...))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// looks are the widths and themes in which pages are looked at.
type look struct {
	width int64
	theme string
}

func looks() []look {
	var all []look
	for _, width := range []int64{320, 768, 1280} {
		for _, theme := range []string{"light", "dark"} {
			all = append(all, look{width, theme})
		}
	}
	return all
}

func (l look) set(t *testing.T, ctx context.Context) {
	t.Helper()
	do(t, ctx, chromedp.EmulateViewport(l.width, 900))
	call(t, ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: l.theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
}

// pages are one of each kind.
var pages = []string{
	"/", "/?as_of=1", "/explore", "/explore?q=umerof", "/explore/rounds?party=TR", "/explore/prisoner-exchanges?from=RU", "/processes/istanbul-2025", "/rounds/istanbul-2025-3",
	"/delegations/istanbul-2025-3-ua", "/people/rustem-umerov", "/parties/UA", "/proposals/istanbul-2025-3-ceasefire", "/commitments/istanbul-2025-2-exchange-categories",
	"/claims/children-list-checked-2025-07", "/prisoner-exchanges/exchange-2024-12-30", "/embed/timeline?type=round,prisoner_exchange,body_repatriation", "/embed/timeline?party=TR&theme=dark", "/embed/ledger",
	"/embed/totals?collection=body-repatriations", "/embed/round?id=istanbul-2025-3&theme=light", "/embed/record?collection=prisoner-exchanges&id=exchange-2024-12-30", "/embed/round?date=1900", "/published-totals/prisoners-to-ukraine-2026-03-11", "/sources/rferl-uk-2026-03-11", "/changesets/1",
}

// TestBrowserPages: no page makes the browser complain, is wider than its window, or violates what axe-core knows of WCAG 2.2 AA.
func TestBrowserPages(t *testing.T) {
	axe, err := os.ReadFile(os.Getenv("PARLEY_TEST_AXE"))
	if err != nil {
		t.Fatal("axe-core:", err)
	}
	s := open(t, httpapi.Options{})
	ctx := browse(t)
	call(t, ctx, cdppage.SetBypassCSP, cdppage.SetBypassCSPParams{Enabled: true}) // for axe-core itself; the next test lets the policy hold
	for _, target := range pages {
		for _, l := range looks() {
			if l.width == 768 {
				continue
			}
			l.set(t, ctx)
			do(t, ctx, chromedp.Navigate(s.url+target))
			if wider := eval[int](t, ctx, `document.documentElement.scrollWidth - document.documentElement.clientWidth`); wider > 0 {
				t.Errorf("%s at %d: %d pixels wider than the window", target, l.width, wider)
			}
			do(t, ctx, chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach((d) => { d.open = true; })`), chromedp.Evaluate[chromedp.Void](string(axe)))
			type violation struct {
				ID    string `json:"id"`
				Help  string `json:"help"`
				Nodes []struct {
					HTML string `json:"html"`
				} `json:"nodes"`
			}
			for _, v := range eval[[]violation](t, ctx, `axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}).then((r) => r.violations)`, chromedp.EvalAwaitPromise) {
				t.Errorf("%s at %d, %s: %s (%s): %.200s", target, l.width, l.theme, v.ID, v.Help, v.Nodes[0].HTML)
			}
		}
	}
}

// TestBrowserPolicy: the policy hinders nothing that pages do: the style sheet and the script are at work.
func TestBrowserPolicy(t *testing.T) {
	s := open(t, httpapi.Options{})
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(s.url+"/rounds/istanbul-2025-3"), chromedp.WaitVisible(chromedp.CSS("button.copy")))
	if margin := eval[string](t, ctx, `getComputedStyle(document.body).margin`); margin != "0px" {
		t.Errorf("the style sheet is not at work: the margin is %s", margin)
	}
}

// TestBrowserDocs: the policy of the docs hinders nothing that they do, nor a request that is tried in them.
func TestBrowserDocs(t *testing.T) {
	s := open(t, httpapi.Options{})
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(s.url+"/docs/"), chromedp.WaitVisible(chromedp.CSS(".opblock-summary-control")), chromedp.Evaluate[chromedp.Void](`
		void [...document.querySelectorAll(".opblock-summary-path")].find((p) => p.dataset.path === "/readyz").click()`))
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(".try-out__btn")), chromedp.Evaluate[chromedp.Void](`document.querySelector(".try-out__btn").click()`),
		chromedp.WaitVisible(chromedp.CSS("button.execute")), chromedp.Evaluate[chromedp.Void](`document.querySelector("button.execute").click()`),
		chromedp.WaitVisible(chromedp.CSS(".live-responses-table tbody")))
	if code := eval[string](t, ctx, `document.querySelector(".live-responses-table tbody .response-col_status").innerText`); !strings.Contains(code, "200") {
		t.Errorf("what was tried answers %s", code)
	}
}

// TestBrowserSandbox: an embed in a sandbox, which has no origin, says how tall it is, is heard, and keeps up.
func TestBrowserSandbox(t *testing.T) {
	d := liveDesk(t, httpapi.Options{})
	ctx := browse(t)
	do(t, ctx, chromedp.Navigate(foreign(t, `<iframe sandbox="allow-scripts" height="480" width="700" src="`+d.url+`/embed/round?id=istanbul-2025-3"></iframe><script src="`+d.url+`/assets/embed.js" async></script>`)))
	until(t, ctx, `Number(document.querySelector("iframe").height) !== 480`)
	if height := eval[int](t, ctx, `Number(document.querySelector("iframe").height)`); height < 100 {
		t.Errorf("the frame is %d tall", height)
	}
	d.write(t, http.MethodPut, "/v1/claims/a-test", newClaim, http.StatusCreated, "If-None-Match", "*")
	until(t, ctx, `(() => {
		window.told ??= (addEventListener("message", ({ data }) => { window.told = data.revision; }), "");
		document.querySelector("iframe").contentWindow.postMessage({ type: "parley:measure" }, "*");
		return told === "2";
	})()`)
}

// TestBrowserKeyboard asks a query with the keyboard alone, with scripts and without.
func TestBrowserKeyboard(t *testing.T) {
	s := open(t, httpapi.Options{})
	for name, disabled := range map[string]bool{"with scripts": false, "without scripts": true} {
		t.Run(name, func(t *testing.T) {
			ctx := browse(t)
			call(t, ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: disabled})
			do(t, ctx, chromedp.Navigate(s.url+"/explore/rounds"), chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter)) // over the navigation
			reach(t, ctx, "f-party")
			do(t, ctx, chromedp.KeyEvent("TR"))
			reach(t, ctx, "held")
			do(t, ctx, chromedp.KeyEvent(" "))
			if response, err := chromedp.RunResponse(ctx, chromedp.KeyEvent(kb.Enter)); err != nil || response.Status != http.StatusOK {
				t.Fatal(response, err)
			}
			if address, want := eval[string](t, ctx, `location.href`), s.url+"/explore/rounds?party=TR&status=held"; address != want {
				t.Errorf("the address is %s, want %s", address, want)
			}
			if text := eval[string](t, ctx, `document.querySelector("#main").innerText`); !strings.Contains(text, "antalya-2022") {
				t.Errorf("the answer is not shown: %s", text)
			}
		})
	}
}

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
	d.write(t, http.MethodPut, "/v1/claims/a-gone?restore=true", newClaim, http.StatusCreated, "If-None-Match", "*")
	do(t, ctx, chromedp.WaitVisible(chromedp.CSS(`body[data-revision="4"] main article:not(.failure)`)))
}

// foreign is a page of somebody else, on another server, with some lines in it.
func foreign(t *testing.T, lines string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if r.URL.Path == "/" {
			_, _ = io.WriteString(w, `<!doctype html><html lang="en"><title>A newspaper</title><link rel="icon" href="data:,"><h1>A newspaper</h1>`+lines)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// TestBrowserEmbeds: the lines that a page gives to copy show its embeds in a page of another origin: as tall as they are, and with
// what is recorded meanwhile. There are more of them than a browser has connections to one host.
func TestBrowserEmbeds(t *testing.T) {
	d := liveDesk(t, httpapi.Options{})
	ctx := browse(t)
	snippet := regexp.MustCompile(`(?s)<pre id="embed"[^>]*>(.*?)</pre>`)
	lines := ""
	for _, target := range []string{"/", "/rounds/istanbul-2025-3", "/explore/commitments?target.known=true", "/explore/prisoner-exchanges", "/explore/body-repatriations", "/parties/UA", "/people/rustem-umerov", "/changesets/1"} {
		match := snippet.FindSubmatch(d.do(t, http.MethodGet, target, browser, http.StatusOK).body)
		if match == nil {
			t.Fatalf("%s has no lines to copy", target)
		}
		lines += html.UnescapeString(string(match[1]))
	}
	lines = strings.ReplaceAll(lines, `loading="lazy"`, "") // what is far below is not loaded until somebody comes near
	do(t, ctx, chromedp.EmulateViewport(760, 900), chromedp.Navigate(foreign(t, lines)))
	// Frames of another origin cannot be looked into; they say what they know.
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`
		window.said = new Map();
		addEventListener("message", ({ data, source }) => { if (data.type === "parley:height") said.set(source, data.height); });
		for (const frame of document.querySelectorAll("iframe")) frame.contentWindow.postMessage({ type: "parley:measure" }, "*");`))
	const fits = `[...document.querySelectorAll("iframe")].every((f) => said.has(f.contentWindow) && Number(f.height) === Math.ceil(said.get(f.contentWindow)))`
	until(t, ctx, fits)
	heights := eval[[]int](t, ctx, `[...document.querySelectorAll("iframe")].map((f) => Number(f.height))`)
	if slices.Contains(heights, 480) || slices.Max(heights) < 300 || slices.Min(heights) < 100 {
		t.Errorf("the frames are %v tall", heights)
	}
	narrow := eval[int](t, ctx, `Number(document.querySelector("iframe").height)`)
	do(t, ctx, chromedp.EmulateViewport(320, 900))
	until(t, ctx, fmt.Sprintf(`Number(document.querySelector("iframe").height) !== %d && %s`, narrow, fits))
	d.write(t, http.MethodPut, "/v1/claims/a-test", newClaim, http.StatusCreated, "If-None-Match", "*")
	frames, err := chromedp.Run(ctx, chromedp.Evaluate[int](`document.querySelectorAll("iframe").length`))
	if err != nil || frames != 8 {
		t.Fatal(frames, err)
	}
	until(t, ctx, `(() => {
		window.revisions ??= (addEventListener("message", ({ data, source }) => { if (data.type === "parley:height") revisions.set(source, data.revision); }), new Map());
		for (const frame of document.querySelectorAll("iframe")) frame.contentWindow.postMessage({ type: "parley:measure" }, "*");
		return revisions.size === 8 && [...revisions.values()].every((r) => r === "2");
	})()`)
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

// TestBrowserFrames: embeds can be framed by a page of another origin, and nothing else can.
func TestBrowserFrames(t *testing.T) {
	s := open(t, httpapi.Options{})
	ctx := browse(t, "frame-ancestors", "ERR_BLOCKED_BY_RESPONSE", "chrome-error://")
	do(t, ctx, chromedp.Navigate(foreign(t, `<iframe src="`+s.url+`/rounds/istanbul-2025-3"></iframe><iframe src="`+s.url+`/embed/totals"></iframe>`)))
	do(t, ctx, chromedp.Evaluate[chromedp.Void](`
		window.told = [];
		addEventListener("message", ({ source }) => { told.push([...document.querySelectorAll("iframe")].findIndex((f) => f.contentWindow === source)); });`))
	until(t, ctx, `(document.querySelectorAll("iframe").forEach((f) => f.contentWindow.postMessage({ type: "parley:measure" }, "*")), told.length > 0)`)
	if told := eval[[]int](t, ctx, `told`); slices.Contains(told, 0) {
		t.Errorf("a page that is no embed is shown in a frame: %v", told)
	}
}

// until waits until a script says true.
func until(t *testing.T, ctx context.Context, script string) {
	t.Helper()
	for !eval[bool](t, ctx, script) {
		select {
		case <-ctx.Done():
			t.Fatalf("this does not become true: %s", script)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// reach presses the tabulator until an element has the focus that has this as its id or value.
func reach(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	var seen []string
	for range 60 {
		do(t, ctx, chromedp.KeyEvent(kb.Tab))
		focused := eval[[]string](t, ctx, `[document.activeElement.id, document.activeElement.value || ""]`)
		if slices.Contains(focused, name) {
			return
		}
		seen = append(seen, strings.Join(focused, "="))
	}
	t.Fatalf("the tabulator does not reach %s, but %v", name, seen)
}

// How far a picture may be from the kept one: fonts and their smoothing differ from machine to machine. This finds a layout that
// falls apart or a theme that is not there, not a colour that is a little off.
const (
	pictureWidth = 64   // of what is kept and compared
	mostTaller   = 0.10 // of the height
	mostFar      = 0.05 // of the brightness, on average
)

// TestBrowserPictures compares pages with the pictures that are kept of them.
func TestBrowserPictures(t *testing.T) {
	s := open(t, httpapi.Options{})
	ctx := browse(t, "status of 400")
	for name, target := range map[string]string{
		"home": "/", "round": "/rounds/istanbul-2025-3", "exchange": "/prisoner-exchanges/exchange-2024-12-30", "explore": "/explore/rounds?status=hold&date=Juni",
		"embed-timeline": "/embed/timeline?type=round,prisoner_exchange,body_repatriation", "embed-ledger": "/embed/ledger?target.known=true", "embed-totals": "/embed/totals",
		"embed-round": "/embed/round?id=istanbul-2025-3",
	} {
		for _, l := range looks() {
			l.set(t, ctx)
			do(t, ctx, chromedp.Navigate(s.url+target))
			taken, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
			if err != nil {
				t.Fatal(err)
			}
			if *folder != "" {
				if err := os.WriteFile(filepath.Join(*folder, fmt.Sprintf("%s-%d-%s.png", name, l.width, l.theme)), taken, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			full, err := png.Decode(bytes.NewReader(taken))
			if err != nil {
				t.Fatal(err)
			}
			got := small(full)
			file := filepath.Join("testdata", "pictures", fmt.Sprintf("%s-%d-%s.png", name, l.width, l.theme))
			if *update {
				keepPicture(t, file, got)
				continue
			}
			want := keptPicture(t, file)
			tall, short := float64(got.Bounds().Dy()), float64(want.Bounds().Dy())
			if off := tall/short - 1; off > mostTaller || off < -mostTaller {
				t.Errorf("%s is %.0f %% taller than it was", file, 100*off)
			} else if far := distance(got, want); far > mostFar {
				t.Errorf("%s looks otherwise than it did, by %.1f %% on average; if it should: scripts/browser -update", file, 100*far)
			}
		}
	}
}

// small is a picture in greys and pictureWidth wide: each point is the mean of what it stands for.
func small(full image.Image) *image.Gray {
	b := full.Bounds()
	step := float64(b.Dx()) / pictureWidth
	out := image.NewGray(image.Rect(0, 0, pictureWidth, int(float64(b.Dy())/step)))
	for y := range out.Bounds().Dy() {
		for x := range pictureWidth {
			sum, n := 0, 0
			for v := int(float64(y) * step); v < max(int(float64(y)*step)+1, int(float64(y+1)*step)); v++ {
				for u := int(float64(x) * step); u < max(int(float64(x)*step)+1, int(float64(x+1)*step)); u++ {
					grey, _ := color.GrayModel.Convert(full.At(u, v)).(color.Gray)
					sum, n = sum+int(grey.Y), n+1
				}
			}
			out.SetGray(x, y, color.Gray{Y: uint8(sum / n)})
		}
	}
	return out
}

// distance is how far two pictures of about the same height are apart on average, from 0 to 1.
func distance(a, b *image.Gray) float64 {
	rows := a.Bounds().Dy()
	sum := 0.0
	for y := range rows {
		for x := range pictureWidth {
			d := int(a.GrayAt(x, y).Y) - int(b.GrayAt(x, y*b.Bounds().Dy()/rows).Y)
			sum += float64(max(d, -d))
		}
	}
	return sum / 255 / float64(rows*pictureWidth)
}

func keepPicture(t *testing.T, file string, picture *image.Gray) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	out, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := png.Encode(out, picture); err != nil {
		t.Fatal(err)
	}
}

func keptPicture(t *testing.T, file string) *image.Gray {
	t.Helper()
	in, err := os.Open(file)
	if err != nil {
		t.Fatal(err, "; scripts/browser -update keeps one")
	}
	defer in.Close()
	kept, err := png.Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	grey, ok := kept.(*image.Gray)
	if !ok {
		t.Fatalf("%s is no picture in greys", file)
	}
	return grey
}
