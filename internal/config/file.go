package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"go.yaml.in/yaml/v3"

	"github.com/casarerpa/fleet/fleet"
)

// Section is the part of the file that one program reads.
type Section struct {
	Name string // key in the file
	For  string // who reads it, for the reference page
	Zero any    // pointer to the program's struct
}

// Sections lists the programs in the order of the reference page.
func Sections() []Section {
	return []Section{
		{"serve", "`fleet serve`, the orchestrator; `fleet db` reads where its database is", &Serve{}},
		{"robot", "`fleet robot run`, a robot", &Robot{}},
		{"client", "every command that talks to an orchestrator", &Client{}},
		{"dev", "`fleet dev`, everything in one process", &Dev{}},
		{"canvas", "`fleet canvas`, the editor on one's own machine; address and key may also stand under client", &Canvas{}},
	}
}

// sectionOf says which section a command reads, by its path below the program.
func sectionOf(command []string) string {
	switch {
	case len(command) == 0:
		return ""
	case command[0] == "serve" || command[0] == "dev" || command[0] == "canvas":
		return command[0]
	case command[0] == "db":
		return "serve"
	case len(command) > 1 && command[0] == "robot" && (command[1] == "run" || command[1] == "start"):
		return "robot"
	}
	return "client"
}

// File is a configuration file, checked: every key in it exists.
type File struct {
	path   string
	values map[string]map[string]string // section → flag → value
}

// maxFile bounds the configuration file.
const maxFile = 1 << 20

// Parse reads YAML. Keys are the names of the flags with _ or - between words;
// what stands before the first - may also be a level of its own, so
// timing: {lost: 2m} is timing-lost.
func Parse(path string, r io.Reader) (*File, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, fleet.Invalid("config", "%s is larger than %d bytes.", path, maxFile)
	}
	var doc map[string]map[string]any
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		return nil, fleet.Errorf(fleet.CodeInvalid, "config_file", "%s: %w", path, err)
	}
	f := &File{path: path, values: map[string]map[string]string{}}
	var sections []string
	for _, s := range Sections() {
		sections = append(sections, s.Name)
	}
	for name, body := range doc {
		i := slices.Index(sections, name)
		if i < 0 {
			return nil, f.unknown(name, name, sections)
		}
		known, err := flagNames(Sections()[i].Zero)
		if err != nil {
			return nil, err
		}
		f.values[name] = map[string]string{}
		if err := f.flatten(name, "", body, known); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *File) flatten(section, prefix string, body map[string]any, known []string) error {
	for key, v := range body {
		name := prefix + strings.ReplaceAll(key, "_", "-")
		if inner, ok := v.(map[string]any); ok {
			if err := f.flatten(section, name+"-", inner, known); err != nil {
				return err
			}
			continue
		}
		if !slices.Contains(known, name) {
			return f.unknown(section+"."+key, name, known)
		}
		text, err := scalar(v)
		if err != nil {
			return fleet.Invalid(section+"."+key, "%s: %s.%s %s.", f.path, section, key, err)
		}
		if _, twice := f.values[section][name]; twice {
			return fleet.Invalid(section+"."+key, "%s: %s.%s is set twice.", f.path, section, name)
		}
		f.values[section][name] = text
	}
	return nil
}

func (f *File) unknown(shown, name string, known []string) error {
	err := fleet.Invalid(shown, "%s: there is no setting %s.", f.path, shown)
	if near := nearest(name, known); near != "" {
		err = err.WithFix("Did you mean " + strings.ReplaceAll(near, "-", "_") + "?")
	}
	return err
}

// scalar gives a YAML value the form that a flag has. Lists become one text
// with commas, those inside the elements escaped.
func scalar(v any) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", errors.New("has no value")
	case string:
		return v, nil
	case bool, int, int64, uint64, float64:
		return fmt.Sprint(v), nil
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			text, err := scalar(e)
			if err != nil {
				return "", err
			}
			parts[i] = strings.NewReplacer(`\`, `\\`, ",", `\,`).Replace(text)
		}
		return strings.Join(parts, ","), nil
	}
	return "", fmt.Errorf("must be a text, a number, true, false or a list; got %T", v)
}

// Options makes kong read the environment and the file. The file is --config
// (of type kong.ConfigFlag), else FLEET_CONFIG, else config.yaml in the user's
// configuration folder if it exists; --config is read on top of the other.
func Options(getenv func(string) string) ([]kong.Option, error) {
	load := func(r io.Reader) (kong.Resolver, error) {
		path := "the configuration file"
		if named, ok := r.(interface{ Name() string }); ok {
			path = named.Name()
		}
		f, err := Parse(path, r)
		if err != nil {
			return nil, err
		}
		return resolver{getenv, f}, nil
	}
	options := []kong.Option{kong.Configuration(load), kong.Resolvers(resolver{getenv, nil})}
	path, must := getenv("FLEET_CONFIG"), true
	if path == "" {
		path, must = DefaultFile(getenv), false
	}
	file, err := os.Open(path)
	switch {
	case errors.Is(err, os.ErrNotExist) && !must:
		return options, nil
	case err != nil:
		return nil, fleet.Errorf(fleet.CodeInvalid, "config_file", "read the configuration: %w", err)
	}
	defer file.Close()
	r, err := load(file)
	if err != nil {
		return nil, err
	}
	return append(options, kong.Resolvers(r)), nil
}

// resolver answers for flags that the command line did not set.
type resolver struct {
	getenv func(string) string
	file   *File // nil: environment alone
}

// Validate is part of kong.Resolver; Parse has checked the keys already.
func (r resolver) Validate(*kong.Application) error { return nil }

// Resolve gives the environment's value before the file's.
func (r resolver) Resolve(_ *kong.Context, parent *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if v := r.getenv(name); v != "" {
			return v, nil
		}
	}
	if r.file == nil {
		return nil, nil // not from here
	}
	var command []string
	if node := parent.Node(); node != nil {
		command = strings.Fields(node.Path())
	}
	section := sectionOf(command)
	if section == "canvas" && (flag.Name == "url" || flag.Name == "key") {
		return nil, nil // Addresses and ReadClientFile know in which order they count
	}
	if v, ok := r.file.values[section][flag.Name]; ok {
		return v, nil
	}
	return nil, nil // not from here
}

// DefaultFile is where the configuration is looked for.
func DefaultFile(getenv func(string) string) string {
	return filepath.Join(userFolder(getenv, "XDG_CONFIG_HOME", ".config"), "fleet", "config.yaml")
}

// DefaultDataDir is where data goes unless a data folder is set.
func DefaultDataDir(getenv func(string) string) string {
	return filepath.Join(userFolder(getenv, "XDG_DATA_HOME", filepath.Join(".local", "share")), "fleet")
}

// userFolder follows the habits of the system: what xdg names on Linux, and one
// folder for both purposes on macOS and Windows.
func userFolder(getenv func(string) string, xdg, below string) string {
	home := getenv("HOME")
	switch runtime.GOOS {
	case "windows":
		return getenv("LocalAppData")
	case "darwin":
		return filepath.Join(home, "Library", "Application Support")
	}
	if dir := getenv(xdg); filepath.IsAbs(dir) {
		return dir
	}
	if home == "" {
		return filepath.Join(os.TempDir(), "fleet-user")
	}
	return filepath.Join(home, below)
}
