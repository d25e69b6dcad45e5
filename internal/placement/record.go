package placement

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Record is one round as it was planned. As JSON it can be planned again, on
// any machine and in any year, to the same bytes.
type Record struct {
	View    View    `json:"view"`
	Outcome Outcome `json:"outcome"`
}

// Replay plans the view again. The difference is empty when the answer is, byte
// for byte, the one that was recorded.
func (r *Record) Replay() (difference string, err error) {
	want, err := json.Marshal(r.Outcome)
	if err != nil {
		return "", fmt.Errorf("write the recorded plan: %w", err)
	}
	text, err := json.Marshal(r.View)
	if err != nil {
		return "", fmt.Errorf("write the recorded view: %w", err)
	}
	var v View // as whoever reads the record gets it
	if err := json.Unmarshal(text, &v); err != nil {
		return "", fmt.Errorf("read the recorded view: %w", err)
	}
	got, err := json.Marshal(Plan(v))
	if err != nil {
		return "", fmt.Errorf("write the plan: %w", err)
	}
	if bytes.Equal(want, got) {
		return "", nil
	}
	return fmt.Sprintf("recorded %s\nplanned  %s", want, got), nil
}
