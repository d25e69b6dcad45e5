package seal

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

const (
	one = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	two = "f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff101112131415161718191a1b1c1d1e1f"
)

func keys(t *testing.T, text string) Keys {
	t.Helper()
	k, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestSeal(t *testing.T) {
	k := keys(t, one)
	const canary = "canary-7f3a-password"
	sealed, err := k.Seal([]byte(canary), "default/erp/1")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(sealed, canary) || strings.Contains(sealed, base64.RawStdEncoding.EncodeToString([]byte(canary))) {
		t.Errorf("the value shows in %s", sealed)
	}
	if again, err := k.Seal([]byte(canary), "default/erp/1"); err != nil || again == sealed {
		t.Errorf("two seals of one value are the same, %v", err)
	}
	if plain, err := k.Open(sealed, "default/erp/1"); err != nil || string(plain) != canary {
		t.Errorf("%q %v", plain, err)
	}
	for _, name := range []string{"default/erp/2", "other/erp/1", ""} {
		if _, err := k.Open(sealed, name); err == nil {
			t.Errorf("opens under %q", name)
		}
	}
	// No bit can be changed.
	for i := range sealed {
		bad := []byte(sealed)
		bad[i] ^= 2
		if plain, err := k.Open(string(bad), "default/erp/1"); err == nil && !bytes.Equal(bad, []byte(sealed)) && string(plain) != canary {
			t.Errorf("byte %d changed: opens as %q", i, plain)
		}
	}
	if _, err := keys(t, two).Open(sealed, "default/erp/1"); err == nil {
		t.Error("opens with another key of that version")
	}
	if _, err := (Keys{}).Open(sealed, "default/erp/1"); err == nil {
		t.Error("opens without a key")
	}
}

func TestRewrap(t *testing.T) {
	old := keys(t, one)
	sealed, err := old.Seal([]byte("value"), "n")
	if err != nil {
		t.Fatal(err)
	}
	both := keys(t, "# the first\n1:"+one+"\n\n 2 : "+two)
	moved, err := both.Rewrap(sealed, "n")
	if err != nil || Version(sealed) != 1 || Version(moved) != 2 || both.Newest() != 2 {
		t.Fatalf("%v, versions %d and %d", err, Version(sealed), Version(moved))
	}
	if same, err := both.Rewrap(moved, "n"); err != nil || same != moved {
		t.Errorf("wrapped twice: %v", err)
	}
	if _, err := both.Rewrap(sealed, "other"); err == nil {
		t.Error("rewrapped under another name")
	}
	for name, k := range map[string]Keys{"both": both, "the new one alone": keys(t, "2:"+two)} {
		if plain, err := k.Open(moved, "n"); err != nil || string(plain) != "value" {
			t.Errorf("%s: %q %v", name, plain, err)
		}
	}
	if _, err := keys(t, "2:"+two).Open(sealed, "n"); err == nil || !strings.Contains(err.Error(), "master key 1") {
		t.Errorf("without the old key: %v", err)
	}
}

func TestParse(t *testing.T) {
	for _, bad := range []string{"", "# nothing", "short", "0:" + one, "x:" + one, "1:" + one + "\n1:" + two, "1:" + one[:62]} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is taken", bad)
		} else if strings.Contains(err.Error(), one[:20]) {
			t.Errorf("the error shows a key: %v", err)
		}
	}
	made, err := MakeKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := keys(t, made)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
		if text := fmt.Sprintf(verb, k); strings.Contains(text, made[:16]) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", made[:8])) {
			t.Errorf("%s prints %s", verb, text)
		}
	}
}

func FuzzOpen(f *testing.F) {
	k, err := Parse(one)
	if err != nil {
		f.Fatal(err)
	}
	good, err := k.Seal([]byte("value"), "n")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{good, "", "s1", "s1.1..", "s1.1.AAAA.AAAA", "s1.99.AAAA.AAAA", strings.ToUpper(good)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, sealed string) {
		if plain, err := k.Open(sealed, "n"); err == nil && string(plain) != "value" {
			t.Fatalf("%q opens as %q", sealed, plain)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("1:" + one + "\n2:" + two)
	f.Add("#\n\n:")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := Parse(text); err == nil && k.Newest() < 1 {
			t.Fatalf("%q has no version", text)
		}
	})
}
