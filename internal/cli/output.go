package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/internal/config"
	"go.yaml.in/yaml/v3"
)

// answer writes the result of a command: v itself as JSON or YAML, or what
// show says for people.
func (s *shell) answer(format string, v any, show func() error) error {
	switch format {
	case "json":
		text, err := toJSON(v)
		if err != nil {
			return err
		}
		_, err = s.out.Write(text)
		return err
	case "yaml":
		text, err := toJSON(v)
		if err != nil {
			return err
		}
		return writeYAML(s.out, text)
	}
	return show()
}

// answerOne does something with one thing and shows what came of it.
func answerOne[T any](s *shell, c config.Client, do func(api *client.Client) (T, error), show func(v T) error) error {
	api, err := s.connect(c)
	if err != nil {
		return err
	}
	v, err := do(api)
	if err != nil {
		return err
	}
	return s.answer(c.Output, v, func() error { return show(v) })
}

// piece writes one thing of a stream: a line of JSON, a document of YAML, or what
// show prints.
func (s *shell) piece(format string, v any, show func() error) error {
	if format == "table" {
		return show()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if format == "json" {
		_, err = fmt.Fprintf(s.out, "%s\n", text)
		return err
	}
	fmt.Fprintln(s.out, "---")
	return writeYAML(s.out, text)
}

// toJSON writes an indented document with a line end.
func toJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fmt.Errorf("write the answer: %w", err)
	}
	return b.Bytes(), nil
}

// writeYAML turns JSON into block-style YAML with the keys in their order.
func writeYAML(w io.Writer, text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	node, err := yamlNode(dec)
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	if err := enc.Encode(node); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return enc.Close()
}

// yamlNode reads one JSON value. Going through the tokens keeps the order of
// keys and the digits of numbers.
func yamlNode(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		node := &yaml.Node{Kind: yaml.MappingNode}
		if t == '[' {
			node.Kind = yaml.SequenceNode
		}
		for dec.More() {
			child, err := yamlNode(dec)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		if len(node.Content) == 0 {
			node.Style = yaml.FlowStyle
		}
		_, err := dec.Token() // the closing bracket
		return node, err
	case json.Number:
		tag := "!!int"
		if strings.ContainsAny(t.String(), ".eE") {
			tag = "!!float"
		}
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: t.String()}, nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}, nil
	}
	node := &yaml.Node{}
	return node, node.Encode(token)
}

// table lays out rows for people: a heading, columns two blanks apart, a word
// where there is nothing to show.
type table struct {
	head  []string
	rows  [][]string
	paint bool
	state int // column whose words have colours; -1: none
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write prints the table, or says that it is empty.
func (t *table) write(w io.Writer, empty string) error {
	if len(t.rows) == 0 {
		_, err := fmt.Fprintln(w, empty)
		return err
	}
	widths := make([]int, len(t.head))
	for _, row := range append([][]string{t.head}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	line := func(row []string, code func(i int, cell string) string) {
		for i, cell := range row {
			b.WriteString(colour(t.paint, code(i, cell), cell))
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
			}
		}
		b.WriteByte('\n')
	}
	line(t.head, func(int, string) string { return faint })
	for _, row := range t.rows {
		line(row, func(i int, cell string) string {
			if i == t.state {
				return colourOf(cell)
			}
			return ""
		})
	}
	_, err := io.WriteString(w, stripEmptyCodes(b.String()))
	return err
}

// stripEmptyCodes removes the escapes of cells without a colour.
func stripEmptyCodes(text string) string { return strings.ReplaceAll(text, "\x1b[m", "") }

// card lays out the properties of one thing, one per line.
type card struct {
	rows [][2]string
}

// add keeps a property unless there is nothing to say.
func (c *card) add(name, value string) {
	if value != "" {
		c.rows = append(c.rows, [2]string{name, value})
	}
}

func (c *card) write(w io.Writer, paint bool) error {
	width := 0
	for _, row := range c.rows {
		width = max(width, len(row[0]))
	}
	for _, row := range c.rows {
		value := strings.ReplaceAll(row[1], "\n", "\n"+strings.Repeat(" ", width+2))
		if row[0] == "status" {
			value = colour(paint && colourOf(row[1]) != "", colourOf(row[1]), value)
		}
		label := colour(paint, faint, row[0]) + strings.Repeat(" ", width-len(row[0]))
		if _, err := fmt.Fprintf(w, "%s  %s\n", label, value); err != nil {
			return err
		}
	}
	return nil
}

// ago says how long ago something was, in one unit.
func ago(at, now time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return rough(now.Sub(at)) + " ago"
}

// rough rounds a duration to what people say.
func rough(d time.Duration) string {
	switch {
	case d < time.Second:
		return "0s"
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}

// exact shows a duration with the digits that matter.
func exact(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(10 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// wall shows an instant on the wall clock of this machine.
func wall(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Local().Format("2006-01-02 15:04:05")
}

// dash stands for what is not there.
func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// clip cuts a text to a number of characters, with a mark.
func clip(text string, n int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= n {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(n-1, 0)]) + "…"
}

// stamp is the time of day of a log line.
func stamp(at time.Time) string { return at.Local().Format("15:04:05.000") }
