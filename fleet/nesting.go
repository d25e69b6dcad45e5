package fleet

// MaxNesting bounds how deep the objects and lists of a value may go that
// travels inside a frame of the robot channel: two less than a frame may have.
const MaxNesting = 62

// Nesting is how deep the objects and lists of a JSON text go. Whether the
// text is JSON at all is for its reader to say.
func Nesting(text []byte) (deepest int) {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			deepest = max(deepest, depth)
		case c == '}' || c == ']':
			depth--
		}
	}
	return deepest
}
