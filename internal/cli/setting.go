package cli

import (
	"context"
	"strings"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// settingCmds are the verbs for what an orchestrator was started with.
type settingCmds struct {
	List settingListCmd `cmd:"" help:"list limits, and how long history is kept"`
}

type settingListCmd struct {
	config.Client
	Group string `help:"only limits or retention" enum:"all,limits,retention" default:"all" placeholder:"GROUP"`
	Given bool   `help:"only those that are not as usual"`
}

// Help is the long form of the help.
func (settingListCmd) Help() string {
	return `Each orchestrator has its own, from its flags, its environment and its file; the one that answers tells. What a tenant may have besides is a quota: fleet tenant list.`
}

// Run lists settings.
func (c *settingListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	all, err := api.ListSettings(ctx)
	if err != nil {
		return err
	}
	list := []fleet.Setting{}
	for _, s := range all {
		if (c.Group == "all" || c.Group == string(s.Group)) && (!c.Given || s.Source == fleet.SettingGiven) {
			list = append(list, s)
		}
	}
	return sh.answer(c.Output, map[string]any{"settings": list}, func() error {
		wide := c.Output == "wide"
		t := table{head: []string{"SETTING", "VALUE", "DEFAULT", "SOURCE", "WHAT"}, paint: sh.paint, state: -1}
		if wide {
			t.head = append(t.head, "ENVIRONMENT")
		}
		for i := range list {
			s := &list[i]
			row := []string{"--" + s.Name, s.Value, s.Default, string(s.Source), clip(clean(s.About), 60)}
			if wide {
				row = append(row, strings.Join(s.Env, " "))
			}
			t.add(row...)
		}
		return t.write(sh.out, "All is as usual.")
	})
}
