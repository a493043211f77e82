//go:build browser

package httpapi_test

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parley-api/parley/internal/httpapi"
)

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
