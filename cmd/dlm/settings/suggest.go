package settings

import (
	"fmt"

	"dlm/codec"
)

// didYouMean returns " (did you mean X?)" with the known word nearest to word, or nothing if no
// known word is near.
func didYouMean(word string, known []string) string {
	best, distance := "", max(2, len(word)/4)+1
	for _, k := range known {
		if d := codec.EditDistance([]byte(word), k); d < distance {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", best)
}
