package pyexpr

import (
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

// parser is a Pratt parser over the tokens of one source. A parser made for
// the inside of an f-string carries the depth of the outer one on.
type parser struct {
	lex    *lexer
	tokens []token
	at     int
	depth  int
}

// The binding powers, weakest first. A comparison does not associate: it
// chains.
const (
	powerLowest = iota
	powerOr
	powerAnd
	powerNot
	powerCompare
	powerBitOr
	powerBitXor
	powerBitAnd
	powerShift
	powerSum
	powerProduct
	powerUnary
	powerPower
)

func parse(src string) (node, error) {
	if len(src) > maxSource {
		return nil, fail("SyntaxError", "the expression is longer than %d bytes", maxSource)
	}
	return parseNested(strings.TrimFunc(src, value.IsSpace), 0)
}

// parseNested starts at a depth, so that f-strings inside f-strings share one
// bound.
func parseNested(src string, depth int) (node, error) {
	p := &parser{lex: &lexer{src: src}, depth: depth}
	var err error
	if p.tokens, err = p.lex.all(); err != nil {
		return nil, err
	}
	n, err := p.tupleOrExpression()
	if err != nil {
		return nil, err
	}
	if p.now().kind != tokenEnd {
		return nil, p.unexpected()
	}
	return n, nil
}

func (p *parser) now() token { return p.tokens[p.at] }

func (p *parser) unexpected() error {
	t := p.now()
	switch t.kind {
	case tokenEnd:
		return p.lex.fail(t.at, "the expression ends too early")
	case tokenOp, tokenKeyword, tokenName:
		return p.lex.fail(t.at, "invalid syntax at '%s'", t.text)
	default:
		return p.lex.fail(t.at, "invalid syntax")
	}
}

// is tells whether the next token is this operator or keyword.
func (p *parser) is(text string) bool {
	t := p.now()
	return (t.kind == tokenOp || t.kind == tokenKeyword) && t.text == text
}

func (p *parser) accept(text string) bool {
	if p.is(text) {
		p.at++
		return true
	}
	return false
}

func (p *parser) expect(text string) error {
	if !p.accept(text) {
		return p.unexpected()
	}
	return nil
}

// enter bounds the nesting; every call needs its leave.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxNesting {
		return p.lex.fail(p.now().at, "the expression is nested too deeply")
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// tupleOrExpression reads what may be a tuple without parentheses.
func (p *parser) tupleOrExpression() (node, error) {
	first, err := p.element()
	if err != nil {
		return nil, err
	}
	if !p.is(",") {
		if _, isStar := first.(*star); isStar {
			return nil, p.unexpected()
		}
		return first, nil
	}
	items, err := p.more(first, "")
	if err != nil {
		return nil, err
	}
	return &display{kind: displayTuple, items: items}, nil
}

// more reads the elements behind the first one, up to the closing bracket,
// which it leaves for the caller.
func (p *parser) more(first node, closing string) ([]node, error) {
	items := []node{first}
	for p.accept(",") {
		if p.now().kind == tokenEnd || closing != "" && p.is(closing) {
			break
		}
		n, err := p.element()
		if err != nil {
			return nil, err
		}
		items = append(items, n)
	}
	return items, nil
}

// element is an expression that may be spread with a star.
func (p *parser) element() (node, error) {
	if p.accept("*") {
		inner, err := p.binary(powerBitOr)
		if err != nil {
			return nil, err
		}
		return &star{inner}, nil
	}
	return p.expression()
}

// expression is one expression with conditional and lambda.
func (p *parser) expression() (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if p.accept("lambda") {
		return p.lambda()
	}
	n, err := p.binary(powerOr)
	if err != nil || !p.accept("if") {
		return n, err
	}
	cond, err := p.binary(powerOr)
	if err != nil {
		return nil, err
	}
	if err := p.expect("else"); err != nil {
		return nil, err
	}
	other, err := p.expression()
	if err != nil {
		return nil, err
	}
	return &conditional{cond: cond, yes: n, no: other}, nil
}

func (p *parser) lambda() (node, error) {
	l := &lambdaNode{}
	for !p.is(":") {
		t := p.now()
		if t.kind != tokenName {
			return nil, p.unexpected()
		}
		p.at++
		l.params = append(l.params, t.text)
		if p.accept("=") {
			d, err := p.expression()
			if err != nil {
				return nil, err
			}
			l.defaults = append(l.defaults, d)
		} else if len(l.defaults) > 0 {
			return nil, p.lex.fail(t.at, "non-default argument follows default argument")
		}
		if !p.accept(",") {
			break
		}
	}
	if err := p.expect(":"); err != nil {
		return nil, err
	}
	body, err := p.expression()
	if err != nil {
		return nil, err
	}
	l.body = body
	return l, nil
}

// infix gives the power of the operator at hand, or powerLowest for none.
func (p *parser) infix() (op string, power int) {
	t := p.now()
	if t.kind == tokenKeyword {
		switch t.text {
		case "or":
			return t.text, powerOr
		case "and":
			return t.text, powerAnd
		case "in", "is":
			return t.text, powerCompare
		case "not":
			if next := p.tokens[p.at+1]; next.kind == tokenKeyword && next.text == "in" {
				return "not in", powerCompare
			}
		}
		return "", powerLowest
	}
	if t.kind != tokenOp {
		return "", powerLowest
	}
	switch t.text {
	case "<", "<=", ">", ">=", "==", "!=":
		return t.text, powerCompare
	case "|":
		return t.text, powerBitOr
	case "^":
		return t.text, powerBitXor
	case "&":
		return t.text, powerBitAnd
	case "<<", ">>":
		return t.text, powerShift
	case "+", "-":
		return t.text, powerSum
	case "*", "/", "//", "%":
		return t.text, powerProduct
	case "**":
		return t.text, powerPower
	}
	return "", powerLowest
}

// binary reads an expression whose operators bind at least as tightly as the
// given power.
func (p *parser) binary(least int) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	left, err := p.prefix(least)
	if err != nil {
		return nil, err
	}
	for {
		op, power := p.infix()
		if power == powerLowest || power < least {
			return left, nil
		}
		if power == powerCompare {
			if left, err = p.comparison(left); err != nil {
				return nil, err
			}
			continue
		}
		p.at++
		next := power + 1
		if power == powerPower {
			// The right side of ** may have a sign and associates to the right.
			next = powerUnary
		}
		right, err := p.binary(next)
		if err != nil {
			return nil, err
		}
		if power == powerOr || power == powerAnd {
			left = &logical{or: power == powerOr, left: left, right: right}
		} else {
			left = &binaryNode{op: op, left: left, right: right}
		}
	}
}

// not binds weaker than comparisons, so it cannot stand as the operand of
// anything stronger.
func (p *parser) prefix(least int) (node, error) {
	switch {
	case p.is("not"):
		if least > powerNot {
			return nil, p.unexpected()
		}
		p.at++
		n, err := p.binary(powerNot)
		return &unary{op: "not", operand: n}, err
	case p.is("-"), p.is("+"), p.is("~"):
		op := p.now().text
		p.at++
		n, err := p.binary(powerUnary)
		return &unary{op: op, operand: n}, err
	default:
		return p.postfix()
	}
}

// comparison collects a chain; every operand binds stronger than the operators
// between.
func (p *parser) comparison(first node) (node, error) {
	c := &comparison{operands: []node{first}}
	for {
		op, power := p.infix()
		if power != powerCompare {
			return c, nil
		}
		p.at++
		switch op {
		case "not in":
			p.at++
		case "is":
			if p.accept("not") {
				op = "is not"
			}
		}
		right, err := p.binary(powerCompare + 1)
		if err != nil {
			return nil, err
		}
		c.ops = append(c.ops, op)
		c.operands = append(c.operands, right)
	}
}

// postfix reads an atom with its calls, indices and attributes.
func (p *parser) postfix() (node, error) {
	n, err := p.atom()
	for err == nil {
		switch {
		case p.accept("."):
			t := p.now()
			if t.kind != tokenName {
				return nil, p.unexpected()
			}
			p.at++
			n = &attribute{object: n, name: t.text}
		case p.accept("("):
			n, err = p.call(n)
		case p.accept("["):
			n, err = p.subscript(n)
		default:
			return n, nil
		}
	}
	return nil, err
}

// call reads arguments up to the closing bracket. A lone generator needs no
// brackets of its own.
func (p *parser) call(function node) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	c := &call{function: function}
	for !p.is(")") {
		if name := p.now(); name.kind == tokenName && p.tokens[p.at+1].kind == tokenOp && p.tokens[p.at+1].text == "=" {
			p.at += 2
			v, err := p.expression()
			if err != nil {
				return nil, err
			}
			c.names = append(c.names, name.text)
			c.named = append(c.named, v)
		} else {
			if len(c.names) > 0 {
				return nil, p.lex.fail(name.at, "positional argument follows keyword argument")
			}
			v, err := p.element()
			if err != nil {
				return nil, err
			}
			if p.is("for") {
				if v, err = p.clauses(&comprehension{kind: displayGenerator, item: v}); err != nil {
					return nil, err
				}
				if len(c.args) > 0 || !p.is(")") {
					return nil, p.lex.fail(name.at, "Generator expression must be parenthesized")
				}
			}
			c.args = append(c.args, v)
		}
		if !p.accept(",") {
			break
		}
	}
	return c, p.expect(")")
}

// subscript reads an index or up to three parts of a slice.
func (p *parser) subscript(object node) (node, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	var parts [3]node
	colons := 0
	for !p.is("]") {
		if p.accept(":") {
			if colons++; colons > 2 {
				return nil, p.unexpected()
			}
			continue
		}
		if parts[colons] != nil {
			return nil, p.unexpected()
		}
		read := p.expression
		if colons == 0 {
			read = p.tupleOrExpressionIn
		}
		n, err := read()
		if err != nil {
			return nil, err
		}
		parts[colons] = n
	}
	if err := p.expect("]"); err != nil {
		return nil, err
	}
	switch {
	case colons > 0:
		return &slice{object: object, parts: parts}, nil
	case parts[0] == nil:
		return nil, p.unexpected()
	}
	return &index{object: object, key: parts[0]}, nil
}

// tupleOrExpressionIn is tupleOrExpression before a closing square bracket.
func (p *parser) tupleOrExpressionIn() (node, error) {
	first, err := p.expression()
	if err != nil || !p.is(",") {
		return first, err
	}
	items, err := p.more(first, "]")
	return &display{kind: displayTuple, items: items}, err
}
