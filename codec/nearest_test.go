package codec

import (
	"math/rand/v2"
	"testing"
)

// nearestOfAll is nearest without the comparison of letters.
func nearestOfAll(word []byte, form Form) string {
	best, distance := "", min(2, (len(word)-1)/2)
	if len(word) < 3 {
		return ""
	}
	for i := range Docs {
		doc := &Docs[i]
		if form == FormText && doc.Verb >= VerbClient {
			continue
		}
		if len(word) < len(doc.Name) && doc.Name[:len(word)] == string(word) {
			return doc.Name
		}
		if n := EditDistance(word, doc.Name); n <= distance {
			best, distance = doc.Name, n-1
		}
	}
	return best
}

func TestWordsAreToldApartByTheirLettersAlone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	near := 0
	for range 200_000 {
		word := []byte(Docs[rng.IntN(len(Docs))].Name)
		for range rng.IntN(4) {
			at, c := rng.IntN(len(word)), byte(rng.IntN(256))
			switch rng.IntN(3) {
			case 0:
				word[at] = c
			case 1:
				word = append(word[:at], append([]byte{c}, word[at:]...)...)
			default:
				if len(word) > 1 {
					word = append(word[:at], word[at+1:]...)
				}
			}
		}
		for _, form := range []Form{FormText, FormRESP} {
			want, got := nearestOfAll(word, form), nearest(word, form)
			if got != want {
				t.Fatalf("%q is near %q, want %q", word, got, want)
			}
			if got != "" {
				near++
			}
		}
	}
	if near < 10_000 {
		t.Fatalf("only %d words were near a command", near)
	}
}
