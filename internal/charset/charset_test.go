package charset_test

import (
	"testing"

	"github.com/casarerpa/fleet/internal/charset"
)

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		name, encoding string
		mode           charset.Mode
		data           string
		want, err      string
	}{
		{"plain", "utf-8", charset.Strict, "grün", "grün", ""},
		{"default", "", charset.Strict, "grün", "grün", ""},
		{"mark stays", "utf-8", charset.Strict, "\ufeffa", "\ufeffa", ""},
		{"mark goes", "utf-8-sig", charset.Strict, "\ufeffa", "a", ""},
		{"no mark", "UTF_8_SIG", charset.Strict, "a", "a", ""},
		{"broken", "utf8", charset.Strict, "ab\xff", "", "'utf-8' codec can't decode byte 0xff in position 2"},
		{"broken ignored", "utf-8", charset.Ignore, "a\xffb", "ab", ""},
		{"broken replaced once", "utf-8", charset.Replace, "a\xe2\x82b", "a\ufffdb", ""},
		{"surrogate replaced per byte", "utf-8", charset.Replace, "\xed\xa0\x80", "\ufffd\ufffd\ufffd", ""},
		{"broken shown", "utf-8", charset.Backslash, "a\xe2\x82b", `a\xe2\x82b`, ""},
		{"charref cannot read", "utf-8", charset.CharRef, "a", "", "the error mode xmlcharrefreplace only works for writing"},
		{"latin", "latin-1", charset.Strict, "\x80\xe9", "\u0080é", ""},
		{"windows", "cp1252", charset.Strict, "\x80\xe9", "€é", ""},
		{"windows gap", "cp1252", charset.Strict, "\x81", "", "'windows-1252' codec can't decode byte 0x81 in position 0"},
		{"dos", "cp437", charset.Strict, "\x81", "ü", ""},
		{"ascii", "ascii", charset.Strict, "a\xe9", "", "'ascii' codec can't decode byte 0xe9 in position 1"},
		{"utf-16 little", "utf-16", charset.Strict, "\xff\xfea\x00", "a", ""},
		{"utf-16 big", "utf-16", charset.Strict, "\xfe\xff\x00a", "a", ""},
		{"utf-16-be", "utf-16-be", charset.Strict, "\x00a", "a", ""},
		{"japanese", "shift_jis", charset.Strict, "\x83\x65", "テ", ""},
		{"japanese broken", "shift_jis", charset.Strict, "\x83", "", "'shift-jis' codec can't decode character 0 of the data"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			enc, err := charset.Lookup(tc.encoding)
			if err != nil {
				t.Fatal(err)
			}
			got, err := enc.Decode([]byte(tc.data), tc.mode)
			if text(err) != tc.err || got != tc.want {
				t.Errorf("got %q, %q; want %q, %q", got, text(err), tc.want, tc.err)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	for _, tc := range []struct {
		name, encoding string
		mode           charset.Mode
		text           string
		want, err      string
	}{
		{"plain", "utf-8", charset.Strict, "ü", "ü", ""},
		{"mark", "utf-8-sig", charset.Strict, "a", "\ufeffa", ""},
		{"strict", "ascii", charset.Strict, "aé", "", `'ascii' codec can't encode character '\xe9' in position 1`},
		{"wide strict", "latin-1", charset.Strict, "€", "", `'latin-1' codec can't encode character '\u20ac' in position 0`},
		{"ignore", "ascii", charset.Ignore, "aéb", "ab", ""},
		{"replace", "ascii", charset.Replace, "aéb", "a?b", ""},
		{"backslash", "ascii", charset.Backslash, "é€😀", `\xe9\u20ac\U0001f600`, ""},
		{"charref", "latin-1", charset.CharRef, "é€", "\xe9&#8364;", ""},
		{"utf-16 has a mark", "utf-16", charset.Strict, "a", "\xff\xfea\x00", ""},
		{"utf-16-le has none", "utf-16-le", charset.Strict, "a", "a\x00", ""},
		{"multi-byte strict", "shift_jis", charset.Strict, "aé", "", `'shift-jis' codec can't encode character '\xe9' in position 1`},
		{"multi-byte replace", "shift_jis", charset.Replace, "テé", "\x83\x65?", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			enc, err := charset.Lookup(tc.encoding)
			if err != nil {
				t.Fatal(err)
			}
			got, err := enc.Encode(tc.text, tc.mode)
			if text(err) != tc.err || string(got) != tc.want {
				t.Errorf("got %q, %q; want %q, %q", got, text(err), tc.want, tc.err)
			}
		})
	}
}

func TestUnknownNames(t *testing.T) {
	if _, err := charset.Lookup("klingon"); text(err) != "unknown encoding: klingon" {
		t.Error(err)
	}
	if _, err := charset.CheckMode("shrug"); text(err) != "unknown error handler name 'shrug'" {
		t.Error(err)
	}
}

func TestUniversal(t *testing.T) {
	if got := charset.Universal("a\r\nb\rc\n"); got != "a\nb\nc\n" {
		t.Errorf("got %q", got)
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
