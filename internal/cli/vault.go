package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/casarerpa/fleet/client"
	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/internal/config"
)

// secretCmds are the verbs for secrets.
type secretCmds struct {
	List   secretListCmd   `cmd:"" help:"list secrets, without values"`
	Get    secretGetCmd    `cmd:"" aliases:"show" help:"show what is known of a secret, without values"`
	Set    secretSetCmd    `cmd:"" help:"make a secret or change it; values come from standard input or a file"`
	Delete secretDeleteCmd `cmd:"" aliases:"rm" help:"delete a secret, or its value for an environment or a robot"`
	Rewrap secretRewrapCmd `cmd:"" help:"wrap all values with the newest master key"`
}

// placeFlags say which jobs a value is for.
type placeFlags struct {
	Environment string        `help:"the value is for jobs of this environment" placeholder:"NAME"`
	Robot       fleet.RobotID `help:"the value is for jobs on this robot" placeholder:"ID"`
}

func (p placeFlags) place() fleet.Place {
	return fleet.Place{Environment: p.Environment, RobotID: p.Robot}
}

func placeWords(p fleet.Place) string {
	switch {
	case p.RobotID != "":
		return "robot " + string(p.RobotID)
	case p.Environment != "":
		return "environment " + p.Environment
	}
	return "all"
}

type secretListCmd struct{ config.Client }

// Run lists secrets.
func (c *secretListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListSecrets(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"secrets": list}, func() error {
		t := table{head: []string{"SECRET", "VALUES", "ENVIRONMENTS", "WORKFLOWS", "EXCLUSIVE", "CHANGED", "DESCRIPTION"}, paint: sh.paint, state: -1}
		for i := range list {
			s := &list[i]
			t.add(s.Name, strconv.Itoa(len(s.Values)), orAll(s.Environments), orAll(texts(s.Workflows)), checkedOut(s), wall(s.UpdatedAt), clip(clean(s.Description), 40))
		}
		return t.write(sh.out, "There is no secret.")
	})
}

// checkedOut says whether a secret is exclusive, and which job has it.
func checkedOut(s *fleet.Secret) string {
	switch {
	case !s.Exclusive:
		return "no"
	case len(s.HeldBy) == 0:
		return "yes, free"
	}
	return "held by " + strings.Join(texts(s.HeldBy), ", ")
}

func orAll(list []string) string {
	if len(list) == 0 {
		return "all"
	}
	return strings.Join(list, ", ")
}

func texts[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, x := range in {
		out[i] = string(x)
	}
	return out
}

type secretGetCmd struct {
	config.Client
	Name string `arg:"" help:"name of the secret"`
}

// Run shows a secret.
func (c *secretGetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	s, err := api.GetSecret(ctx, c.Name)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, s, func() error {
		card := &card{}
		card.add("secret", s.Name)
		card.add("description", clean(s.Description))
		card.add("environments", orAll(s.Environments))
		card.add("workflows", orAll(texts(s.Workflows)))
		card.add("exclusive", checkedOut(&s))
		for _, v := range s.Values {
			card.add("value for "+placeWords(v.Place), fmt.Sprintf("%s (version %d, %s by %s)", strings.Join(v.Fields, ", "), v.Version, wall(v.UpdatedAt), clean(v.UpdatedBy)))
		}
		return card.write(sh.out, sh.paint)
	})
}

type secretSetCmd struct {
	config.Client
	Name string `arg:"" help:"name of the secret"`
	File string `help:"file with the value; - is standard input" default:"-" placeholder:"PATH"`
	JSON bool   `name:"json" help:"the value is a JSON object of fields, such as {\"user\":…,\"password\":…}; without it the text is the one field value"`
	Keep bool   `name:"keep-value" help:"change the rest, and no value"`
	placeFlags
	Description *string    `help:"for people" placeholder:"TEXT"`
	Allow       []string   `name:"allow-environment" help:"only jobs of these environments may have it (repeatable)" placeholder:"NAME" sep:"none"`
	Exclusive   *bool      `help:"one job may have it at a time; others that need it wait" negatable:""`
	Workflow    []fleet.ID `name:"allow-workflow" help:"only jobs of these workflows may have it (repeatable)" placeholder:"ID" sep:"none"`
}

// Help is the long form of the help.
func (secretSetCmd) Help() string {
	return `A value is never an argument, where others on the machine could see it.

Examples:

    fleet secret set erp --json < erp.json
    printf %s "$PASSWORD" | fleet secret set smtp --allow-environment prod
    fleet secret set erp --json --robot warehouse-1 --file erp-of-warehouse-1.json
    fleet secret set erp --exclusive --keep-value`
}

// Run sets a secret.
func (c *secretSetCmd) Run(ctx context.Context, sh *shell) error {
	change := client.SecretChange{Description: c.Description, Environment: c.Environment, RobotID: c.Robot}
	if c.Allow != nil {
		change.Environments = &c.Allow
	}
	if c.Workflow != nil {
		change.Workflows = &c.Workflow
	}
	change.Exclusive = c.Exclusive
	if !c.Keep {
		text, err := sh.read(c.File)
		if err != nil {
			return err
		}
		if change.Fields, err = fieldsFrom(text, c.JSON); err != nil {
			return err
		}
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	s, err := api.PutSecret(ctx, c.Name, change)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, s, func() error {
		_, err := fmt.Fprintf(sh.out, "Secret %s is set, with %s.\n", s.Name, values(len(s.Values)))
		return err
	})
}

// fieldsFrom reads a value. What is wrong with it is said without it.
func fieldsFrom(text []byte, asJSON bool) (map[string]string, error) {
	if !asJSON {
		value := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
		if value == "" {
			return nil, fleet.Invalid("value", "The value is empty.").WithFix("Give it on standard input, or with --file.")
		}
		return map[string]string{"value": value}, nil
	}
	fields := map[string]string{}
	d := json.NewDecoder(bytes.NewReader(text))
	if d.Decode(&fields) != nil || d.More() || len(fields) == 0 {
		return nil, fleet.Invalid("value", "The value is no JSON object of texts.").WithFix(`Write it as {"user": "…", "password": "…"}.`)
	}
	return fields, nil
}

type secretDeleteCmd struct {
	config.Client
	Name string `arg:"" help:"name of the secret"`
	placeFlags
}

// Run deletes a secret.
func (c *secretDeleteCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteSecret(ctx, c.Name, c.place()); err != nil {
		return err
	}
	if c.place() == (fleet.Place{}) {
		sh.note("Secret %s is deleted.", c.Name)
	} else {
		sh.note("The value of secret %s for %s is deleted.", c.Name, placeWords(c.place()))
	}
	return nil
}

type secretRewrapCmd struct{ config.Client }

// Help is the long form of the help.
func (secretRewrapCmd) Help() string {
	return `After a new master key was added to --secret-keys of every orchestrator. When it is done, the old key can be taken out.`
}

// Run wraps values anew.
func (c *secretRewrapCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	n, err := api.RewrapSecrets(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"rewrapped": n}, func() error {
		_, err := fmt.Fprintf(sh.out, "%s wrapped anew, with the newest key.\n", values(n))
		return err
	})
}

// assetCmds are the verbs for assets.
type assetCmds struct {
	List   assetListCmd   `cmd:"" help:"list assets"`
	Get    assetGetCmd    `cmd:"" aliases:"show" help:"show an asset"`
	Set    assetSetCmd    `cmd:"" help:"make an asset or change one of its values"`
	Delete assetDeleteCmd `cmd:"" aliases:"rm" help:"delete an asset, or its value for an environment or a robot"`
}

type assetListCmd struct{ config.Client }

// Run lists assets.
func (c *assetListCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	list, err := api.ListAssets(ctx)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, map[string]any{"assets": list}, func() error {
		t := table{head: []string{"ASSET", "TYPE", "VALUE", "OTHERS", "DESCRIPTION"}, paint: sh.paint, state: -1}
		for i := range list {
			a := &list[i]
			t.add(a.Name, string(a.Type), clip(clean(string(a.Value)), 40), strconv.Itoa(len(a.Values)), clip(clean(a.Description), 40))
		}
		return t.write(sh.out, "There is no asset.")
	})
}

type assetGetCmd struct {
	config.Client
	Name string `arg:"" help:"name of the asset"`
}

// Run shows an asset.
func (c *assetGetCmd) Run(ctx context.Context, sh *shell) error {
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	a, err := api.GetAsset(ctx, c.Name)
	if err != nil {
		return err
	}
	return sh.answer(c.Output, a, func() error {
		card := &card{}
		card.add("asset", a.Name)
		card.add("type", string(a.Type))
		card.add("description", clean(a.Description))
		card.add("value", clean(string(a.Value)))
		for _, v := range a.Values {
			card.add("value for "+placeWords(v.Place), clean(string(v.Value)))
		}
		return card.write(sh.out, sh.paint)
	})
}

type assetSetCmd struct {
	config.Client
	Name  string           `arg:"" help:"name of the asset"`
	Value string           `arg:"" help:"its value; JSON except for texts"`
	Type  *fleet.AssetType `help:"text, number, bool or json; a new one is text" placeholder:"TYPE"`
	placeFlags
	Description *string `help:"for people" placeholder:"TEXT"`
}

// Run sets a value of an asset.
func (c *assetSetCmd) Run(ctx context.Context, sh *shell) error {
	return sh.changeAsset(ctx, c.Client, c.Name, true, func(a *fleet.Asset) error {
		if c.Type != nil {
			a.Type = *c.Type
		}
		if c.Description != nil {
			a.Description = *c.Description
		}
		value := json.RawMessage(c.Value)
		if a.Type == fleet.AssetText {
			var err error
			if value, err = json.Marshal(c.Value); err != nil {
				return fleet.Internal(err)
			}
		} else if !json.Valid(value) {
			return fleet.Invalid("value", "The value of an asset of type %s is JSON; got %q.", a.Type, clip(c.Value, 40))
		}
		if c.place() == (fleet.Place{}) {
			a.Value = value
			return nil
		}
		without(a, c.place())
		a.Values = append(a.Values, fleet.AssetValue{Place: c.place(), Value: value})
		return nil
	})
}

func without(a *fleet.Asset, at fleet.Place) {
	kept := a.Values[:0]
	for _, v := range a.Values {
		if v.Place != at {
			kept = append(kept, v)
		}
	}
	a.Values = kept
}

type assetDeleteCmd struct {
	config.Client
	Name string `arg:"" help:"name of the asset"`
	placeFlags
}

// Run deletes an asset or one of its values.
func (c *assetDeleteCmd) Run(ctx context.Context, sh *shell) error {
	if c.place() != (fleet.Place{}) {
		return sh.changeAsset(ctx, c.Client, c.Name, false, func(a *fleet.Asset) error { without(a, c.place()); return nil })
	}
	api, err := sh.connect(c.Client)
	if err != nil {
		return err
	}
	if err := api.DeleteAsset(ctx, c.Name); err != nil {
		return err
	}
	sh.note("Asset %s is deleted.", c.Name)
	return nil
}

func (s *shell) changeAsset(ctx context.Context, conf config.Client, name string, create bool, change func(*fleet.Asset) error) error {
	api, err := s.connect(conf)
	if err != nil {
		return err
	}
	a, err := api.GetAsset(ctx, name)
	if create && fleet.AsError(err) != nil && fleet.AsError(err).Code == fleet.CodeNotFound {
		a, err = fleet.Asset{Name: name, Type: fleet.AssetText}, nil
	}
	if err != nil {
		return err
	}
	if err := change(&a); err != nil {
		return err
	}
	if a, err = api.PutAsset(ctx, a); err != nil {
		return err
	}
	return s.answer(conf.Output, a, func() error {
		_, err := fmt.Fprintf(s.out, "Asset %s is set, with %s.\n", a.Name, values(len(a.Values)+min(len(a.Value), 1)))
		return err
	})
}

// values counts values for people.
func values(n int) string {
	if n == 1 {
		return "1 value"
	}
	return strconv.Itoa(n) + " values"
}
