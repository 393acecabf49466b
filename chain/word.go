package chain

import (
	"slices"
	"strings"
)

// word is one of a closed set: a status, a kind, a policy.
type word interface{ ~string }

// parseWord returns the word of the set that s spells exactly.
func parseWord[W word](field, s string, set []W) (W, error) {
	if i := slices.Index(set, W(s)); i >= 0 {
		return set[i], nil
	}
	names := make([]string, len(set))
	for i, w := range set {
		names[i] = string(w)
	}
	return "", invalid(field, s, "want "+strings.Join(names, ", ")+"; nothing else")
}

// scanWord reads a text column into dst and refuses what is not of the set.
func scanWord[W word](dst *W, field string, src any, set []W) error {
	var s string
	switch v := src.(type) {
	case string:
		s = v
	case []byte:
		s = string(v)
	default:
		return wrongType(field, src, "text")
	}
	w, err := parseWord(field, s, set)
	if err != nil {
		return err
	}
	*dst = w
	return nil
}
