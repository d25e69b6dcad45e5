package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
)

// humaConfig is huma without the routes that it would add by itself.
func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Casare Fleet", version)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "", "", ""
	c.CreateHooks = nil
	c.Transformers = []huma.Transformer{humaProblem}
	c.Info.Description = "Runs CasareRPA workflows on a fleet of robots."
	c.Info.License = &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"}
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A key as 'Authorization: Bearer KEY'."},
		"apiKey": {Type: "apiKey", In: "header", Name: "X-Api-Key", Description: "The same key in a header of its own."},
	}
	c.Security = []map[string][]string{{"bearer": {}}, {"apiKey": {}}}
	reg := c.Components.Schemas
	reg.RegisterTypeAlias(reflect.TypeFor[fleet.State](), reflect.TypeFor[stateSchema]())
	reg.RegisterTypeAlias(reflect.TypeFor[fleet.EventKind](), reflect.TypeFor[eventKindSchema]())
	reg.RegisterTypeAlias(reflect.TypeFor[fleet.RobotStatus](), reflect.TypeFor[robotStatusSchema]())
	reg.RegisterTypeAlias(reflect.TypeFor[fleet.Code](), reflect.TypeFor[codeSchema]())
	reg.RegisterTypeAlias(reflect.TypeFor[huma.ErrorModel](), reflect.TypeFor[Problem]())
	return c
}

// The types below give closed lists to the document.
type (
	stateSchema       string
	eventKindSchema   string
	robotStatusSchema string
	codeSchema        string
)

// Schema lists the states of a job.
func (stateSchema) Schema(huma.Registry) *huma.Schema { return enum(fleet.States()) }

// Schema lists the kinds of events.
func (eventKindSchema) Schema(huma.Registry) *huma.Schema { return enum(fleet.EventKinds()) }

// Schema lists what a robot can be shown as.
func (robotStatusSchema) Schema(huma.Registry) *huma.Schema {
	return enum([]fleet.RobotStatus{
		fleet.RobotOffline, fleet.RobotOnline, fleet.RobotBusy, fleet.RobotError, fleet.RobotMaintenance,
		fleet.RobotPaused, fleet.RobotDraining,
	})
}

// Schema lists the kinds of errors.
func (codeSchema) Schema(huma.Registry) *huma.Schema {
	var codes []fleet.Code
	for _, row := range fleet.Codes() {
		codes = append(codes, row.Code)
	}
	return enum(codes)
}

func enum[S ~string](values []S) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString}
	for _, v := range values {
		s.Enum = append(s.Enum, string(v))
	}
	return s
}

// schemaOf is the schema of a body of type T.
func schemaOf[T any]() func(huma.Registry) *huma.Schema {
	return func(r huma.Registry) *huma.Schema { return r.Schema(reflect.TypeFor[T](), true, "") }
}

// anyObject is the schema of a body that somebody else describes.
func anyObject(text string) func(huma.Registry) *huma.Schema {
	return func(huma.Registry) *huma.Schema {
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: text}
	}
}

func problemResponse(r huma.Registry) *huma.Response {
	return &huma.Response{
		Description: "Error",
		Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: r.Schema(reflect.TypeFor[Problem](), true, "")}},
	}
}

// finishDocument says what huma cannot know.
func finishDocument(doc *huma.OpenAPI) {
	for _, s := range doc.Components.Schemas.Map() {
		neverNull(s, map[*huma.Schema]bool{})
	}
	if s := doc.Components.Schemas.Map()["SubmitRequest"]; s != nil {
		s.Properties["priority"] = &huma.Schema{
			Description: s.Properties["priority"].Description,
			OneOf:       []*huma.Schema{{Type: huma.TypeInteger}, enum([]string{"critical", "high", "normal", "low"})},
		}
		for _, name := range []string{"inputs", "variables"} {
			s.Properties[name] = &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Description: s.Properties[name].Description}
		}
	}
	documentTenant(doc)
	for _, path := range doc.Paths {
		for _, op := range operationsOf(path) {
			for code, r := range op.Responses {
				if code != "default" && r.Headers == nil {
					r.Headers = map[string]*huma.Param{}
				}
			}
		}
	}
}

func writeDocument(doc *huma.OpenAPI) ([]byte, error) {
	var buf bytes.Buffer
	raw, err := json.Marshal(doc)
	if err == nil {
		err = json.Indent(&buf, raw, "", "  ")
	}
	if err != nil {
		return nil, fmt.Errorf("write the API document: %w", err)
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}

func operationsOf(p *huma.PathItem) []*huma.Operation {
	all := []*huma.Operation{p.Get, p.Post, p.Put, p.Patch, p.Delete}
	return slices.DeleteFunc(all, func(o *huma.Operation) bool { return o == nil })
}

// neverNull takes null away from lists: they are empty instead.
func neverNull(s *huma.Schema, seen map[*huma.Schema]bool) {
	if s == nil || seen[s] {
		return
	}
	seen[s] = true
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	neverNull(s.Items, seen)
	for _, p := range s.Properties {
		neverNull(p, seen)
	}
	for _, p := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		neverNull(p, seen)
	}
}

// Document is the OpenAPI document of the API, as it is served and committed.
func Document() ([]byte, error) {
	a, err := newAPI(Options{Version: documentVersion})
	if err != nil {
		return nil, err
	}
	return a.document()
}

// documentVersion is the version of the API, not of the program: the committed
// document must not change with every release.
const documentVersion = "1"

func (a *API) documentRoutes() {
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/openapi.json", id: "document.get", summary: "This document",
		may: open(), rate: rateOpen,
	}, nil, map[string]*huma.Response{"200": {
		Description: "OK",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}},
	}}, func(w http.ResponseWriter, _ *http.Request) error {
		text, err := a.document()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/json")
		_, err = w.Write(text)
		return ignoreWrite(err)
	})
}

// ignoreWrite drops the error of a write: the client has gone, and nobody is
// left to be told.
func ignoreWrite(error) error { return nil }
