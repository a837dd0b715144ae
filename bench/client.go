package bench

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

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

// Ask sends a line and returns the first line of the answer without its end.
func (c *Client) Ask(line string) (string, error) {
	if err := c.Send([]byte(line + "\n")); err != nil {
		return "", err
	}
	return c.Line()
}

// WantOK sends a line that has to be answered by OK. Its error names the verb alone, because the
// rest of the line may be a secret.
func (c *Client) WantOK(line string) error {
	reply, err := c.Ask(line)
	if err == nil && reply != "OK" {
		err = wrongReply([]byte(reply), "OK")
	}
	if err != nil {
		verb, _, _ := strings.Cut(line, " ")
		return fmt.Errorf("%s: %w", verb, err)
	}
	return nil
}

// Send sends lines. Line reads what answers them.
func (c *Client) Send(lines []byte) error {
	if err := c.SetDeadline(time.Now().Add(c.answerMax)); err != nil {
		return err
	}
	_, err := c.Write(lines)
	return err
}

// Line reads a line of an answer, without its end.
func (c *Client) Line() (string, error) {
	line, err := c.In.ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}
