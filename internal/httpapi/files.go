package httpapi

import (
	"context"
	"sync"
	"time"

	"github.com/parley-api/parley/internal/store"
)

// files keeps finished files for a while, because who reads one by ranges comes again for the next part: by validator, and
// so only as long as nothing has changed. Few are made at a time, and each by one request while others wait for it.
type files struct {
	now      func() time.Time
	slots    chan struct{} // one for each file that is being made
	patience time.Duration // with which one is waited for

	mu     sync.Mutex
	byTag  map[string]*file
	size   int64 // of all that are kept
	timed  bool  // sweep will be called
	making map[string]*making
}

const (
	makers    = 2           // files that are made at a time
	keptFor   = time.Minute // after the last use
	mostFiles = 64          // that are kept
	mostBytes = 512 << 20   // of all that are kept
)

// file is a finished file.
type file struct {
	*spool
	tag   string
	info  store.Info
	used  time.Time
	users int
	kept  bool
}

// making is a file that is being made.
type making struct {
	done chan struct{} // closed when it is made or has failed
	file *file         // then; nil: it has failed, or was closed already
}

func newFiles(now func() time.Time, patience time.Duration) *files {
	return &files{now: now, patience: patience, slots: make(chan struct{}, makers), byTag: map[string]*file{}, making: map[string]*making{}}
}

// open finds a file by the validator that it should have, or has it made. The maker says which validator it really has:
// the data set may have moved on. Who opens a file closes it.
func (fs *files) open(ctx context.Context, tag string, write func(*spool) (string, store.Info, error)) (*file, error) {
	for {
		fs.mu.Lock()
		if f := fs.byTag[tag]; f != nil {
			f.users++
			f.used = fs.now()
			fs.mu.Unlock()
			return f, nil
		}
		m := fs.making[tag]
		if m == nil {
			m = &making{done: make(chan struct{})}
			fs.making[tag] = m
			fs.mu.Unlock()
			return fs.make(ctx, tag, m, write)
		}
		fs.mu.Unlock()
		select {
		case <-m.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		fs.mu.Lock()
		f := m.file
		if f != nil && (f.kept || f.users > 0) {
			f.users++
			fs.mu.Unlock()
			return f, nil
		}
		fs.mu.Unlock() // it has failed, which need not be so for us
	}
}

// make makes a file.
func (fs *files) make(ctx context.Context, tag string, m *making, write func(*spool) (string, store.Info, error)) (made *file, err error) {
	s := &spool{}
	defer func() { // also where the maker panics
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if made == nil {
			s.close()
		} else {
			fs.keep(made)
		}
		m.file = made
		delete(fs.making, tag)
		close(m.done)
	}()
	patient := time.NewTimer(fs.patience)
	defer patient.Stop()
	if err := take(ctx, fs.slots, patient.C, errBusy); err != nil {
		return nil, err
	}
	defer func() { <-fs.slots }()
	actual, info, err := write(s)
	if err != nil {
		return nil, err
	}
	return &file{spool: s, tag: actual, info: info, users: 1}, nil
}

// keep keeps a file and drops those that have to give way to it.
func (fs *files) keep(f *file) {
	if old := fs.byTag[f.tag]; old != nil {
		fs.drop(old)
	}
	f.kept, f.used = true, fs.now()
	fs.byTag[f.tag] = f
	fs.size += f.size
	for len(fs.byTag) > 1 && (fs.size > mostBytes || len(fs.byTag) > mostFiles) {
		oldest := f
		for _, other := range fs.byTag {
			if other != f && (oldest == f || other.used.Before(oldest.used)) {
				oldest = other
			}
		}
		fs.drop(oldest)
	}
	fs.later()
}

// later has files looked through again, as long as there are any.
func (fs *files) later() {
	if !fs.timed && len(fs.byTag) > 0 {
		fs.timed = true
		time.AfterFunc(keptFor, fs.sweep)
	}
}

// sweep drops the files that nobody has used for a while.
func (fs *files) sweep() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.timed = false
	now := fs.now()
	for _, f := range fs.byTag {
		if now.Sub(f.used) >= keptFor {
			fs.drop(f)
		}
	}
	fs.later()
}

// drop forgets a file. Who reads it still may.
func (fs *files) drop(f *file) {
	delete(fs.byTag, f.tag)
	fs.size -= f.size
	if f.kept = false; f.users == 0 {
		f.spool.close()
	}
}

// close tells that a reader is done.
func (fs *files) close(f *file) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	f.used = fs.now()
	if f.users--; f.users == 0 && !f.kept {
		f.spool.close()
	}
}
