// Package nodes lists the node types that this program runs itself. Each
// family is a folder below with the behaviour of its types; what the types look
// like is data and stands in the catalog.
//
// The package only puts the families together. It holds no behaviour, and a
// type that two families claim is an error, not a choice.
package nodes

import (
	"fmt"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/internal/nodes/data"
	"github.com/casarerpa/fleet/internal/nodes/file"
	"github.com/casarerpa/fleet/internal/nodes/flow"
	"github.com/casarerpa/fleet/internal/nodes/markup"
	"github.com/casarerpa/fleet/internal/nodes/process"
	"github.com/casarerpa/fleet/internal/nodes/queue"
	"github.com/casarerpa/fleet/internal/nodes/rest"
	"github.com/casarerpa/fleet/internal/nodes/script"
	"github.com/casarerpa/fleet/internal/nodes/text"
)

// Standard returns the whole library: the structure of workflows, which the
// engine runs itself, and every family.
func Standard() (engine.Library, error) {
	all, err := engine.Merge(
		engine.Structural(),
		flow.Nodes(), data.Nodes(), text.Nodes(), file.Nodes(), markup.Nodes(), rest.Nodes(),
		process.Nodes(), script.Nodes(), queue.Nodes(),
	)
	if err != nil {
		return nil, fmt.Errorf("put the node library together: %w", err)
	}
	return all, nil
}
