package httpapi

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-api/parley/internal/store"
)

// TestSpool: a file is what was written, short or long, and a long one leaves nothing in the folder.
func TestSpool(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, n := range []int{0, 1, spooled, spooled + 1, 5 * spooled} {
		want := bytes.Repeat([]byte("0123456789abcde\n"), n/16+1)[:n]
		s := &spool{}
		for part := want; len(part) > 0; part = part[min(len(part), 10_000):] {
			if _, err := s.Write(part[:min(len(part), 10_000)]); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := io.ReadAll(s.reader()); err != nil || !bytes.Equal(got, want) || (s.disk != nil) != (n > spooled) {
			t.Errorf("%d bytes came back as %d, on disk: %t, %v", n, len(got), s.disk != nil, err)
		}
		if entries, err := os.ReadDir(os.TempDir()); err != nil || len(entries) > 0 {
			t.Errorf("%v in the folder, %v", entries, err)
		}
		s.close()
	}
}

// TestSpoolWithoutDisk: where nothing can be written, that is said.
func TestSpoolWithoutDisk(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()+"/none")
	s := &spool{}
	defer s.close()
	if _, err := s.Write(make([]byte, spooled+1)); err == nil {
		t.Error("a long file was written to nowhere")
	}
}

// TestFiles: a file is made once for all who ask at the same time, kept for those who come soon, and dropped after.
func TestFiles(t *testing.T) {
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	fs := newFiles(func() time.Time { return now }, time.Minute)
	var made atomic.Int32
	get := func(tag string) *file {
		f, err := fs.open(t.Context(), tag, func(s *spool) (string, store.Info, error) {
			made.Add(1)
			_, err := s.Write(make([]byte, spooled+1))
			return tag, store.Info{Revision: 1}, err
		})
		if err != nil {
			t.Error(err)
			return nil
		}
		if b, err := io.ReadAll(f.reader()); err != nil || len(b) != spooled+1 {
			t.Errorf("%d bytes, %v", len(b), err)
		}
		return f
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { fs.close(get("a")) })
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("made %d times", made.Load())
	}
	reading := get("a")
	now = now.Add(keptFor)
	fs.sweep()
	if len(fs.byTag) != 0 || fs.size != 0 {
		t.Errorf("%d files of %d bytes are still kept", len(fs.byTag), fs.size)
	}
	if _, err := io.ReadAll(reading.reader()); err != nil {
		t.Error("who reads it can no longer:", err)
	}
	fs.close(reading)
	if _, err := io.ReadAll(reading.reader()); !errors.Is(err, os.ErrClosed) {
		t.Error("a file that nobody has is not closed:", err)
	}
	for i := range 2 * mostFiles {
		now = now.Add(time.Millisecond)
		fs.close(get("b" + string(rune('A'+i))))
	}
	if len(fs.byTag) != mostFiles || fs.size != int64(mostFiles*(spooled+1)) || fs.byTag["bA"] != nil {
		t.Errorf("%d files of %d bytes are kept", len(fs.byTag), fs.size)
	}
	now = now.Add(2 * keptFor)
	fs.sweep()
}

// TestFilesFail: who waits for a maker that fails makes the file himself, and no more than a few make at a time.
func TestFilesFail(t *testing.T) {
	fs := newFiles(time.Now, time.Minute)
	failing, begun := make(chan struct{}), make(chan struct{})
	first := make(chan error)
	go func() {
		_, err := fs.open(t.Context(), "a", func(*spool) (string, store.Info, error) {
			close(begun)
			<-failing
			return "", store.Info{}, errors.New("the client went away")
		})
		first <- err
	}()
	<-begun
	second := make(chan *file)
	go func() {
		f, err := fs.open(t.Context(), "a", func(*spool) (string, store.Info, error) { return "a2", store.Info{}, nil })
		if err != nil {
			t.Error(err)
		}
		second <- f
	}()
	close(failing)
	if err := <-first; err == nil {
		t.Error("the failure was lost")
	}
	if f := <-second; f.tag != "a2" || fs.byTag["a2"] != f { // the validator that it really has
		t.Errorf("got %+v", f)
	}
	release := make(chan struct{})
	var busy sync.WaitGroup
	for _, tag := range []string{"x", "y"} {
		started := make(chan struct{})
		busy.Go(func() {
			_, _ = fs.open(t.Context(), tag, func(*spool) (string, store.Info, error) {
				close(started)
				<-release
				return tag, store.Info{}, nil
			})
		})
		<-started
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := fs.open(ctx, "z", func(*spool) (string, store.Info, error) { return "z", store.Info{}, nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a third file was made at the same time: %v", err)
	}
	close(release)
	busy.Wait()
	func() {
		defer func() { _ = recover() }()
		_, _ = fs.open(t.Context(), "p", func(*spool) (string, store.Info, error) { panic("a fault") })
	}()
	if len(fs.making) > 0 || len(fs.slots) > 0 {
		t.Error("a panic leaves a maker")
	}
}
