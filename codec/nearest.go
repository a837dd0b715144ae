package codec

import "math/bits"

// nearest returns the command of that form that the client probably meant, or "". It first compares
// sets of letters, which excludes most commands cheaply, because a client may send a million
// unknown words.
func nearest(word []byte, form Form) string {
	best, distance := "", min(2, (len(word)-1)/2)
	if len(word) < 3 {
		return ""
	}
	letters := lettersOf(word)
	for i := range Docs {
		doc := &Docs[i]
		if form == FormText && doc.Verb >= VerbClient {
			continue
		}
		if len(word) < len(doc.Name) && doc.Name[:len(word)] == string(word) {
			return doc.Name
		}
		if apart := len(word) - len(doc.Name); apart > distance || -apart > distance {
			continue
		}
		if lettersApart(letters, docLetters[i]) > distance {
			continue
		}
		if n := EditDistance(word, doc.Name); n <= distance {
			best, distance = doc.Name, n-1
		}
	}
	return best
}

// docLetters has the letters of each command in Docs.
var docLetters = func() []uint32 {
	sets := make([]uint32, len(Docs))
	for i := range Docs {
		sets[i] = lettersOf([]byte(Docs[i].Name))
	}
	return sets
}()

// lettersOf returns the set of letters in the word. Some bytes share a bit, so two sets differ by
// no more than the words.
func lettersOf(word []byte) (set uint32) {
	for _, c := range word {
		set |= 1 << (c & 31)
	}
	return set
}

// lettersApart returns a lower bound of the changes that turn a word with the letters a into one
// with the letters b. A change takes one letter and adds one.
func lettersApart(a, b uint32) int {
	return max(bits.OnesCount32(a&^b), bits.OnesCount32(b&^a))
}

// EditDistance returns how many bytes must be inserted, deleted or changed to turn a into b (Wagner
// and Fischer 1974). It takes a b of 40 bytes or more for one that has nothing in common with a.
func EditDistance(a []byte, b string) int {
	var row [40]int
	if len(b) >= len(row) {
		return len(b)
	}
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
