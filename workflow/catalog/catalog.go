package catalog

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sort"
	"strings"

	"github.com/casarerpa/fleet/workflow/value"
)

//go:generate go run ../../internal/gen/nodes -o ../../docs/reference/nodes.md

//go:embed data/*.json aliases.json
var files embed.FS

// Catalog is the whole table of node types.
type Catalog struct {
	types    map[string]*Type
	names    []string // sorted
	families []string // order of the data files
	abstract map[string]bool
	refused  map[string]bool
	alias    map[string]string
	props    map[string][]PropertyAlias
	outputs  map[string][]string
	lower    map[string]string // lower-case name → name, for wrong capitals
}

// PropertyAlias is another name under which saved files write a property
// (rule C10). A number is multiplied by Scale unless that is 0; a text found in
// Values is replaced.
type PropertyAlias struct {
	From   string            `json:"from"`
	To     string            `json:"to"`
	Scale  float64           `json:"scale"`
	Values map[string]string `json:"values"`
}

// Load reads the compiled-in data. It fails only when the data of this very
// program are wrong, which a test rules out. It costs some milliseconds: load
// once and pass the result on.
func Load() (*Catalog, error) {
	c := &Catalog{types: map[string]*Type{}, lower: map[string]string{}}
	if err := c.readAliases(); err != nil {
		return nil, err
	}
	paths, err := fs.Glob(files, "data/*.json")
	if err != nil {
		return nil, fmt.Errorf("list node families: %w", err)
	}
	for _, path := range paths {
		if err := c.readFamily(path); err != nil {
			return nil, fmt.Errorf("read node family %s: %w", path, err)
		}
	}
	for name := range c.types {
		c.names = append(c.names, name)
		c.lower[strings.ToLower(name)] = name
	}
	sort.Strings(c.names)
	for _, name := range c.names {
		if err := c.copyTwin(c.types[name]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// copyTwin gives a type that is a second name of another one its ports.
func (c *Catalog) copyTwin(t *Type) error {
	if t.SameAs == "" {
		return nil
	}
	twin, ok := c.types[t.SameAs]
	if !ok {
		return fmt.Errorf("node type %s names %s, which is not in the catalog", t.Name, t.SameAs)
	}
	t.In, t.Out, t.ExecIn, t.ExecOut = twin.In, twin.Out, twin.ExecIn, twin.ExecOut
	t.Properties, t.Actions, t.Loopable = twin.Properties, twin.Actions, twin.Loopable
	t.Effect = twin.Effect
	return nil
}

// family is one data file.
type family struct {
	Family     string     `json:"family"`
	Wave       int        `json:"wave"`
	Capability string     `json:"capability"`
	Reason     string     `json:"reason"`
	Types      []typeData `json:"types"`
}

// typeData is one entry of a data file. Ports are written name:type, with a
// star behind required ones.
type typeData struct {
	Name       string         `json:"name"`
	As         string         `json:"as"`
	In         []string       `json:"in"`
	Out        []string       `json:"out"`
	NoExecIn   bool           `json:"no_exec_in"`
	ExecOut    *[]string      `json:"exec_out"`
	Properties []propertyData `json:"properties"`
	Actions    map[string]struct {
		In  []string `json:"in"`
		Out []string `json:"out"`
	} `json:"actions"`
	Capability string `json:"capability"`
	Reason     string `json:"reason"`
	Loopable   bool   `json:"loopable"`
	Effect     Effect `json:"effect"`
	Abridged   bool   `json:"abridged"`
	Added      bool   `json:"added"`
}

type propertyData struct {
	Name     string          `json:"name"`
	Type     string          `json:"type"`
	Default  json.RawMessage `json:"default"`
	Required bool            `json:"required"`
	Choices  []string        `json:"choices"`
	Min      *float64        `json:"min"`
	Max      *float64        `json:"max"`
}

// readFamily adds the types of one data file. A name that two families claim is
// an error, since the later one would silently win.
func (c *Catalog) readFamily(path string) error {
	var f family
	if err := readStrict(path, &f); err != nil {
		return err
	}
	c.families = append(c.families, f.Family)
	for _, d := range f.Types {
		if _, twice := c.types[d.Name]; twice {
			return fmt.Errorf("node type %s is there twice", d.Name)
		}
		t, err := makeType(&f, &d)
		if err != nil {
			return err
		}
		c.types[d.Name] = t
	}
	return nil
}

// makeType puts one entry of a data file together with what its family says. A
// type with a reason against it is unsupported.
func makeType(f *family, d *typeData) (*Type, error) {
	t := &Type{
		Name: d.Name, Family: f.Family, SameAs: d.As, Wave: f.Wave,
		In: parsePorts(d.In), Out: parsePorts(d.Out), ExecIn: !d.NoExecIn, ExecOut: []string{"exec_out"},
		Capability: f.Capability, Reason: f.Reason,
		Loopable: d.Loopable, Effect: d.Effect, Abridged: d.Abridged, Added: d.Added,
	}
	if d.ExecOut != nil {
		t.ExecOut = *d.ExecOut
	}
	if d.Capability != "" {
		t.Capability = d.Capability
	}
	if d.Reason != "" {
		t.Reason = d.Reason
	}
	if t.Reason != "" {
		t.Support = Unsupported
	}
	for _, p := range d.Properties {
		prop := Property{
			Name: p.Name, Type: p.Type, Required: p.Required,
			Choices: p.Choices, Min: p.Min, Max: p.Max,
		}
		if len(p.Default) > 0 {
			v, err := value.Parse(p.Default)
			if err != nil {
				return nil, fmt.Errorf("default of %s.%s: %w", d.Name, p.Name, err)
			}
			prop.Default = v
		}
		t.Properties = append(t.Properties, prop)
	}
	for name, a := range d.Actions {
		if t.Actions == nil {
			t.Actions = map[string]PortSet{}
		}
		t.Actions[name] = PortSet{In: parsePorts(a.In), Out: parsePorts(a.Out)}
	}
	return t, nil
}

// parsePorts reads the short form of the data files; a port without a type
// takes anything.
func parsePorts(specs []string) []Port {
	var ports []Port
	for _, spec := range specs {
		name, typ, _ := strings.Cut(spec, ":")
		p := Port{Name: name, Type: strings.TrimSuffix(typ, "*"), Required: strings.HasSuffix(typ, "*")}
		if p.Type == "" {
			p.Type = "any"
		}
		ports = append(ports, p)
	}
	return ports
}

// readAliases reads the names that saved files use and the registry lacks.
func (c *Catalog) readAliases() error {
	var a struct {
		Abstract   []string                   `json:"abstract"`
		Types      map[string]string          `json:"types"`
		Refused    []string                   `json:"refused"`
		Properties map[string][]PropertyAlias `json:"properties"`
		Outputs    map[string][]string        `json:"outputs"`
	}
	if err := readStrict("aliases.json", &a); err != nil {
		return fmt.Errorf("read aliases: %w", err)
	}
	c.alias, c.props, c.outputs = a.Types, a.Properties, a.Outputs
	c.abstract, c.refused = set(a.Abstract), set(a.Refused)
	return nil
}

func set(names []string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// readStrict decodes a data file and refuses fields that nothing reads.
func readStrict(path string, into any) error {
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	dec := json.NewDecoder(f)
	dec.DisallowUnknownFields()
	return dec.Decode(into)
}
