package client

import "sync"

// addresses are the orchestrators to ask, the one that answered last first.
type addresses struct {
	mu    sync.Mutex
	list  []string
	first int
}

// order returns the addresses in the order in which they are tried.
func (a *addresses) order() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]string, 0, len(a.list))
	return append(append(out, a.list[a.first:]...), a.list[:a.first]...)
}

// worked notes the address that answered, to begin with it next time.
func (a *addresses) worked(address string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, have := range a.list {
		if have == address {
			a.first = i
		}
	}
}
