package hook

import (
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// The headers of Standard Webhooks.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// secretPrefix marks a secret of Standard Webhooks; the rest is base64.
const secretPrefix = "whsec_"

// The bytes that such a secret may have.
const (
	minSecretBytes = 24
	maxSecretBytes = 64
)

// MakeSecret makes a secret to sign with, in the form in which both sides have it.
func MakeSecret(random io.Reader) (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", fleet.Internal(err)
	}
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:]), nil
}

// ValidSecret says whether a text is a secret to sign with.
func ValidSecret(secret string) bool {
	key, ok := secretKey(secret)
	return ok && strings.HasPrefix(secret, secretPrefix) && len(key) >= minSecretBytes && len(key) <= maxSecretBytes
}

func secretKey(secret string) ([]byte, bool) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	return key, err == nil
}

// Sign returns the headers that prove a call: its id, the time, and a signature
// for each secret, the first one first. While a secret is replaced there are two.
func Sign(secrets []string, id string, at time.Time, body []byte) (map[string]string, error) {
	seconds := strconv.FormatInt(at.Unix(), 10)
	signatures := make([]string, 0, len(secrets))
	for _, secret := range secrets {
		key, ok := secretKey(secret)
		if !ok || len(key) == 0 {
			return nil, fleet.Internal(nil) // the text would be a secret in a log
		}
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(standardSum(key, id, seconds, body)))
	}
	return map[string]string{HeaderID: id, HeaderTimestamp: seconds, HeaderSignature: strings.Join(signatures, " ")}, nil
}

// standardSum is what Standard Webhooks sign: ID.TIME.BODY.
func standardSum(key []byte, id, at string, body []byte) []byte {
	return sum(sha256.New, key, []byte(id), []byte("."), []byte(at), []byte("."), body)
}
