package bench

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// talkMax bounds every exchange outside of the measured time.
const talkMax = 10 * time.Second

// Client is a connection that sends a line and reads the answer, beside the load that is measured.
type Client struct {
	net.Conn
	In        *bufio.Reader
	answerMax time.Duration // for each answer
}

// Dial connects to a server, and authenticates if the token is not empty.
func Dial(addr, token string, answerMax time.Duration) (*Client, error) {
	conn, err := net.DialTimeout("tcp", addr, answerMax)
	if err != nil {
		return nil, err
	}
	c := &Client{Conn: conn, In: bufio.NewReader(conn), answerMax: answerMax}
	if token != "" {
		if err := c.WantOK("AUTH " + strconv.Quote(token)); err != nil {
			conn.Close()
			return nil, err
		}
	}
	return c, nil
}

// dial connects as the protocol of a run wants it.
func dial(load *Load, p *Protocol) (*Client, error) {
	if !p.ours {
		return Dial(load.Server, "", talkMax)
	}
	c, err := Dial(load.Server, load.Token, talkMax)
	if err == nil && p.detail {
		if err = c.WantOK("DETAIL ON"); err != nil {
			c.Close()
		}
	}
	return c, err
}

// Ask sends a line and returns the first line of the answer without its end.
func (c *Client) Ask(line string) (string, error) {
	if err := c.send(line); err != nil {
		return "", err
	}
	return c.Line()
}

func (c *Client) send(line string) error {
	if err := c.SetDeadline(time.Now().Add(c.answerMax)); err != nil {
		return err
	}
	_, err := c.Write([]byte(line + "\n"))
	return err
}

// Line reads a line of an answer, without its end.
func (c *Client) Line() (string, error) {
	line, err := c.In.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

// WantOK sends a line that has to be answered by OK. Its error names the verb alone, because the
// rest of the line may be a secret.
func (c *Client) WantOK(line string) error {
	err := c.send(line)
	if err == nil {
		err = c.readOK()
	}
	if err != nil {
		verb, _, _ := strings.Cut(line, " ")
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// readOK reads a line that has to be OK.
func (c *Client) readOK() error {
	line, err := c.Line()
	if err == nil && line != "OK" {
		err = wrongReply([]byte(line), "OK")
	}
	return err
}

// Info asks for INFO, all of it or one section, and returns its fields.
func (c *Client) Info(section string) (map[string]string, error) {
	head, err := c.Ask(strings.TrimSpace("INFO " + section))
	if err != nil {
		return nil, fmt.Errorf("INFO: %w", err)
	}
	count, ok := strings.CutPrefix(head, "OK lines=")
	lines, err := strconv.Atoi(count)
	if !ok || err != nil {
		return nil, fmt.Errorf("INFO: %w", wrongReply([]byte(head), "OK lines=..."))
	}
	fields := make(map[string]string)
	for range lines {
		line, err := c.Line()
		if err != nil {
			return nil, fmt.Errorf("INFO: %w", err)
		}
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		}
	}
	return fields, nil
}
