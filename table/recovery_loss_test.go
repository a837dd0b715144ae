package table

// loseConns ends all connections. Requests under way may have been executed or not.
func (w *recWorld) loseConns() {
	for _, m := range w.sent {
		w.noAnswer(m, &w.clients[m.client].books[m.lock])
	}
	for _, m := range w.waiting {
		w.noAnswer(m, &w.clients[m.client].books[m.lock])
	}
	w.sent = nil
	clear(w.waiting)
	for c := range w.clients {
		for lock := range w.clients[c].books {
			b := &w.clients[c].books[lock]
			b.agree = false
			if b.has && w.now >= b.until {
				*b = recBook{}
			}
		}
	}
}

// die ends a client and drops all it has sent.
func (w *recWorld) die(c int) {
	client := &w.clients[c]
	client.dead, client.diedAt = true, w.now
	kept := w.sent[:0:0]
	for _, m := range w.sent {
		if m.client != c {
			kept = append(kept, m)
		}
	}
	w.sent = kept
	for lock := range client.books {
		if b := &client.books[lock]; b.waits {
			w.table.ShardAt(int(b.wait.Shard)).Cancel(w.tableNow(), b.wait, &w.fx)
		}
		client.books[lock] = recBook{}
	}
	for ticket, m := range w.waiting {
		if m.client == c {
			delete(w.waiting, ticket)
		}
	}
	w.logf("%s dies", client.service)
}
