package text

import (
	"context"
	"strings"

	"github.com/casarerpa/fleet/internal/engine"
	"github.com/casarerpa/fleet/workflow/value"
)

// fuzzyMatch finds the candidate that is most like a text. The two ways on are
// in no catalog, so flows without them continue as usual.
func fuzzyMatch(ctx context.Context, c *engine.Call) (engine.Result, error) {
	wanted, candidates := c.Text("search_string"), listOf(c.Param("candidates"))
	threshold, err := c.Float("threshold", 0.6)
	if err != nil {
		return engine.Result{}, err
	}
	scores := value.NewMap()
	if wanted == "" || len(candidates) == 0 {
		c.Set("is_match", false)
		c.Set("all_scores", scores)
		return engine.Goto("no_match"), nil
	}
	best, bestScore, bestIndex := "", 0.0, int64(-1)
	like := likeness{[]rune(wanted)}
	for i, item := range candidates {
		candidate, ok := item.(string)
		if !ok {
			continue
		}
		score, err := like.ratio(ctx, candidate)
		if err != nil {
			return engine.Result{}, err
		}
		scores.Set(candidate, score)
		if score > bestScore {
			best, bestScore, bestIndex = candidate, score, int64(i)
		}
	}
	match := bestScore >= threshold
	if !match {
		best = ""
	}
	c.Set("matched_string", best)
	c.Set("match_score", bestScore)
	c.Set("match_index", bestIndex)
	c.Set("is_match", match)
	c.Set("all_scores", scores)
	if match {
		return engine.Goto("match_found"), nil
	}
	return engine.Goto("no_match"), nil
}

// filterBySimilarity keeps what is like a text, and everything that is no text.
func filterBySimilarity(ctx context.Context, c *engine.Call) (engine.Result, error) {
	wanted, list := c.Text("filter_string"), listOf(c.Param("input_list"))
	threshold, err := c.Float("threshold", 0.6)
	if err != nil {
		return engine.Result{}, err
	}
	kept, scores := []any{}, value.NewMap()
	if wanted == "" {
		list = nil
	}
	like := likeness{[]rune(wanted)}
	for _, item := range list {
		candidate, ok := item.(string)
		if !ok {
			kept = append(kept, item)
			continue
		}
		score, err := like.ratio(ctx, candidate)
		if err != nil {
			return engine.Result{}, err
		}
		scores.Set(candidate, score)
		if score >= threshold {
			kept = append(kept, item)
		}
	}
	c.Set("filtered_list", kept)
	c.Set("scores", scores)
	c.Set("count", int64(len(kept)))
	return engine.Continue(), nil
}

// listOf reads a list, which the editor keeps as text: JSON or with commas.
func listOf(v any) []any {
	switch t := v.(type) {
	case []any:
		return t
	case string:
		if strings.TrimSpace(t) == "" {
			return nil
		}
		if parsed, err := value.Loads(t); err == nil {
			list, _ := parsed.([]any)
			return list
		}
		var list []any
		for part := range strings.SplitSeq(t, ",") {
			list = append(list, strings.TrimSpace(part))
		}
		return list
	}
	return nil
}
