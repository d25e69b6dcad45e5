package pyregex

import (
	"fmt"
	"strings"
)

// SyntaxError says what is wrong with a pattern or a replacement, as Python's
// re.error does.
type SyntaxError struct {
	Message string
}

// Error returns the message.
func (e *SyntaxError) Error() string { return e.Message }

// errorAt words an error at a place; in a text of several lines Python also
// names the line and the column.
func errorAt(src []rune, pos int, format string, args ...any) error {
	text := fmt.Sprintf(format, args...) + fmt.Sprintf(" at position %d", pos)
	all := string(src)
	if strings.Contains(all, "\n") {
		before := string(src[:min(pos, len(src))])
		line := strings.Count(before, "\n") + 1
		column := len([]rune(before[strings.LastIndex(before, "\n")+1:])) + 1
		text += fmt.Sprintf(" (line %d, column %d)", line, column)
	}
	return &SyntaxError{Message: text}
}

// identifier tells whether a group may have this name.
func identifier(name string) bool {
	for i, r := range name {
		letter := r == '_' || isLetter(r)
		if !letter && (i == 0 || !isDigit(r)) {
			return false
		}
	}
	return name != ""
}
