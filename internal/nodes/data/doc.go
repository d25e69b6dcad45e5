// Package data holds the nodes that compute: maths, comparison, chance, lists,
// dictionaries, JSON, comparing tables, date and time.
//
// Values follow Python through package value: numbers, order, equality and the
// words of errors. Nodes never change what they are given; a result that looks
// like a changed list or object is a copy. Chance and the clock come from the
// host alone.
package data

import "github.com/casarerpa/fleet/internal/engine"

// Nodes returns the behaviours of this family by type name.
func Nodes() engine.Set {
	return engine.Set{
		"MathOperationNode": engine.Act(mathOperation),
		"ComparisonNode":    engine.Act(comparison),

		"RandomNumberNode": engine.Act(randomNumber),
		"RandomChoiceNode": engine.Act(randomChoice),
		"RandomStringNode": engine.Act(randomString),
		"RandomUUIDNode":   engine.Act(randomUUID),
		"ShuffleListNode":  engine.Act(shuffleList),

		"CreateListNode":   engine.Act(createList),
		"ListGetItemNode":  engine.Act(listGetItem),
		"ListLengthNode":   engine.Act(listLength),
		"ListAppendNode":   engine.Act(listAppend),
		"ListContainsNode": engine.Act(listContains),
		"ListSliceNode":    engine.Act(listSlice),
		"ListJoinNode":     engine.Act(listJoin),
		"ListSortNode":     engine.Act(listSort),
		"ListReverseNode":  engine.Act(listReverse),
		"ListUniqueNode":   engine.Act(listUnique),
		"ListFilterNode":   engine.Act(listFilter),
		"ListMapNode":      engine.Act(listMap),
		"ListReduceNode":   engine.Act(listReduce),
		"ListFlattenNode":  engine.Act(listFlatten),
		"ListSuperNode":    engine.Act(listSuper),

		"JsonParseNode":   engine.Act(jsonParse),
		"GetPropertyNode": engine.Act(getProperty),
		"DictGetNode":     engine.Act(dictGet),
		"DictSetNode":     engine.Act(dictSet),
		"DictRemoveNode":  engine.Act(dictRemove),
		"DictMergeNode":   engine.Act(dictMerge),
		"DictKeysNode":    engine.Act(dictKeys),
		"DictValuesNode":  engine.Act(dictValues),
		"DictHasKeyNode":  engine.Act(dictHasKey),
		"CreateDictNode":  engine.Act(createDict),
		"DictToJsonNode":  engine.Act(dictToJSON),
		"DictItemsNode":   engine.Act(dictItems),
		"DictSuperNode":   engine.Act(dictSuper),
		"DataCompareNode": engine.Act(dataCompare),

		"GetCurrentDateTimeNode": engine.Act(currentDateTime),
		"FormatDateTimeNode":     engine.Act(formatDateTime),
		"ParseDateTimeNode":      engine.Act(parseDateTime),
		"DateTimeAddNode":        engine.Act(dateTimeAdd),
		"DateTimeDiffNode":       engine.Act(dateTimeDiff),
		"DateTimeCompareNode":    engine.Act(dateTimeCompare),
		"GetTimestampNode":       engine.Act(getTimestamp),
	}
}
