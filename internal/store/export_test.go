package store

// Listens reports whether the watch knows the revision without asking.
func (w *Watch) Listens() bool { return w.known.Load() > 0 }
