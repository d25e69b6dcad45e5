package enginetest_test

import (
	"context"
	"io"
	"testing"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/engine/enginetest"
	"github.com/casarerpa/fleet/workflow/value"
)

func TestVisitUsesTheRealHost(t *testing.T) {
	node := engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
		f, err := c.Host().Files().Open(c.Text("message"), engine.Read)
		if err != nil {
			return engine.Result{}, err
		}
		defer func() { _ = f.Close() }()
		text, err := io.ReadAll(f)
		c.Set("text", string(text))
		c.SetVar("seen", int64(len(text)))
		return engine.Goto("body"), err
	})
	vars := value.MapOf("name", "a.txt")
	out, res, err := enginetest.Visit(t, node, "LogNode", nil, map[string]any{"message": "{{name}}"},
		enginetest.File("a.txt", "hello"), enginetest.Vars(vars))
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := out.Get("text"); got != "hello" {
		t.Errorf("text = %v", got)
	}
	if got, _ := vars.Get("seen"); got != int64(5) {
		t.Errorf("seen = %v", got)
	}
	if len(res.Next) != 1 || res.Next[0] != "body" {
		t.Errorf("next = %v", res.Next)
	}
}

func TestVisitTurnsAPanicIntoAFailure(t *testing.T) {
	node := engine.Func(func(context.Context, *engine.Call) (engine.Result, error) { panic("oh") })
	_, _, err := enginetest.Visit(t, node, "LogNode", nil, nil)
	if f := engine.AsFailure(err); err == nil || f.Stack == "" {
		t.Errorf("err = %v", err)
	}
}
