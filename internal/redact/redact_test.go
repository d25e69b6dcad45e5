package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	r := New("hunter22", "two words/and?more", "pässwörd😀", "short")
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"nothing here", "nothing here"},
		{"pw=hunter22;", "pw=***;"},
		{"hunter22hunter22", "******"},
		{"short stays", "short stays"},
		{"hunter2", "hunter2"},
		{"hex " + hex.EncodeToString([]byte("hunter22")), "hex ***"},
		{"HEX " + strings.ToUpper(hex.EncodeToString([]byte("hunter22"))), "HEX ***"},
		{"?q=" + url.QueryEscape("two words/and?more"), "?q=***"},
		{"/p/" + url.PathEscape("two words/and?more"), "/p/***"},
		{"low two%20words%2fand%3fmore", "low ***"},
		{`{"p":"p\u00e4ssw\u00f6rd\ud83d\ude00"}`, `{"p":"***"}`},
	} {
		if got := r.Text(c.in); got != c.want {
			t.Errorf("Text(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

// TestAlignment: a secret inside a longer base64 text starts at any of three places.
func TestAlignment(t *testing.T) {
	const secret = "s3cr3t-value"
	r := New(secret)
	for _, before := range []string{"", "a", "ab", "abc", "user:", "someone:"} {
		for _, after := range []string{"", "!", "!!", "!!!"} {
			for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding} {
				text := enc.EncodeToString([]byte(before + secret + after))
				got := r.Text(text)
				if !strings.Contains(got, Mask) {
					t.Errorf("%q + secret + %q survived as %s", before, after, got)
				}
				// What is left must not decode to the secret or most of it.
				if len(strings.ReplaceAll(got, Mask, ""))*6 > (len(before)+len(after)+3)*8+24 {
					t.Errorf("%q + secret + %q: too much left: %s", before, after, got)
				}
			}
		}
	}
}

func TestLines(t *testing.T) {
	key := "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG\nx\n-----END KEY-----\n"
	r := New(key)
	if got := r.Text("line: MIIEvQIBADANBgkqhkiG"); got != "line: ***" {
		t.Errorf("one line of a key: %q", got)
	}
	if got := r.Text("x marks"); got != "x marks" {
		t.Errorf("a tiny line must not be a secret: %q", got)
	}
	quoted, err := json.Marshal(map[string]string{"key": key})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Text(string(quoted)); got != `{"key":"***"}` {
		t.Errorf("key in JSON: %s", got)
	}
}

func TestOverlap(t *testing.T) {
	r := New("abcdef", "defghi", "aaaaaa")
	for in, want := range map[string]string{
		"xabcdefghiy":  "x***y",
		"xabcdefy":     "x***y",
		"aaaaaaaaaaaa": "***",
	} {
		if got := r.Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := stream(t, r, in, 1); got != want {
			t.Errorf("%q byte by byte: %q, want %q", in, got, want)
		}
	}
}

// stream writes in pieces of size and returns what came out.
func stream(t *testing.T, r *Redactor, in string, size int) string {
	t.Helper()
	var out bytes.Buffer
	w := r.Writer(&out)
	for len(in) > 0 {
		n := min(size, len(in))
		if m, err := w.Write([]byte(in[:n])); err != nil || m != n {
			t.Fatalf("Write: %d, %v", m, err)
		}
		in = in[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestWriterChunks(t *testing.T) {
	r := New("hunter22", "correct horse battery staple")
	in := "a hunter22 b correct horse battery staple hunter2 hunter22" + strings.Repeat("h", 50)
	want := r.Text(in)
	for size := 1; size <= len(in); size++ {
		if got := stream(t, r, in, size); got != want {
			t.Fatalf("pieces of %d: %q, want %q", size, got, want)
		}
	}
}

// TestWriterHoldsLittle: what cannot become a secret passes at once.
func TestWriterHoldsLittle(t *testing.T) {
	var out bytes.Buffer
	w := New("hunter22").Writer(&out)
	if _, err := w.Write([]byte("progress 10%\nhun")); err != nil {
		t.Fatal(err)
	}
	if out.String() != "progress 10%\n" {
		t.Errorf("held too much or too little: %q", out.String())
	}
	if _, err := w.Write([]byte("gry\n")); err != nil {
		t.Fatal(err)
	}
	if out.String() != "progress 10%\nhungry\n" {
		t.Errorf("not let out: %q", out.String())
	}
}

func TestAddLater(t *testing.T) {
	var out bytes.Buffer
	r := New()
	w := r.Writer(&out)
	write := func(s string) {
		t.Helper()
		if _, err := w.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	write("hunter22 ")
	r.Add("hunter22")
	write("hunter22 ")
	if out.String() != "hunter22 *** " {
		t.Errorf("got %q", out.String())
	}
	var none *Redactor
	if none.Text("hunter22") != "hunter22" || none.Contains("hunter22") {
		t.Error("a nil Redactor must change nothing")
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriterFails(t *testing.T) {
	w := New("hunter22").Writer(broken{})
	if _, err := w.Write([]byte("some text")); err == nil {
		t.Error("the error of the writer behind was lost")
	}
}

// FuzzNoCanary looks for a value that gets through in any form and any cut.
func FuzzNoCanary(f *testing.F) {
	f.Add("hunter22", "other-secret", "pw hunter22 and ", uint8(3))
	f.Add("aaaaaa", "aaabaaa", "aaaaaabaaaaaab", uint8(1))
	f.Add("a\"b\\c\nd", "päss wörd", "x", uint8(2))
	f.Add("%41%42%43", "\\u0041\\n", "%", uint8(5))
	f.Fuzz(func(t *testing.T, one, two, around string, size uint8) {
		if strings.Contains(one+two, "*") || size == 0 {
			t.Skip("a mask itself would look like the value")
		}
		r := New(one, two)
		quoted, err := json.Marshal(one)
		if err != nil {
			t.Skip()
		}
		in := around + one + two + around + hex.EncodeToString([]byte(one)) + url.QueryEscape(two) +
			base64.StdEncoding.EncodeToString([]byte(around+two)) + string(quoted) + around
		whole := r.Text(in)
		if r.Contains(whole) {
			t.Fatalf("secrets %q and %q survive in %q", one, two, whole)
		}
		if got := stream(t, r, in, int(size)); got != whole {
			t.Fatalf("pieces of %d give %q, the whole gives %q", size, got, whole)
		}
	})
}

func BenchmarkText(b *testing.B) {
	r := New("hunter22", "correct horse battery staple", "eyJhbGciOiJIUzI1NiJ9.payload.signature")
	line := strings.Repeat("2026-11-23T10:00:00Z info node_7 processed record 42 of 100 ", 2)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		r.Text(line)
	}
}
