//go:build browser

package httpapi_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/parley-api/parley/internal/httpapi"
)

var (
	update = flag.Bool("update", false, "keep the pictures that are taken as those to compare with")
	folder = flag.String("pictures", "", "an existing `folder` to write the whole pictures to, to be looked at")
)

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
		"home": "/", "round": "/rounds/istanbul-2025-3", "exchange": "/prisoner-exchanges/exchange-2024-12-30", "explore": "/explore/rounds?status=hold&date=Juni", "answer": "/explore/claims?limit=5",
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
