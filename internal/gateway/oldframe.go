package gateway

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"maps"
	"math"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The frames of the original: one dialect has its fields at the top, the other
// inside payload. What comes in is read from both places, what goes out stands in
// both.

// oldMessage is a frame of a robot of the original.
type oldMessage struct {
	kind   string
	id     string
	flat   bool // it has no payload
	fields map[string]json.RawMessage
}

// readOld reads a frame; nil if it is none. A field that is in both places counts
// as in payload.
func readOld(data []byte) *oldMessage {
	top := map[string]json.RawMessage{}
	if json.Unmarshal(data, &top) != nil {
		return nil
	}
	m := &oldMessage{flat: true, fields: top}
	inner := map[string]json.RawMessage{}
	if p := bytes.TrimSpace(top["payload"]); len(p) > 0 && p[0] == '{' && json.Unmarshal(p, &inner) == nil {
		m.flat = false
	}
	m.kind, m.id = m.text("type"), m.text("id")
	maps.Copy(top, inner)
	return m
}

// get reads the first of some fields that is there and is not null.
func (m *oldMessage) get(names ...string) json.RawMessage {
	for _, n := range names {
		if v := m.fields[n]; len(v) > 0 && string(v) != "null" {
			return v
		}
	}
	return nil
}

// text reads a text; anything else that is there is written as JSON.
func (m *oldMessage) text(names ...string) string {
	v := m.get(names...)
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	return string(v)
}

func (m *oldMessage) number(names ...string) float64 {
	var n float64
	if json.Unmarshal(m.get(names...), &n) != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return 0
	}
	return n
}

func (m *oldMessage) truth(name string) bool {
	v := string(m.get(name))
	return v != "" && v != "false" && v != "0" && v != `""` && v != "[]" && v != "{}"
}

// texts reads a list of texts; ok says that there is a list.
func (m *oldMessage) texts(names ...string) (list []string, ok bool) {
	for _, n := range names {
		var some []any
		if json.Unmarshal(m.get(n), &some) != nil || some == nil {
			continue
		}
		for _, v := range some {
			if s, isText := v.(string); isText {
				list = append(list, s)
			}
		}
		return list, true
	}
	return nil, false
}

// object reads a field as an object with the same ways to read it.
func (m *oldMessage) object(name string) (*oldMessage, bool) {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(m.get(name), &fields) != nil || m.get(name) == nil {
		return &oldMessage{fields: map[string]json.RawMessage{}}, false
	}
	return &oldMessage{fields: fields}, true
}

// moment reads a time; one without a zone is UTC, and none is now.
func (m *oldMessage) moment(name string, now time.Time) time.Time {
	text := m.text(name)
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(form, text); err == nil {
			return t
		}
	}
	return now
}

// encodeOld writes a frame: every field at the top and again in payload.
func encodeOld(kind, answers string, now time.Time, fields map[string]any) []byte {
	var id [16]byte
	_, _ = rand.Read(id[:]) // crypto/rand never fails
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	h := hex.EncodeToString(id[:])
	frame := maps.Clone(fields)
	frame["type"], frame["payload"] = kind, fields
	frame["id"] = strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
	frame["timestamp"] = now.UTC().Truncate(time.Microsecond).Format("2006-01-02T15:04:05.999999Z07:00")
	frame["correlation_id"] = nil
	if answers != "" {
		frame["correlation_id"] = answers
	}
	data, err := json.Marshal(frame)
	if err != nil { // a part that was no JSON: a document and inputs were checked when they came
		return []byte(`{"type":"error","message":"a frame could not be written"}`)
	}
	return data
}

// capabilityWords are those that the original knows.
var capabilityWords = map[string]bool{
	"browser": true, "desktop": true, "gpu": true, "high_memory": true, "secure": true, "cloud": true, "on_premise": true,
}

// oldCapabilities reads what a registration says that the robot can: a list, an
// object with types, flags, or readings; and the tags that are words for it.
func oldCapabilities(m *oldMessage, tags []string) (out []string) {
	list, isList := m.texts("capabilities")
	out = append(out, list...)
	c, isObject := m.object("capabilities")
	if !isList && isObject {
		types, _ := c.texts("types")
		out = append(out, types...)
		for name := range c.fields {
			if capabilityWords[name] && c.truth(name) {
				out = append(out, name)
			}
		}
		if c.truth("desktop_supported") {
			out = append(out, "desktop")
		}
		if c.truth("browser_types") {
			out = append(out, "browser")
		}
		if c.number("memory_mb") >= 16_384 {
			out = append(out, "high_memory")
		}
	}
	for _, t := range tags {
		if capabilityWords[strings.ToLower(t)] {
			out = append(out, t)
		}
	}
	kept := out[:0]
	for _, w := range out {
		if _, err := fleet.NewCapabilities(w); err == nil {
			kept = append(kept, w)
		}
	}
	return kept
}
