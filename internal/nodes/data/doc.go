// Package data holds the nodes that compute: maths, comparison, chance, lists,
// dictionaries, JSON, comparing tables, date and time.
//
// Values follow Python through package value: numbers, order, equality and the
// words of errors. Nodes never change what they are given; a result that looks
// like a changed list or object is a copy. Chance and the clock come from the
// host alone.
package data

import (
	"context"

	"github.com/casarerpa/fleet/internal/engine"
)

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	return engine.Set{
		"MathOperationNode": step(mathOperation),
		"ComparisonNode":    step(comparison),

		"RandomNumberNode": step(randomNumber),
		"RandomChoiceNode": step(randomChoice),
		"RandomStringNode": step(randomString),
		"RandomUUIDNode":   step(randomUUID),
		"ShuffleListNode":  step(shuffleList),

		"CreateListNode":   step(createList),
		"ListGetItemNode":  step(listGetItem),
		"ListLengthNode":   step(listLength),
		"ListAppendNode":   step(listAppend),
		"ListContainsNode": step(listContains),
		"ListSliceNode":    step(listSlice),
		"ListJoinNode":     step(listJoin),
		"ListSortNode":     step(listSort),
		"ListReverseNode":  step(listReverse),
		"ListUniqueNode":   step(listUnique),
		"ListFilterNode":   step(listFilter),
		"ListMapNode":      step(listMap),
		"ListReduceNode":   step(listReduce),
		"ListFlattenNode":  step(listFlatten),
		"ListSuperNode":    step(listSuper),

		"JsonParseNode":   step(jsonParse),
		"GetPropertyNode": step(getProperty),
		"DictGetNode":     step(dictGet),
		"DictSetNode":     step(dictSet),
		"DictRemoveNode":  step(dictRemove),
		"DictMergeNode":   step(dictMerge),
		"DictKeysNode":    step(dictKeys),
		"DictValuesNode":  step(dictValues),
		"DictHasKeyNode":  step(dictHasKey),
		"CreateDictNode":  step(createDict),
		"DictToJsonNode":  step(dictToJSON),
		"DictItemsNode":   step(dictItems),
		"DictSuperNode":   step(dictSuper),
		"DataCompareNode": step(dataCompare),

		"GetCurrentDateTimeNode": step(currentDateTime),
		"FormatDateTimeNode":     step(formatDateTime),
		"ParseDateTimeNode":      step(parseDateTime),
		"DateTimeAddNode":        step(dateTimeAdd),
		"DateTimeDiffNode":       step(dateTimeDiff),
		"DateTimeCompareNode":    step(dateTimeCompare),
		"GetTimestampNode":       step(getTimestamp),
	}
}

// step makes a node of a function that always goes on at every exec link.
func step(act func(c *engine.Call) error) engine.Node {
	return engine.Func(func(_ context.Context, c *engine.Call) (engine.Result, error) {
		return engine.Continue(), act(c)
	})
}

// failure is the end of a step with the type that the original gives to
// everything that a node reports by itself.
func failure(message string) error {
	return engine.Fail("ExecutionError", "%s", message)
}
