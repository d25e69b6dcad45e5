package process

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// encodeBase64 turns text into Base64 or back.
func encodeBase64(_ context.Context, c *engine.Call) (engine.Result, error) {
	text := c.Text("input_text")
	if text == "" {
		return engine.Result{}, engine.Fail("ValueError", "Input text is required")
	}
	switch action := c.Text("action"); action {
	case "", "encode":
		c.Set("output", base64.StdEncoding.EncodeToString([]byte(text)))
	case "decode":
		data, err := decodeBase64(text)
		if err != nil || !utf8.Valid(data) {
			return engine.Result{}, engine.Fail("ValueError", "Invalid base64 text")
		}
		c.Set("output", string(data))
	default:
		return engine.Result{}, engine.Fail("ValueError", "Unknown action: %s", action)
	}
	return engine.Continue(), nil
}

// decodeBase64 also takes the alphabet of URLs, white space between the
// letters, and missing padding.
func decodeBase64(text string) ([]byte, error) {
	text = strings.Map(func(r rune) rune {
		switch {
		case value.IsSpace(r), r == '=':
			return -1
		case r == '-':
			return '+'
		case r == '_':
			return '/'
		}
		return r
	}, text)
	return base64.RawStdEncoding.DecodeString(text)
}

// makeUUIDs gives one or more identifiers.
func makeUUIDs(_ context.Context, c *engine.Call) (engine.Result, error) {
	count, err := c.Int("count", 1)
	if err != nil {
		return engine.Result{}, err
	}
	version := strings.TrimSpace(c.Text("uuid_version"))
	if version != "" && version != "1" && version != "4" {
		return engine.Result{}, engine.Fail("ValueError", "Unsupported uuid_version: %s", version)
	}
	now := c.Host().Now()
	all := make([]any, min(max(count, 1), 100))
	for i := range all {
		if version == "1" {
			all[i] = timeUUID(now.Add(time.Duration(i) * 100))
		} else {
			all[i] = randomUUID()
		}
	}
	c.Set("uuid", all[0])
	c.Set("uuids", all)
	return engine.Continue(), nil
}

func randomUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails; the program would have ended before
	return formatUUID(b, 4)
}

// gregorian is the number of 100 ns from the start of the calendar that
// version 1 counts by to the start of Unix time.
const gregorian = 0x01b21dd213814000

// timeUUID is version 1. A random multicast address stands for the machine, as
// RFC 9562 allows, so the identifier does not tell where it was made.
func timeUUID(at time.Time) string {
	var b [16]byte
	_, _ = rand.Read(b[8:])
	t := uint64(at.UnixNano()/100) + gregorian
	binary.BigEndian.PutUint32(b[0:], uint32(t))
	binary.BigEndian.PutUint16(b[4:], uint16(t>>32))
	binary.BigEndian.PutUint16(b[6:], uint16(t>>48))
	b[10] |= 1
	return formatUUID(b, 1)
}

func formatUUID(b [16]byte, version byte) string {
	b[6] = b[6]&0x0f | version<<4
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// assert checks a condition and fails the flow when it does not hold, unless
// the author only wants to know.
func assert(_ context.Context, c *engine.Call) (engine.Result, error) {
	condition := c.Param("condition")
	if condition == nil {
		if condition = c.Param("value"); condition == nil {
			return engine.Result{}, engine.Fail("ValueError", "condition is required")
		}
	}
	passed := holds(condition)
	message := "Assertion passed"
	if !passed {
		if message = c.Text("assert_message"); message == "" {
			message = "Assertion failed"
		}
	}
	c.Set("passed", passed)
	c.Set("message", message)
	if !passed && c.Flag("fail_on_false", true) {
		return engine.Result{}, engine.Fail("AssertionError", "%s", message)
	}
	return engine.Continue(), nil
}

// holds decides a condition: the words true and false, a comparison, or else
// whether there is anything at all.
func holds(condition any) bool {
	text, ok := condition.(string)
	if !ok {
		return value.Truthy(condition)
	}
	text = strings.TrimSpace(text)
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	for _, op := range []string{">=", "<=", "!=", "==", ">", "<"} {
		if left, right, ok := strings.Cut(text, op); ok {
			return compare(strings.TrimSpace(left), op, strings.TrimSpace(right))
		}
	}
	return text != ""
}

// compare takes both sides as numbers if both are, else as texts without their
// quotes.
func compare(left, op, right string) bool {
	a, errA := value.ToFloat(left)
	b, errB := value.ToFloat(right)
	var l, r any = a, b
	if errA != nil || errB != nil {
		l, r = strings.Trim(left, `'"`), strings.Trim(right, `'"`)
	}
	switch op {
	case "==":
		return value.Equal(l, r)
	case "!=":
		return !value.Equal(l, r)
	}
	ok, err := value.Order(op, l, r)
	return ok && err == nil
}

// logToFile adds lines to a log file of the job.
func logToFile(_ context.Context, c *engine.Call) (engine.Result, error) {
	name := c.Text("log_file_path")
	if name == "" {
		return engine.Result{}, engine.Fail("ValueError", "log_file_path is required")
	}
	level := strings.ToUpper(c.Text("level"))
	if level == "" {
		level = "INFO"
	}
	prefix := "[" + level + "] "
	if c.Flag("add_timestamp", true) {
		prefix = c.Host().Now().Format("[2006-01-02 15:04:05] ") + prefix
	}
	message := c.Text("log_message")
	lines := value.SplitLines(message, false)
	if len(lines) == 0 {
		lines = []string{""}
	}
	var b strings.Builder
	for _, line := range lines {
		b.WriteString(prefix + line + "\n")
	}
	mode := engine.Append
	if !c.Flag("append", true) {
		mode = engine.Truncate
	}
	if _, err := store(c.Host().Files(), name, mode, []byte(b.String())); err != nil {
		return engine.Result{}, err
	}
	c.Set("lines_written", int64(len(lines)))
	return engine.Continue(), nil
}
