package mailbox

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// maxSame bounds the marks of one second. Of a second with more messages, which
// only an import brings about, the first so many are told apart.
const maxSame = 500

// came is a place after one more message was dealt with.
func came(p fleet.MailPlace, at time.Time, mark string) fleet.MailPlace {
	switch {
	case at.After(p.At):
		p.At, p.Same = at, mark
	case at.Equal(p.At) && !marked(p, mark) && strings.Count(p.Same, ",")+1 < maxSame:
		p.Same = strings.TrimPrefix(p.Same+","+mark, ",")
	}
	return p
}

// marked says whether a message of the second of a place was dealt with. Of a
// place without marks, which an older version wrote, all of them were.
func marked(p fleet.MailPlace, mark string) bool {
	list := strings.Split(p.Same, ",")
	return p.Same == "" || len(list) >= maxSame || slices.Contains(list, mark)
}

// markOf is what stays the same of a message when its number changes.
func markOf(m *fleet.MailMessage) string {
	text := m.MessageID
	if text == "" {
		text = strings.Join([]string{m.From, m.Subject, m.Date.String()}, "\n")
	}
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}
