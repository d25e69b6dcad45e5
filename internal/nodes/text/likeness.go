package text

import (
	"context"
)

// From so many characters on, characters that make up more than a hundredth of
// the second text are too common to start a match, as in Python's difflib.
const commonFrom = 200

// likeness compares texts with one that stays the same, by the share of
// characters in common blocks: twice their number over the length of both.
// The blocks are the longest common run, then the longest to its left and
// right, and so on.
type likeness struct {
	a []rune
}

// ratio is a number from 0 to 1. It gives up with the cause when ctx ends,
// since the work may grow with the product of the lengths.
func (l likeness) ratio(ctx context.Context, other string) (float64, error) {
	b := []rune(other)
	if len(l.a)+len(b) == 0 {
		return 1, nil
	}
	places := map[rune][]int{}
	for j, r := range b {
		places[r] = append(places[r], j)
	}
	if len(b) >= commonFrom {
		for r, at := range places {
			if len(at) > len(b)/100+1 {
				delete(places, r)
			}
		}
	}
	matched := 0
	lengths := [2][]int{make([]int, len(b)+1), make([]int, len(b)+1)}
	todo := []block{{0, len(l.a), 0, len(b)}}
	for len(todo) > 0 {
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		within := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		i, j, size := l.longest(b, places, within, &lengths)
		if size == 0 {
			continue
		}
		matched += size
		if within.aFrom < i && within.bFrom < j {
			todo = append(todo, block{within.aFrom, i, within.bFrom, j})
		}
		if i+size < within.aTo && j+size < within.bTo {
			todo = append(todo, block{i + size, within.aTo, j + size, within.bTo})
		}
	}
	return 2 * float64(matched) / float64(len(l.a)+len(b)), nil
}

// block is a part of both texts.
type block struct{ aFrom, aTo, bFrom, bTo int }

// longest finds the first of the longest common runs inside a block. lengths
// holds, for the last and the current character of a, how long the run is that
// ends before each place of b; it is all zero before and after.
func (l likeness) longest(b []rune, places map[rune][]int, in block, lengths *[2][]int) (bestA, bestB, size int) {
	bestA, bestB = in.aFrom, in.bFrom
	last, now := lengths[0], lengths[1]
	var written []int // places of last that are not zero
	for i := in.aFrom; i < in.aTo; i++ {
		var fresh []int
		for _, j := range places[l.a[i]] {
			if j < in.bFrom {
				continue
			}
			if j >= in.bTo {
				break
			}
			run := last[j] + 1
			now[j+1] = run
			fresh = append(fresh, j+1)
			if run > size {
				bestA, bestB, size = i-run+1, j-run+1, run
			}
		}
		for _, j := range written {
			last[j] = 0
		}
		last, now, written = now, last, fresh
	}
	for _, j := range written {
		last[j] = 0
	}
	// Common characters start no run but may lengthen one.
	for bestA > in.aFrom && bestB > in.bFrom && l.a[bestA-1] == b[bestB-1] {
		bestA, bestB, size = bestA-1, bestB-1, size+1
	}
	for bestA+size < in.aTo && bestB+size < in.bTo && l.a[bestA+size] == b[bestB+size] {
		size++
	}
	return bestA, bestB, size
}
