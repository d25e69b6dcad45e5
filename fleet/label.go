package fleet

import "regexp"

// MaxLabels bounds the labels of one thing.
const MaxLabels = 32

var labelForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._/-]{0,62}$`)

// ValidateLabels checks the keys and values of labels.
func ValidateLabels(field string, labels map[string]string) error {
	if len(labels) > MaxLabels {
		return Invalid(field, "At most %d labels are allowed; got %d.", MaxLabels, len(labels))
	}
	for k, v := range labels {
		if !labelForm.MatchString(k) {
			return Invalid(field, "A label's key is 1 to 63 lower-case letters, digits, '.', '_', '/' or '-' and begins with a letter or digit; got %q.", clip(k, 80))
		}
		if len([]rune(v)) > 128 {
			return Invalid(field, "The value of label %s has more than 128 characters.", k)
		}
	}
	return nil
}
