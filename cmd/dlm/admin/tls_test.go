package admin

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"dlm/engine/durability"
	"dlm/internal/testcert"
)

// TestCertificatesOnHTTPSide checks what a name in a certificate may do.
func TestCertificatesOnHTTPSide(t *testing.T) {
	ca := testcert.NewCA(t)
	f := &fake{memory: true}
	s, _ := serveOver(t, f, &tls.Config{Certificates: []tls.Certificate{ca.Pair()}, ClientCAs: ca.Pool(), ClientAuth: tls.VerifyClientCertIfGiven})
	for _, c := range []struct {
		name   string
		cert   string // a name in the certificate; empty: none is shown
		token  string
		method string
		path   string
		header string // of a backup
		want   int
	}{
		{"a backup fetches an image", "b.test", "", "GET", "/snapshot", "", http.StatusNotFound},
		{"it takes over", "b.test", "", "POST", "/depose", "1", http.StatusOK},
		{"its machine does not ask as a backup", "b.test", "", "POST", "/depose", "", http.StatusForbidden},
		{"it is no admin", "b.test", "", "POST", "/promote", "1", http.StatusForbidden},
		{"an admin", "a.test", "", "POST", "/promote", "", http.StatusOK},
		{"an admin asks the JSON side", "a.test", "", "GET", "/api/v1/me", "", http.StatusOK},
		{"as an admin", "a.test", "", "GET", "/api/v1/audit", "", http.StatusOK},
		{"a backup may not look there", "b.test", "", "GET", "/api/v1/history", "", http.StatusForbidden},
		{"a name that is not known there", "c.test", "", "GET", "/api/v1/me", "", http.StatusUnauthorized},
		{"a token counts before a certificate there", "a.test", "b", "GET", "/api/v1/audit", "", http.StatusForbidden},
		{"a name that is not known", "c.test", "", "GET", "/snapshot", "", http.StatusUnauthorized},
		{"no certificate", "", "", "GET", "/snapshot", "", http.StatusUnauthorized},
		{"a token counts before a certificate", "b.test", "m", "GET", "/snapshot", "", http.StatusForbidden},
		{"the token of a backup stops nobody", "", "b", "POST", "/depose", "1", http.StatusForbidden},
		{"a probe", "", "", "GET", "/livez", "", http.StatusOK},
	} {
		config := &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost"}
		if c.cert != "" {
			config.Certificates = []tls.Certificate{ca.Pair(testcert.DNS(c.cert))}
		}
		client := http.Client{Transport: &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true, DisableKeepAlives: true}}
		req, err := http.NewRequest(c.method, "https://"+s.Addr().String()+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.token != "" {
			req.Header.Set("Authorization", "Bearer "+c.token)
		}
		if c.header != "" {
			req.Header.Set(durability.HeaderBackup, c.header)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if res.StatusCode != c.want || res.ProtoMajor != 1 {
			t.Errorf("%s: %s %d %s", c.name, res.Proto, res.StatusCode, text)
		}
	}
	if f.steppedDown != 1 {
		t.Errorf("the server stepped down %d times", f.steppedDown)
	}
}

// TestPagesCannotUseCertificates checks that a browser that shows a certificate does it for no page
// of another origin.
func TestPagesCannotUseCertificates(t *testing.T) {
	ca := testcert.NewCA(t)
	s, _ := serveOver(t, &fake{}, &tls.Config{Certificates: []tls.Certificate{ca.Pair()}, ClientCAs: ca.Pool(), ClientAuth: tls.VerifyClientCertIfGiven})
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.Pool(), ServerName: "localhost",
		Certificates: []tls.Certificate{ca.Pair(testcert.DNS("a.test"))}}, DisableKeepAlives: true}}
	for _, header := range [][2]string{{"Origin", "https://evil.test"}, {"Sec-Fetch-Site", "cross-site"}} {
		req, err := http.NewRequest("POST", "https://"+s.Addr().String()+"/promote", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(header[0], header[1])
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != http.StatusForbidden {
			t.Errorf("%v: %d", header, res.StatusCode)
		}
	}
}

// TestImagesStayOffOpenNetworks asks over connections of several kinds.
func TestImagesStayOffOpenNetworks(t *testing.T) {
	loopback, other := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1)}
	for _, c := range []struct {
		name     string
		at       *net.TCPAddr // of the server
		tls      bool
		insecure bool
		want     bool
	}{
		{"this machine", loopback, false, false, true},
		{"this machine by IPv6", &net.TCPAddr{IP: net.IPv6loopback}, false, false, true},
		{"another machine", other, false, false, false},
		{"another machine over TLS", other, true, false, true},
		{"another machine, and the operator wants it", other, false, true, true},
		{"nobody knows", nil, false, false, false},
	} {
		f := &fake{memory: true}
		log := slog.New(slog.DiscardHandler)
		s := newServer(nil, log, 1)
		s.engine, s.metrics, s.InsecurePlain = f, newMetrics(f.Stats, func() int { return 0 }, log), c.insecure
		for _, request := range []string{"GET /snapshot", "POST /promote", "POST /depose", "POST /api/v1/promote", "POST /api/v1/depose"} {
			method, path, _ := strings.Cut(request, " ")
			req := httptest.NewRequest(method, "http://192.0.2.1"+path, strings.NewReader(`{"reason":"r"}`))
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Authorization", "Bearer a")
			if c.at != nil {
				req = req.WithContext(context.WithValue(req.Context(), http.LocalAddrContextKey, c.at))
			}
			if c.tls {
				req.TLS = new(tls.ConnectionState)
			}
			w := httptest.NewRecorder()
			s.handler().ServeHTTP(w, req)
			if refused := strings.Contains(w.Body.String(), "over TLS only"); refused == c.want || refused && w.Code != http.StatusForbidden {
				t.Errorf("%s, %s: %d %s", c.name, request, w.Code, w.Body)
			}
		}
	}
}
