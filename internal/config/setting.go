package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/casarerpa/fleet/fleet"
)

// Settings tells which limits hold and for how long history is kept, with the
// flags that set them.
func Settings(l Limits, r Retention) ([]fleet.Setting, error) {
	fields, err := Fields(&Serve{})
	if err != nil {
		return nil, err
	}
	var out []fleet.Setting
	for _, of := range []struct {
		prefix string
		group  fleet.SettingGroup
		values reflect.Value
	}{{"retention-", fleet.SettingRetention, reflect.ValueOf(r)}, {"limit-", fleet.SettingLimits, reflect.ValueOf(l)}} {
		n := 0 // both are in the order of the struct
		for _, f := range fields {
			if !strings.HasPrefix(f.Flag, of.prefix) {
				continue
			}
			if n == of.values.NumField() {
				return nil, fmt.Errorf("there is no value for --%s", f.Flag)
			}
			s := fleet.Setting{
				Name: f.Flag, Group: of.group, About: about(f.Help), Value: fmt.Sprint(of.values.Field(n).Interface()), Default: f.Default,
				Source: fleet.SettingDefault, Env: f.Env,
			}
			if s.Value != s.Default {
				s.Source = fleet.SettingGiven
			}
			out, n = append(out, s), n+1
		}
		if n != of.values.NumField() {
			return nil, fmt.Errorf("%d of %d settings --%s* have a flag", n, of.values.NumField(), of.prefix)
		}
	}
	return out, nil
}

// about is the help of a setting as a sentence of its own, without the answer
// beyond a limit.
func about(help string) string {
	text := answer.ReplaceAllString(help, "")
	if rest, more := strings.CutPrefix(text, "… "); more {
		text = "requests of one key a minute " + rest
	}
	return text
}
