package fleet

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Found is a thing that a search has found, by the beginning of its name or its id.
type Found struct {
	Kind FoundKind `json:"kind"`
	ID   string    `json:"id"`
	Name string    `json:"name"`
	// State of a job.
	State State `json:"status,omitempty"`
}

// FoundKind is what a search has found.
type FoundKind string

// The kinds.
const (
	FoundRobot    FoundKind = "robot"
	FoundWorkflow FoundKind = "workflow"
	FoundJob      FoundKind = "job"
	FoundSchedule FoundKind = "schedule"
	FoundQueue    FoundKind = "queue"
)

// FoundKinds lists them, in the order of an answer.
func FoundKinds() []FoundKind {
	return []FoundKind{FoundRobot, FoundWorkflow, FoundJob, FoundSchedule, FoundQueue}
}

// The bounds of a search.
const (
	MaxSearchText = 100 // characters
	MaxSearchHits = 20  // of each kind
	SearchHits    = 8   // unless said otherwise
)

// Permission is what somebody needs to see a thing of a kind.
func (k FoundKind) Permission() Permission {
	switch k {
	case FoundRobot:
		return RobotsRead
	case FoundWorkflow:
		return WorkflowsRead
	case FoundSchedule:
		return SchedulesRead
	case FoundQueue:
		return QueuesRead
	case FoundJob:
	}
	return JobsRead
}

// SearchText is what is searched for, or a fault.
func SearchText(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || utf8.RuneCountInString(text) > MaxSearchText || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", Invalid("q", "q is the beginning of a name or an id, 1 to %d characters.", MaxSearchText)
	}
	return text, nil
}

// SearchForms are the ways in which a name may begin that somebody means by a
// text: as it is written, in small letters, in capitals, and with one.
func SearchForms(text string) (out []string) {
	small := strings.ToLower(text)
	first, size := utf8.DecodeRuneInString(small)
	for _, form := range []string{text, small, string(unicode.ToUpper(first)) + small[size:], strings.ToUpper(text)} {
		if !slices.Contains(out, form) {
			out = append(out, form)
		}
	}
	return out
}
