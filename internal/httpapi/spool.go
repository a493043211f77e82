package httpapi

import (
	"bytes"
	"io"
	"os"
)

// spooled is how many bytes of a file are held in memory; a longer one is on disk.
const spooled = 16 << 10

// spool takes down a file: in memory as long as it is short, then on disk under no name, so that nothing is left of it,
// however the program ends.
type spool struct {
	memory []byte
	disk   *os.File
	size   int64
}

func (s *spool) Write(p []byte) (int, error) {
	if s.disk == nil && len(s.memory)+len(p) > spooled {
		f, err := os.CreateTemp("", "parley-")
		if err != nil {
			return 0, err
		}
		s.disk = f
		if err := os.Remove(f.Name()); err != nil {
			return 0, err
		}
		if _, err := f.Write(s.memory); err != nil {
			return 0, err
		}
		s.memory = nil
	}
	s.size += int64(len(p))
	if s.disk == nil {
		s.memory = append(s.memory, p...)
		return len(p), nil
	}
	return s.disk.Write(p)
}

// reader reads the file from its beginning; several may at the same time.
func (s *spool) reader() io.ReadSeeker {
	if s.disk == nil {
		return bytes.NewReader(s.memory)
	}
	return io.NewSectionReader(s.disk, 0, s.size)
}

func (s *spool) close() {
	if s.disk != nil {
		_ = s.disk.Close() // it has no name: nothing can be lost
	}
}
