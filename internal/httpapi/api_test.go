package httpapi

import "testing"

func TestDeclares(t *testing.T) {
	if _, err := New(Options{}); err != nil {
		t.Fatal(err)
	}
}
