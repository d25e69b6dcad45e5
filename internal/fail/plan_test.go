package fail

import "testing"

func TestPlan(t *testing.T) {
	p, err := parse("a.b=kill@3, c=error,d=error@1")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name Point
		hit  int
		want action
	}{
		{"a.b", 1, pass},
		{"a.b", 3, kill},
		{"a.b", 4, pass},
		{"c", 1, fault},
		{"c", 9, fault},
		{"d", 2, pass},
		{"unplanned", 1, pass},
	} {
		if got := p.next(c.name, c.hit); got != c.want {
			t.Errorf("hit %d of %s: got %v, want %v", c.hit, c.name, got, c.want)
		}
	}
	for _, bad := range []string{"a", "=kill", "a=explode", "a=kill@0", "a=kill@x", "a=kill,a=error", ","} {
		if _, err := parse(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}

// TestOff shows that a binary without the tag never fails, whatever the
// environment says.
func TestOff(t *testing.T) {
	if Enabled {
		t.Skip("built with failpoints")
	}
	t.Setenv("FLEET_FAIL", "x=kill,y=error")
	if err := At("x"); err != nil {
		t.Error(err)
	}
	if len(Hits()) != 0 {
		t.Error("hits are counted without the tag")
	}
}
