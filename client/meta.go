package client

import (
	"context"
	"encoding/json"
	"time"

	"github.com/casarerpa/fleet/fleet"
)

// Meta is what a server says of itself.
type Meta struct {
	Version string    `json:"version"`
	Now     time.Time `json:"now"`
	Mode    string    `json:"mode"` // serve, dev or canvas
	Dev     bool      `json:"dev"`  // nobody is asked for a key
	Demo    bool      `json:"demo"`
	Issuer  string    `json:"issuer"` // by which people may sign in; empty: none
	Local   struct {
		Enabled bool   `json:"enabled"`
		Host    string `json:"host"`
		Folder  bool   `json:"folder"`
		Reason  string `json:"reason"`
	} `json:"local"`
	Orchestrator *fleet.Link `json:"orchestrator"` // of fleet canvas
}

// Meta asks what the server is. It needs no key.
func (c *Client) Meta(ctx context.Context) (out Meta, err error) {
	return out, c.get(ctx, at("meta"), nil, &out)
}

// NodeType is a node type with what an editor needs first; Rest is all of it.
type NodeType struct {
	Name       string `json:"node_type"`
	Title      string `json:"title"`
	Family     string `json:"family"`
	Capability string `json:"capability"`
	Native     bool   `json:"native"`
	Rest       json.RawMessage
}

// NodeTypes returns every node type that a workflow may have.
func (c *Client) NodeTypes(ctx context.Context) ([]NodeType, error) {
	var out struct {
		Types []json.RawMessage `json:"node_types"`
	}
	if err := c.get(ctx, at("node-types"), nil, &out); err != nil {
		return nil, err
	}
	list := make([]NodeType, len(out.Types))
	for i, raw := range out.Types {
		if err := json.Unmarshal(raw, &list[i]); err != nil {
			return nil, err
		}
		list[i].Rest = raw
	}
	return list, nil
}
