package settings

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"dlm/codec"
)

// into returns a parser that stores the value in field.
func into[T any](field *T, parse func(string) (T, error)) func(string) error {
	return func(text string) error {
		value, err := parse(text)
		if err == nil {
			*field = value
		}
		return err
	}
}

// parseText takes any text except an empty one.
func parseText(text string) (string, error) {
	if text == "" {
		return "", errors.New("the value is empty")
	}
	return text, nil
}

// parseHosts takes names of hosts, separated by commas.
func parseHosts(text string) (names []string, err error) {
	for _, name := range strings.Split(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" || strings.ContainsAny(name, ":/*[]@ ") {
			return nil, fmt.Errorf("%q is not the name of a host such as locks.example.com, without a scheme or a port", name)
		}
		names = append(names, name)
	}
	return names, nil
}

// parseCount takes a whole number from 1. It refuses 0, because some users mean the default by
// it and others no limit.
func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a whole number of 1 or more", text)
	}
	return n, nil
}

// parseToken takes a fencing token, or 0.
func parseToken(text string) (codec.Token, error) {
	n, err := strconv.ParseUint(text, 10, 53)
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number below 2^53", text)
	}
	return codec.Token(n), nil
}

func parseBool(text string) (bool, error) {
	b, err := strconv.ParseBool(text)
	if err != nil {
		return false, fmt.Errorf("%q is neither true nor false", text)
	}
	return b, nil
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	switch _, noUnit := strconv.ParseFloat(text, 64); {
	case err != nil && noUnit == nil:
		return 0, fmt.Errorf("%q has no unit: write %ss for seconds, %sms for milliseconds", text, text, text)
	case err != nil:
		return 0, fmt.Errorf("%q is not a duration such as 500ms, 30s or 1m30s", text)
	case d <= 0:
		return 0, fmt.Errorf("%q is not above zero", text)
	}
	return d, nil
}

// byteUnits are the units of a size. No unit is the end of a later one, so that the first match
// is the right one.
var byteUnits = []struct {
	suffix string
	bytes  int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40},
	{"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}, {"B", 1},
}

// parseSize takes a number of bytes, 0 or more: 4096, 512KiB, 256MiB, 1GB.
func parseSize(text string) (int64, error) {
	number, factor := text, int64(1)
	for _, unit := range byteUnits {
		if n := len(text) - len(unit.suffix); n > 0 && strings.EqualFold(text[n:], unit.suffix) {
			number, factor = strings.TrimSpace(text[:n]), unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil || n < 0:
		return 0, fmt.Errorf("%q is not a size such as 4096, 512KiB, 256MiB or 1GiB", text)
	case n > math.MaxInt64/factor:
		return 0, fmt.Errorf("%q is too large", text)
	}
	return n * factor, nil
}

// parseLimit takes a size of 1 byte or more.
func parseLimit(text string) (int64, error) {
	n, err := parseSize(text)
	if err == nil && n == 0 {
		err = fmt.Errorf("%q is not a size of 1 byte or more", text)
	}
	return n, err
}

func parseLimitInt(text string) (int, error) {
	n, err := parseLimit(text)
	if err == nil && n > math.MaxInt {
		err = fmt.Errorf("%q is too large", text)
	}
	return int(n), err
}

// formatSize writes a size as parseSize reads it, in the largest unit that gives a whole number.
func formatSize(n int64) string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		for _, u := range byteUnits {
			if u.suffix == unit && n > 0 && n%u.bytes == 0 {
				return strconv.FormatInt(n/u.bytes, 10) + unit
			}
		}
	}
	return strconv.FormatInt(n, 10)
}

// parsePrefixes takes networks, or single addresses, with commas between them.
func parsePrefixes(text string) (list []netip.Prefix, err error) {
	for _, word := range strings.Split(text, ",") {
		word = strings.TrimSpace(word)
		prefix, err := netip.ParsePrefix(word)
		if addr, notAddr := netip.ParseAddr(word); notAddr == nil {
			prefix, err = addr.Prefix(addr.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is neither a network such as 10.1.0.0/16 nor an address", word)
		}
		list = append(list, prefix.Masked())
	}
	return list, nil
}

func parseLevel(text string) (slog.Level, error) {
	for _, level := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(text, level.String()) {
			return level, nil
		}
	}
	return 0, fmt.Errorf("%q is not one of debug, info, warn, error", text)
}

func parseFormat(text string) (string, error) {
	if text != "text" && text != "json" {
		return "", fmt.Errorf("%q is neither text nor json", text)
	}
	return text, nil
}

// parseRecover takes the only recovery that a user has to ask for.
func parseRecover(text string) (bool, error) {
	if text != "older" {
		return false, fmt.Errorf("%q is not 'older', the only value", text)
	}
	return true, nil
}
