package mailbox

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzMessage reads anything as a message: none panics, and its text is what JSON
// and databases take, and not too much of it.
func FuzzMessage(f *testing.F) {
	for _, raw := range []string{
		"", "\r\n", "Subject: x\r\n\r\nhello\r\n", "Content-Type: text/html\r\n\r\n<b>x</b>",
		"Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\ngr=FC=00n=",
		"Content-Type: text/plain; charset=nonsense\r\nContent-Transfer-Encoding: base64\r\n\r\n////",
		"Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\nin\r\n--b--\r\n--a\r\n" +
			"Content-Disposition: attachment; filename=x\r\n\r\nout\r\n--a--",
		strings.Repeat("Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n", 50),
		strings.Repeat("X", 5000) + ": y\r\n\r\nz", "\xff\xfe\r\n\r\n\xff",
	} {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		out := text(raw)
		if !utf8.ValidString(out) || strings.ContainsRune(out, 0) || len(out) > maxText {
			t.Errorf("%q is %q", raw, out)
		}
	})
}
