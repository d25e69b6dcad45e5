package fleet

import (
	"regexp"
	"slices"
	"strings"
)

var capabilityForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

// MaxCapabilities bounds the set of a robot and of a job.
const MaxCapabilities = 64

// Capabilities is a set of words, kept sorted, lower case and without doubles.
// Its JSON form is a list and never null.
type Capabilities []string

// NewCapabilities normalises words and checks their form.
func NewCapabilities(words ...string) (Capabilities, error) {
	set := Capabilities{}
	for _, w := range words {
		w = strings.ToLower(strings.TrimSpace(w))
		if !capabilityForm.MatchString(w) {
			return nil, Invalid("capabilities", "A capability is a word of lower-case letters, digits, '_', '.' or '-', at most 64 long; got %q.", clip(w, 80))
		}
		set = append(set, w)
	}
	slices.Sort(set)
	set = slices.Compact(set)
	if len(set) > MaxCapabilities {
		return nil, Invalid("capabilities", "At most %d capabilities are allowed; got %d.", MaxCapabilities, len(set))
	}
	return set, nil
}

// Missing returns the words of want that c lacks, in order.
func (c Capabilities) Missing(want Capabilities) []string {
	var missing []string
	for _, w := range want {
		if _, ok := slices.BinarySearch(c, w); !ok {
			missing = append(missing, w)
		}
	}
	return missing
}

// Covers says whether c holds every word of want.
func (c Capabilities) Covers(want Capabilities) bool {
	for _, w := range want {
		if _, ok := slices.BinarySearch(c, w); !ok {
			return false
		}
	}
	return true
}

// Union returns the words of both.
func (c Capabilities) Union(d Capabilities) Capabilities {
	all := slices.Concat(c, d)
	slices.Sort(all)
	return slices.Compact(all)
}

// Key is the set as one text, for lanes and maps.
func (c Capabilities) Key() string { return strings.Join(c, ",") }

// MarshalJSON writes [] for the empty set.
func (c Capabilities) MarshalJSON() ([]byte, error) { return marshalList(c) }
