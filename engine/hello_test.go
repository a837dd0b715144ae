package engine

import (
	"strings"
	"testing"
)

// TestFeaturesAreInTheReference checks that PROTOCOL.md explains each word of HELLO's features.
func TestFeaturesAreInTheReference(t *testing.T) {
	text := readFile(t, "../PROTOCOL.md")
	_, list, found := strings.Cut(string(text), "\nFeatures: ")
	list, _, _ = strings.Cut(list, "\n\n")
	for word := range strings.SplitSeq(features, ",") {
		if !found || !strings.Contains(list, "`"+word+"` (") {
			t.Errorf("the feature %q is not explained", word)
		}
	}
}
