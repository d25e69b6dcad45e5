package pyexpr

import "strings"

// atom reads what has no operator: names, literals and displays.
func (p *parser) atom() (node, error) {
	t := p.now()
	switch t.kind {
	case tokenNumber:
		p.at++
		return &literal{t.val}, nil
	case tokenString, tokenFString:
		return p.strings()
	case tokenName:
		p.at++
		return &name{t.text}, nil
	case tokenKeyword:
		switch t.text {
		case "True", "False":
			p.at++
			return &literal{t.text == "True"}, nil
		case "None":
			p.at++
			return &literal{nil}, nil
		}
	case tokenOp:
		switch t.text {
		case "(", "[", "{":
			if err := p.enter(); err != nil {
				return nil, err
			}
			defer p.leave()
			p.at++
			switch t.text {
			case "(":
				return p.parenthesis()
			case "[":
				return p.list()
			default:
				return p.braces()
			}
		}
	case tokenEnd:
	}
	return nil, p.unexpected()
}

func (p *parser) parenthesis() (node, error) {
	if p.accept(")") {
		return &display{kind: displayTuple}, nil
	}
	first, err := p.element()
	if err != nil {
		return nil, err
	}
	_, isStar := first.(*star)
	switch {
	case p.is("for"):
		n, err := p.clauses(&comprehension{kind: displayGenerator, item: first})
		if err != nil {
			return nil, err
		}
		return n, p.expect(")")
	case p.is(",") || isStar:
		if isStar && !p.is(",") {
			return nil, p.unexpected()
		}
		items, err := p.more(first, ")")
		if err != nil {
			return nil, err
		}
		return &display{kind: displayTuple, items: items}, p.expect(")")
	default:
		return first, p.expect(")")
	}
}

func (p *parser) list() (node, error) {
	if p.accept("]") {
		return &display{kind: displayList}, nil
	}
	first, err := p.element()
	if err != nil {
		return nil, err
	}
	if p.is("for") {
		n, err := p.clauses(&comprehension{kind: displayList, item: first})
		if err != nil {
			return nil, err
		}
		return n, p.expect("]")
	}
	items, err := p.more(first, "]")
	if err != nil {
		return nil, err
	}
	return &display{kind: displayList, items: items}, p.expect("]")
}

// braces reads a dict or a set; what follows the first element decides.
func (p *parser) braces() (node, error) {
	if p.accept("}") {
		return &display{kind: displayDict}, nil
	}
	if p.is("**") {
		return p.dict(nil)
	}
	first, err := p.element()
	if err != nil {
		return nil, err
	}
	switch {
	case p.is(":"):
		return p.dict(first)
	case p.is("for"):
		n, err := p.clauses(&comprehension{kind: displaySet, item: first})
		if err != nil {
			return nil, err
		}
		return n, p.expect("}")
	}
	items, err := p.more(first, "}")
	if err != nil {
		return nil, err
	}
	return &display{kind: displaySet, items: items}, p.expect("}")
}

// dict reads a dict whose first key, if any, has been read.
func (p *parser) dict(key node) (node, error) {
	d := &display{kind: displayDict}
	for !p.is("}") {
		if key == nil && p.accept("**") {
			spread, err := p.binary(powerBitOr)
			if err != nil {
				return nil, err
			}
			d.keys, d.items = append(d.keys, nil), append(d.items, spread)
		} else {
			var err error
			if key == nil {
				if key, err = p.expression(); err != nil {
					return nil, err
				}
			}
			if err = p.expect(":"); err != nil {
				return nil, err
			}
			val, err := p.expression()
			if err != nil {
				return nil, err
			}
			if p.is("for") && len(d.items) == 0 {
				n, err := p.clauses(&comprehension{kind: displayDict, key: key, item: val})
				if err != nil {
					return nil, err
				}
				return n, p.expect("}")
			}
			d.keys, d.items = append(d.keys, key), append(d.items, val)
			key = nil
		}
		if !p.accept(",") {
			break
		}
	}
	return d, p.expect("}")
}

// clauses reads the for and if parts of a comprehension.
func (p *parser) clauses(c *comprehension) (node, error) {
	if _, isStar := c.item.(*star); isStar {
		return nil, p.lex.fail(p.now().at, "iterable unpacking cannot be used in comprehension")
	}
	for {
		switch {
		case p.accept("for"):
			target, err := p.target()
			if err != nil {
				return nil, err
			}
			if err := p.expect("in"); err != nil {
				return nil, err
			}
			source, err := p.binary(powerOr)
			if err != nil {
				return nil, err
			}
			c.clauses = append(c.clauses, clause{target: target, source: source})
		case p.accept("if"):
			cond, err := p.binary(powerOr)
			if err != nil {
				return nil, err
			}
			last := &c.clauses[len(c.clauses)-1]
			last.conditions = append(last.conditions, cond)
		default:
			return c, nil
		}
	}
}

// target reads the names behind for: one, or several that unpack.
func (p *parser) target() (target, error) {
	first, err := p.oneTarget()
	if err != nil || !p.is(",") {
		return first, err
	}
	all := []target{first}
	for p.accept(",") {
		if p.is("in") || p.is(")") {
			break
		}
		next, err := p.oneTarget()
		if err != nil {
			return target{}, err
		}
		all = append(all, next)
	}
	return target{parts: all}, nil
}

func (p *parser) oneTarget() (target, error) {
	if err := p.enter(); err != nil {
		return target{}, err
	}
	defer p.leave()
	if p.accept("(") {
		t, err := p.target()
		if err != nil {
			return t, err
		}
		return t, p.expect(")")
	}
	t := p.now()
	if t.kind != tokenName {
		return target{}, p.unexpected()
	}
	p.at++
	return target{name: t.text}, nil
}

// strings reads adjacent literals, which make one text.
func (p *parser) strings() (node, error) {
	var parts []node
	for {
		t := p.now()
		if t.kind != tokenString && t.kind != tokenFString {
			break
		}
		var part node = &literal{t.val}
		if t.kind == tokenFString {
			var err error
			if part, err = p.fstring(t, t.text, false); err != nil {
				return nil, err
			}
		}
		parts = append(parts, part)
		p.at++
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	joined := &joined{}
	binary := false
	for _, part := range parts {
		if lit, ok := part.(*literal); ok {
			if _, isBytes := lit.val.([]byte); isBytes {
				binary = true
			}
		}
		joined.parts = append(joined.parts, part)
	}
	if binary {
		return nil, p.lex.fail(p.now().at, "bytes literals cannot be put side by side")
	}
	return joined, nil
}

// fstring reads the inside of an f-string, or of a format specification in
// one, where doubled braces have no meaning.
func (p *parser) fstring(t token, text string, spec bool) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	j := &joined{}
	var plain strings.Builder
	flush := func() bool {
		s, ok := plain.String(), true
		plain.Reset()
		if !t.raw {
			s, ok = unescape(s, false)
		}
		if s != "" {
			j.parts = append(j.parts, &literal{s})
		}
		return ok
	}
	for text != "" {
		c := text[0]
		switch {
		case c != '{' && c != '}':
			end := strings.IndexAny(text, "{}")
			if end < 0 {
				end = len(text)
			}
			plain.WriteString(text[:end])
			text = text[end:]
			continue
		case !spec && len(text) > 1 && text[1] == c:
			plain.WriteByte(c)
			text = text[2:]
			continue
		case c == '}':
			return nil, p.lex.fail(t.at, "f-string: single '}' is not allowed")
		}
		if !flush() {
			return nil, p.lex.fail(t.at, "invalid escape in string literal")
		}
		field, rest, err := p.fstringField(t, text[1:])
		if err != nil {
			return nil, err
		}
		if field.source != "" {
			j.parts = append(j.parts, &literal{field.source})
		}
		j.parts = append(j.parts, field)
		text = rest
	}
	if !flush() {
		return nil, p.lex.fail(t.at, "invalid escape in string literal")
	}
	return j, nil
}

// fstringField reads the field behind an opening brace.
func (p *parser) fstringField(t token, text string) (*formatted, string, error) {
	end := fieldEnd(text)
	if end < 0 {
		return nil, "", p.lex.fail(t.at, "f-string: expecting '}'")
	}
	f := &formatted{}
	src, mark := text[:end], text[end]
	text = text[end+1:]
	if trimmed := strings.TrimRight(src, " "); strings.HasSuffix(trimmed, "=") {
		// f"{x=}" shows its own source.
		f.source, src = src, strings.TrimSuffix(trimmed, "=")
		f.conversion = 'r'
	}
	if strings.TrimSpace(src) == "" {
		return nil, "", p.lex.fail(t.at, "f-string: empty expression not allowed")
	}
	var err error
	if f.operand, err = parseNested(strings.TrimSpace(src), p.depth); err != nil {
		return nil, "", err
	}
	if mark == '!' {
		if len(text) < 2 || strings.IndexByte("sra", text[0]) < 0 || text[1] != ':' && text[1] != '}' {
			return nil, "", p.lex.fail(t.at, "f-string: invalid conversion character")
		}
		f.conversion, mark, text = text[0], text[1], text[2:]
	}
	if mark == '}' {
		return f, text, nil
	}
	open := 0
	for i := range len(text) {
		switch text[i] {
		case '{':
			open++
		case '}':
			if open--; open >= 0 {
				continue
			}
			if f.spec, err = p.fstring(t, text[:i], true); err != nil {
				return nil, "", err
			}
			if f.source != "" && f.conversion == 'r' {
				f.conversion = 0
			}
			return f, text[i+1:], nil
		}
	}
	return nil, "", p.lex.fail(t.at, "f-string: expecting '}'")
}

// fieldEnd finds the brace, colon or exclamation mark that ends the expression
// of a field; those inside brackets, texts and comparisons do not.
func fieldEnd(text string) int {
	open := 0
	var quote byte
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case c == '(' || c == '[' || c == '{':
			open++
		case open > 0 && (c == ')' || c == ']' || c == '}'):
			open--
		case open > 0:
		case c == '!' && i+1 < len(text) && text[i+1] == '=':
			i++
		case c == '}' || c == ':' || c == '!':
			return i
		}
	}
	return -1
}
