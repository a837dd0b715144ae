package transport

// marksMax is how many places in the output are remembered. When there are more, every second one
// is forgotten, so the last of them are exact and the older ones are further apart.
const marksMax = 16

// tlsCounts relates bytes of the user to encrypted bytes, because the kernel counts the latter. The
// kernel does not tell where a record ends.
type tlsCounts struct {
	sent  int64  // encrypted bytes that the kernel has taken
	plain int64  // bytes of the user in the records that it has taken completely
	marks []mark // ends of records, in their order; the last is the end of the last record
}

// mark is the end of a record.
type mark struct{ plain, cipher int64 }

// add notes n bytes of the user whose record the kernel has taken to its end.
func (c *tlsCounts) add(n int) {
	if n == 0 {
		return
	}
	c.plain += int64(n)
	if len(c.marks) == marksMax {
		for i := range marksMax / 2 {
			c.marks[i] = c.marks[2*i+1]
		}
		c.marks = c.marks[:marksMax/2]
	}
	if c.marks == nil {
		c.marks = make([]mark, 0, marksMax)
	}
	c.marks = append(c.marks, mark{c.plain, c.sent})
}

// after returns how many bytes of the user are certainly among the last n encrypted bytes. A record
// is longer than its bytes of the user. So between two marks these have come at most as far as the
// encrypted ones.
func (c *tlsCounts) after(n int) int {
	if n <= 0 {
		return 0
	}
	at := max(0, c.sent-int64(n))
	var before mark
	for _, m := range c.marks {
		if m.cipher >= at {
			return int(c.plain - min(m.plain, before.plain+at-before.cipher))
		}
		before = m
	}
	return 0
}
