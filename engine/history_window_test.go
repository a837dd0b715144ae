package engine

import (
	"cmp"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"

	"dlm/internal/testflag"
)

// window returns the operations on one lock.
func (w *history) window(lock string) (list []porcupine.Operation) {
	copies := map[string]int{} // of requests: ACQUIREs, and CANCELs, which count twice
	for _, op := range w.ops {
		if op.lock == lock && op.req != "" {
			copies[op.key()] += map[string]int{"ACQUIRE": 1, "CANCEL": 2}[op.verb]
		}
	}
	for _, op := range w.ops {
		if op.lock == lock {
			op.mayCancel = op.req != "" && copies[op.key()] > 1
			list = append(list, porcupine.Operation{Input: op, Call: op.call, Return: op.ret})
		}
	}
	return list
}

// linearizable fails if the history of the lock is not that of one lock. A checker that gave up
// has shown nothing, so it fails too. linearizable returns the number of operations.
func (w *history) linearizable(lock string) int {
	w.t.Helper()
	list := w.window(lock)
	result := porcupine.CheckOperationsTimeout(historyModel, list, testflag.Patience)
	if result != porcupine.Ok {
		w.t.Errorf("%s: the history of %d operations is %s:\n%s", lock, len(list), result, explain(list))
	}
	return len(list)
}

// explain returns the last operations of the shortest beginning of the history that is none of a
// lock.
func explain(list []porcupine.Operation) (text string) {
	var ends []int64
	for _, x := range list {
		ends = append(ends, x.Return)
	}
	slices.Sort(ends)
	n := sort.Search(len(ends), func(i int) bool {
		return porcupine.CheckOperationsTimeout(historyModel, until(list, ends[i]), time.Second) != porcupine.Ok
	})
	short := until(list, ends[min(n, len(ends)-1)])
	for _, x := range short[max(0, len(short)-25):] {
		op := x.Input.(*operation)
		text += fmt.Sprintf("  %d-%d %s %s: %s token=%d count=%d %s %v\n", op.call, op.ret, op.service,
			op.line(), cmp.Or(op.code, "lost"), op.token, op.count, op.found, op.holders)
	}
	return text
}

// until returns the history up to a moment. Operations under way then are not answered.
func until(list []porcupine.Operation, end int64) (cut []porcupine.Operation) {
	for _, x := range list {
		op := *x.Input.(*operation)
		if op.ret > end {
			op.code, op.found, x.Return = "", "", end
		}
		if x.Input = &op; op.call <= end {
			cut = append(cut, x)
		}
	}
	return cut
}
