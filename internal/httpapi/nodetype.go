package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/casarerpa/fleet/fleet"
	"github.com/casarerpa/fleet/workflow/catalog"
)

// NodeTypeList is every node type that a workflow may have.
type NodeTypeList struct {
	Families []string   `json:"families" doc:"In the order in which they are shown."`
	Types    []NodeType `json:"node_types" doc:"By family, then by name."`
}

// NodeType is what an editor knows of a node: enough to draw it and to make a
// form for it.
type NodeType struct {
	Name       string                 `json:"node_type"`
	Title      string                 `json:"title" doc:"The name in words."`
	Family     string                 `json:"family"`
	SameAs     string                 `json:"same_as,omitempty" doc:"Another type that this is a second name of."`
	ExecIn     bool                   `json:"exec_in"`
	ExecOut    []string               `json:"exec_out" doc:"Ports by which the flow leaves."`
	In         []NodePort             `json:"inputs"`
	Out        []NodePort             `json:"outputs"`
	Actions    map[string]NodePortSet `json:"actions,omitempty" doc:"Ports of a node with several actions, by the value of its property action."`
	Properties []NodeProperty         `json:"properties"`
	Capability string                 `json:"capability,omitempty" doc:"What a robot must offer to run it."`
	Native     bool                   `json:"native" doc:"This version runs it itself."`
	Reason     string                 `json:"reason,omitempty" doc:"Why it does not."`
	Wave       int                    `json:"wave"`
	Effect     string                 `json:"effect,omitempty" enum:"always,method" doc:"It acts on the outside world: always, or depending on the HTTP method."`
	Loopable   bool                   `json:"loopable,omitempty"`
	Added      bool                   `json:"added,omitempty" doc:"The original does not have it."`
}

// NodePort is a port for data.
type NodePort struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Required bool   `json:"required,omitempty"`
}

// NodePortSet is the ports of one action.
type NodePortSet struct {
	In  []NodePort `json:"inputs"`
	Out []NodePort `json:"outputs"`
}

// NodeProperty is one field of the form.
type NodeProperty struct {
	Name     string   `json:"name"`
	Label    string   `json:"label" doc:"The name in words."`
	Type     string   `json:"type" enum:"str,text,int,num,bool,any,json,list,dict,path,dir,glob,sel,code,choice,multi"`
	Default  any      `json:"default,omitempty"`
	Required bool     `json:"required,omitempty"`
	Choices  []string `json:"choices,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
}

func (a *API) nodeTypeRoutes() {
	made := sync.OnceValues(nodeTypes)
	a.routePlain(operation{
		method: http.MethodGet, path: Base + "/node-types", id: "node_types.list", summary: "Every node type with its ports and properties",
		may: need(fleet.WorkflowsRead), rate: rateRead,
		description: "The same for every caller of a version of the program; the ETag tells whether it has changed.",
	}, []*huma.Param{{Name: "If-None-Match", In: "header", Schema: &huma.Schema{Type: "string"}}}, map[string]*huma.Response{
		"200": {Description: "OK", Content: map[string]*huma.MediaType{"application/json": {Schema: schemaOf[NodeTypeList]()(a.huma.OpenAPI().Components.Schemas)}}},
		"304": {Description: "Not Modified"},
	}, func(w http.ResponseWriter, r *http.Request) error {
		text, err := made()
		if err != nil {
			return fleet.Internal(err)
		}
		sum := sha256.Sum256(text)
		tag := `"` + hex.EncodeToString(sum[:12]) + `"`
		w.Header().Set("ETag", tag)
		w.Header().Set("Cache-Control", "private, no-cache")
		if r.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return nil
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text) // a client that has gone needs no answer
		return nil
	})
}

// nodeTypes writes the catalog that is compiled in.
func nodeTypes() ([]byte, error) {
	cat, err := catalog.Load()
	if err != nil {
		return nil, err
	}
	out := NodeTypeList{Families: cat.Families(), Types: []NodeType{}}
	byFamily := map[string][]NodeType{}
	for _, name := range cat.Names() {
		t, _ := cat.Type(name)
		byFamily[t.Family] = append(byFamily[t.Family], nodeType(t))
	}
	for _, family := range out.Families {
		out.Types = append(out.Types, byFamily[family]...)
	}
	return json.Marshal(out)
}

func nodeType(t *catalog.Type) NodeType {
	n := NodeType{
		Name: t.Name, Title: catalog.Title(t.Name), Family: t.Family, SameAs: t.SameAs, ExecIn: t.ExecIn, ExecOut: notNil(t.ExecOut),
		In: nodePorts(t.In), Out: nodePorts(t.Out), Properties: []NodeProperty{}, Capability: t.Capability, Native: t.Support == catalog.Native,
		Reason: t.Reason, Wave: t.Wave, Effect: string(t.Effect), Loopable: t.Loopable, Added: t.Added,
	}
	for action, set := range t.Actions {
		if n.Actions == nil {
			n.Actions = map[string]NodePortSet{}
		}
		n.Actions[action] = NodePortSet{nodePorts(set.In), nodePorts(set.Out)}
	}
	for _, p := range t.Properties {
		n.Properties = append(n.Properties, NodeProperty{
			Name: p.Name, Label: catalog.Title(p.Name), Type: p.Type, Default: p.Default, Required: p.Required, Choices: p.Choices, Min: p.Min, Max: p.Max,
		})
	}
	return n
}

func nodePorts(list []catalog.Port) []NodePort {
	out := make([]NodePort, len(list))
	for i, p := range list {
		out[i] = NodePort(p)
	}
	return out
}
