package data

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

const (
	upperCase   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lowerCase   = "abcdefghijklmnopqrstuvwxyz"
	digits      = "0123456789"
	punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"

	// longestRandom bounds a random text; a longer one fills the memory.
	longestRandom = 1 << 20
)

// randomNumber takes the bounds in any order, since a form gives no hint which
// is which.
func randomNumber(c *engine.Call) error {
	low, err := c.Float("min_value", 0)
	if err != nil {
		return err
	}
	high, err := c.Float("max_value", 100)
	if err != nil {
		return err
	}
	if low > high {
		low, high = high, low
	}
	if !c.Bool("integer_only") {
		c.Set("result", low+(high-low)*c.Host().Rand().Float64())
		return nil
	}
	from, err := value.ToInt(low)
	if err != nil {
		return err
	}
	to, err := value.ToInt(high)
	if err != nil {
		return err
	}
	c.Set("result", between(c.Host().Rand(), from, to))
	return nil
}

// between is a whole number from low to high, both included.
func between(r *rand.Rand, low, high int64) int64 {
	span := uint64(high) - uint64(low) + 1
	if span == 0 { // the whole range of 64 bits
		return int64(r.Uint64())
	}
	return int64(uint64(low) + r.Uint64N(span))
}

// randomChoice gives one item with its place, or a list whose place is -1. More
// different items than there are give all of them, shuffled.
func randomChoice(c *engine.Call) error {
	items, err := iterable(c.Param("items"))
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return engine.Failed("items list cannot be empty")
	}
	count, err := c.Int("count", 1)
	if err != nil {
		return err
	}
	r := c.Host().Rand()
	if count == 1 {
		i := r.IntN(len(items))
		c.Set("result", items[i])
		c.Set("index", int64(i))
		return nil
	}
	if count < 0 || count > longestRandom {
		return engine.Failed("Sample larger than population or is negative")
	}
	chosen := []any{}
	if c.Bool("allow_duplicates") {
		for range count {
			chosen = append(chosen, items[r.IntN(len(items))])
		}
	} else {
		for _, i := range r.Perm(len(items))[:min(int(count), len(items))] {
			chosen = append(chosen, items[i])
		}
	}
	c.Set("result", chosen)
	c.Set("index", int64(-1))
	return nil
}

// randomString falls back to letters and digits when every kind is switched
// off, rather than to an empty text.
func randomString(c *engine.Call) error {
	length, err := c.Int("length", 8)
	if err != nil {
		return err
	}
	if length == 0 { // an empty field of the editor
		length = 8
	}
	if length > longestRandom {
		return engine.Failed(fmt.Sprintf("length must be at most %d", longestRandom))
	}
	alphabet := []rune(c.Text("custom_chars"))
	if len(alphabet) == 0 {
		for _, part := range []struct{ name, chars string }{
			{"include_uppercase", upperCase},
			{"include_lowercase", lowerCase},
			{"include_digits", digits},
			{"include_special", punctuation},
		} {
			if c.Bool(part.name) {
				alphabet = append(alphabet, []rune(part.chars)...)
			}
		}
	}
	if len(alphabet) == 0 {
		alphabet = []rune(lowerCase + upperCase + digits)
	}
	r := c.Host().Rand()
	text := make([]rune, max(0, length))
	for i := range text {
		text[i] = alphabet[r.IntN(len(alphabet))]
	}
	c.Set("result", string(text))
	return nil
}

// randomUUID makes the versions 1 and 4; any other number means 4. The node
// address of version 1 is made up: the machine's would tell who it is.
func randomUUID(c *engine.Call) error {
	version, err := c.Int("version", 4)
	if err != nil {
		return err
	}
	r := c.Host().Rand()
	var id [16]byte
	binary.BigEndian.PutUint64(id[:8], r.Uint64())
	binary.BigEndian.PutUint64(id[8:], r.Uint64())
	if version == 1 {
		stamp(&id, c.Host().Now())
		id[10] |= 1 // a node address that is no machine's
	} else {
		version = 4
	}
	id[6] = id[6]&0x0f | byte(version)<<4
	id[8] = id[8]&0x3f | 0x80
	bare := hex.EncodeToString(id[:])
	standard := bare[:8] + "-" + bare[8:12] + "-" + bare[12:16] + "-" + bare[16:20] + "-" + bare[20:]
	switch c.Text("format") {
	case "hex":
		c.Set("result", bare)
	case "urn":
		c.Set("result", "urn:uuid:"+standard)
	default:
		c.Set("result", standard)
	}
	return nil
}

// stamp writes the time of a version 1 identifier: steps of 100 ns since the
// Gregorian calendar began.
func stamp(id *[16]byte, now time.Time) {
	const gregorian = 0x01b21dd213814000
	t := uint64(now.UnixNano()/100) + gregorian
	binary.BigEndian.PutUint32(id[0:4], uint32(t))
	binary.BigEndian.PutUint16(id[4:6], uint16(t>>32))
	binary.BigEndian.PutUint16(id[6:8], uint16(t>>48))
}

// shuffleList shuffles a copy; the list that came in may be a variable.
func shuffleList(c *engine.Call) error {
	items, err := iterable(c.Param("items"))
	if err != nil {
		return err
	}
	shuffled := append([]any{}, items...)
	c.Host().Rand().Shuffle(len(shuffled), func(i, j int) {
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	})
	c.Set("result", shuffled)
	return nil
}

// iterable is list(v): the characters of a text, the keys of an object.
func iterable(v any) ([]any, error) {
	list := []any{}
	switch t := v.(type) {
	case nil:
	case []any:
		return t, nil
	case string:
		for _, r := range t {
			list = append(list, string(r))
		}
	case *value.Map:
		for k := range t.All() {
			list = append(list, k)
		}
	default:
		return nil, engine.Failed("'" + value.TypeName(v) + "' object is not iterable")
	}
	return list, nil
}
