package config

import (
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
)

// Secret is a text that must not be seen: every way of printing it gives ***.
type Secret struct{ text string }

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{text} }

// maxSecret bounds a secret read from a file: a wrong path must not fill memory.
const maxSecret = 64 << 10

// UnmarshalText takes the text itself, or file:/path and reads the file, whose
// last line end is not part of the secret.
func (s *Secret) UnmarshalText(b []byte) error {
	path, isFile := strings.CutPrefix(string(b), "file:")
	if !isFile {
		s.text = string(b)
		return nil
	}
	text, err := ReadSecret(path)
	if err != nil {
		return err
	}
	s.text = text
	return nil
}

// ReadSecret reads a secret from a file.
func ReadSecret(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read a secret from %s: %w", path, err)
	}
	if info.IsDir() || info.Size() > maxSecret {
		return "", fmt.Errorf("read a secret from %s: it is not a file of at most %d bytes", path, maxSecret)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a secret from %s: %w", path, err)
	}
	text := strings.TrimRight(string(b), "\r\n")
	if text == "" {
		return "", fmt.Errorf("read a secret from %s: the file is empty", path)
	}
	return text, nil
}

// Reveal returns the text, for the one place that needs it.
func (s Secret) Reveal() string { return s.text }

// Empty says whether no secret was given.
func (s Secret) Empty() bool { return s.text == "" }

// String hides the text; an empty secret is "".
func (s Secret) String() string {
	if s.text == "" {
		return ""
	}
	return "***"
}

// GoString hides the text from %#v.
func (s Secret) GoString() string { return s.String() }

// Format hides the text from every verb, %d and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.String())) }

// MarshalText hides the text from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue hides the text from logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Size is a number of bytes, written as 512, 64KiB, 10MiB or 1GiB.
type Size int64

var units = []struct {
	name   string
	factor int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"", 1}}

// UnmarshalText reads the forms above.
func (s *Size) UnmarshalText(b []byte) error {
	text := strings.TrimSpace(string(b))
	for _, u := range units {
		number, ok := strings.CutSuffix(text, u.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
		if err != nil || n < 0 || n > (1<<62)/u.factor {
			break
		}
		*s = Size(n * u.factor)
		return nil
	}
	return fmt.Errorf("%q is not a size such as 512, 64KiB or 10MiB", text)
}

// String prints the largest unit that needs no fraction.
func (s Size) String() string {
	for _, u := range units[:3] {
		if s != 0 && int64(s)%u.factor == 0 {
			return strconv.FormatInt(int64(s)/u.factor, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
