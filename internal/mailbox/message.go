package mailbox

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
	_ "github.com/emersion/go-message/charset" // texts of other encodings than UTF-8
	"github.com/emersion/go-message/mail"

	"github.com/casarerpa/fleet/fleet"
)

// message fetches one; ok is false if it is gone.
func (s *session) message(uid imap.UID) (out fleet.MailMessage, ok bool, err error) {
	body := &imap.FetchItemBodySection{Peek: true, Partial: &imap.SectionPartial{Size: maxBody}}
	about := &imap.FetchOptions{UID: true, Envelope: true, InternalDate: true, RFC822Size: true}
	all := *about
	all.BodyStructure, all.BodySection = &imap.FetchItemBodyStructure{Extended: true}, []*imap.FetchItemBodySection{body}
	list, err := s.client.Fetch(imap.UIDSetNum(uid), &all).Collect()
	if _, said := errors.AsType[*imap.Error](err); said { // its server does not understand it, and may not stop the ones behind
		list, err = s.client.Fetch(imap.UIDSetNum(uid), about).Collect()
	}
	if err != nil || len(list) == 0 {
		return out, false, err
	}
	m := list[0]
	out = fleet.MailMessage{
		UID: uint32(uid), Validity: s.box.UIDValidity, Received: m.InternalDate.UTC(), Size: m.RFC822Size,
		To: []string{}, Cc: []string{}, Attachments: []fleet.MailAttachment{}, Text: text(m.FindBodySection(body)),
	}
	addressed(&out, m.Envelope)
	if m.BodyStructure != nil {
		m.BodyStructure.Walk(func(_ []int, part imap.BodyStructure) bool {
			if one, ok := part.(*imap.BodyStructureSinglePart); ok && one.Filename() != "" && len(out.Attachments) < maxParts {
				out.Attachments = append(out.Attachments, fleet.MailAttachment{Name: clean(one.Filename()), Type: clean(one.MediaType()), Size: int64(one.Size)})
			}
			return true
		})
	}
	return out, true, nil
}

// addressed fills in what is on the envelope of a message, which may have none.
func addressed(m *fleet.MailMessage, e *imap.Envelope) {
	if e == nil {
		return
	}
	m.MessageID, m.Date, m.Subject = clean(e.MessageID), e.Date.UTC(), clean(e.Subject)
	m.To, m.Cc = addresses(e.To), addresses(e.Cc)
	if len(e.From) > 0 {
		m.From, m.FromName = clean(e.From[0].Addr()), clean(e.From[0].Name)
	}
	if len(e.ReplyTo) > 0 {
		m.ReplyTo = clean(e.ReplyTo[0].Addr())
	}
}

// The bounds of what is told of one message.
const (
	maxParts = 100
	maxField = 2000 // bytes
)

func addresses(list []imap.Address) []string {
	out := make([]string, 0, min(len(list), maxParts))
	for _, a := range list[:min(len(list), maxParts)] {
		if addr := a.Addr(); addr != "" {
			out = append(out, clean(addr))
		}
	}
	return out
}

// clean is a field as JSON and databases take it.
func clean(s string) string { return cut(s, maxField) }

func cut(s string, n int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// text is the plain text of a message, or of as much of it as was read. A message
// that cannot be understood has none.
func text(raw []byte) string {
	r, err := mail.CreateReader(bytes.NewReader(raw))
	if r == nil {
		return ""
	}
	defer r.Close()
	for range maxParts {
		var part *mail.Part
		if part, err = r.NextPart(); part == nil {
			break
		}
		h, inline := part.Header.(*mail.InlineHeader)
		if !inline {
			continue
		}
		if kind, _, _ := h.ContentType(); kind != "" && kind != "text/plain" {
			continue
		}
		body, _ := io.ReadAll(io.LimitReader(part.Body, maxText)) // of one that was cut, what there is
		return cut(string(body), maxText)
	}
	_ = err // nothing of it is plain text
	return ""
}
