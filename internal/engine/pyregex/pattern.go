package pyregex

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// What one search may use before it fails.
const (
	matchTime  = 10 * time.Second
	backtracks = 1 << 22 // slots of 8 bytes
)

// Flags are the flags of re.compile that nodes offer.
type Flags uint8

// The flags, to be combined.
const (
	IgnoreCase Flags = 1 << iota
	Multiline
	DotAll
)

// Pattern is a compiled expression.
type Pattern struct {
	source   string
	written  string
	options  regexp2.RegexOptions
	re       *regexp2.Regexp
	names    map[string]int
	groups   int
	nonEmpty func() (*regexp2.Regexp, error)
}

// Compile reads a pattern. The error is a *[SyntaxError] in Python's words.
func Compile(pattern string, flags Flags) (*Pattern, error) {
	t, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	p := &Pattern{source: pattern, written: string(t.out), names: t.names, groups: t.count}
	flags |= t.global
	for flag, option := range map[Flags]regexp2.RegexOptions{
		IgnoreCase: regexp2.IgnoreCase, Multiline: regexp2.Multiline, DotAll: regexp2.Singleline,
	} {
		if flags&flag != 0 {
			p.options |= option
		}
	}
	if p.re, err = p.compile(p.written); err != nil {
		return nil, err
	}
	// Needed only after an empty match, which most searches never have.
	p.nonEmpty = sync.OnceValues(func() (*regexp2.Regexp, error) {
		return p.compile("(?:" + p.written + `)(?!\G)`)
	})
	return p, nil
}

func (p *Pattern) compile(written string) (*regexp2.Regexp, error) {
	re, err := regexp2.Compile(written, p.options,
		regexp2.OptionMaintainCaptureOrder(), regexp2.OptionMaxBacktrackingStackSize(backtracks))
	if err != nil {
		return nil, &SyntaxError{Message: fmt.Sprintf("pattern %q cannot be used: %s", p.source, err)}
	}
	re.MatchTimeout = matchTime
	return re, nil
}

// Groups is the number of capturing groups.
func (p *Pattern) Groups() int { return p.groups }

// Match is one place where a pattern fits.
type Match struct {
	text  []rune
	spans [][2]int // start and end by group; -1 when the group took no part
}

// Start is where the match begins, in characters.
func (m *Match) Start() int { return m.spans[0][0] }

// End is where the match ends, in characters.
func (m *Match) End() int { return m.spans[0][1] }

// Text is all that was matched.
func (m *Match) Text() string { text, _ := m.Group(0); return text }

// Group returns the text of a group and whether the group took part.
func (m *Match) Group(i int) (string, bool) {
	if i < 0 || i >= len(m.spans) || m.spans[i][0] < 0 {
		return "", false
	}
	return string(m.text[m.spans[i][0]:m.spans[i][1]]), true
}

// Groups returns the texts of all groups but the whole, nil for those that
// took no part.
func (m *Match) Groups() []any {
	list := make([]any, 0, len(m.spans)-1)
	for i := 1; i < len(m.spans); i++ {
		if text, ok := m.Group(i); ok {
			list = append(list, text)
		} else {
			list = append(list, nil)
		}
	}
	return list
}

// Search returns the first match, or nil.
func (p *Pattern) Search(text string) (*Match, error) {
	found, err := p.FindAll(text, 1)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// Prefix returns the match at the very start of text, or nil, as re.match does.
func (p *Pattern) Prefix(text string) (*Match, error) {
	re, err := p.compile(`\G(?:` + p.written + `)`)
	if err != nil {
		return nil, err
	}
	runes := []rune(text)
	m, err := re.FindRunesMatchStartingAt(runes, 0)
	if err != nil || m == nil {
		return nil, searchError(err)
	}
	return p.match(runes, m), nil
}

// FindAll returns the matches in order, at most limit of them if it is not 0.
func (p *Pattern) FindAll(text string, limit int) ([]*Match, error) {
	var found []*Match
	runes := []rune(text)
	began := time.Now()
	// After an empty match the next one may begin at the same place but must
	// not be empty there, which the second form of the pattern sees to.
	for pos, re := 0, p.re; pos <= len(runes); {
		m, err := re.FindRunesMatchStartingAt(runes, pos)
		if err != nil {
			return nil, searchError(err)
		}
		if m == nil {
			break
		}
		found = append(found, p.match(runes, m))
		if limit > 0 && len(found) >= limit {
			break
		}
		pos, re = m.RuneIndex+m.RuneLength, p.re
		if m.RuneLength == 0 {
			if re, err = p.nonEmpty(); err != nil {
				return nil, err
			}
		}
		if time.Since(began) > matchTime {
			return nil, errTooSlow
		}
	}
	return found, nil
}

func (p *Pattern) match(runes []rune, m *regexp2.Match) *Match {
	found := &Match{text: runes, spans: make([][2]int, p.groups+1)}
	for i := range found.spans {
		found.spans[i] = [2]int{-1, -1}
		if g := m.GroupByNumber(i); g != nil && len(g.Captures) > 0 {
			found.spans[i] = [2]int{g.RuneIndex, g.RuneIndex + g.RuneLength}
		}
	}
	return found
}

var (
	errTooSlow = fmt.Errorf("the regular expression took longer than %s on this text", matchTime)
	errTooDeep = errors.New("the regular expression needs too much memory on this text")
)

// searchError words what stopped a search; the engine has no other errors than
// its two limits.
func searchError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, regexp2.ErrBacktrackingStackLimit):
		return errTooDeep
	default:
		return errTooSlow
	}
}
