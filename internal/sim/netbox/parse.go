package netboxsim

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// parse turns a JSON value into a field's, or says why not.
func (s *store) parse(f *field, v any) (any, string) {
	if f.typ == tChoice {
		return parseChoice(f, v)
	}
	if v == nil {
		if f.nullable {
			return nil, ""
		}
		return nil, msgNull
	}
	switch f.typ {
	case tText:
		return parseText(f, v)
	case tInt:
		return parseInt(f, v)
	case tDecimal:
		return parseDecimal(f, v)
	case tFloat:
		return parseFloat(v)
	case tBool:
		return parseBool(f, v)
	case tTime:
		return parseTime(v)
	case tJSON:
		return rawJSON(jsonText(v)), ""
	case tRef:
		return s.parseRef(f, v)
	case tRefs:
		return s.parseRefs(f, v)
	case tContentType:
		return parseContentType(f, v)
	case tAddress:
		return parseAddress(v)
	case tPrefix:
		return parseNetwork(v)
	case tMAC:
		text, ok := canonicalMAC(pyText(v))
		if !ok {
			return nil, "Invalid MAC address format: " + pyText(v)
		}
		return text, ""
	}
	panic(fmt.Sprintf("netboxsim: field %s.%s cannot be written", f.owner.name, f.name))
}

func parseText(f *field, v any) (any, string) {
	var text string
	switch v := v.(type) {
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		text = v.String()
	default:
		return nil, msgNoText
	}
	if text == "" {
		if f.blankable {
			return "", ""
		}
		return nil, msgBlank
	}
	if f.norm != nil {
		text = f.norm(text)
	}
	if f.max > 0 && len(text) > f.max && len([]rune(text)) > f.max {
		return nil, fmt.Sprintf("Ensure this field has no more than %d characters.", f.max)
	}
	if f.check != nil {
		if msg := f.check(text); msg != "" {
			return nil, msg
		}
	}
	return text, ""
}

var trailingZeros = regexp.MustCompile(`\.0*\s*$`)

func parseInt(f *field, v any) (any, string) {
	switch v.(type) {
	case string, json.Number:
	default:
		return nil, msgInt
	}
	text := trailingZeros.ReplaceAllString(strings.TrimSpace(pyText(v)), "")
	n, err := strconv.Atoi(text)
	if err != nil {
		if _, ok := new(big.Int).SetString(text, 10); !ok {
			return nil, msgInt
		}
		n = math.MaxInt
		if strings.HasPrefix(text, "-") {
			n = math.MinInt
		}
	}
	if n > f.maxInt {
		return nil, fmt.Sprintf("Ensure this value is less than or equal to %d.", f.maxInt)
	}
	if n < f.minInt {
		return nil, fmt.Sprintf("Ensure this value is greater than or equal to %d.", f.minInt)
	}
	return n, ""
}

func parseDecimal(f *field, v any) (any, string) {
	switch v.(type) {
	case string, json.Number:
	default:
		return nil, msgNumber
	}
	text := strings.TrimSpace(pyText(v))
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsNaN(n) || math.IsInf(n, 0) {
		return nil, msgNumber
	}
	if strings.ContainsAny(text, "eE") {
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	whole, frac, _ := strings.Cut(strings.TrimLeft(text, "+-"), ".")
	whole = strings.TrimLeft(whole, "0")
	switch {
	case len(whole)+len(frac) > f.digits:
		return nil, fmt.Sprintf("Ensure that there are no more than %d digits in total.", f.digits)
	case len(frac) > f.places:
		return nil, fmt.Sprintf("Ensure that there are no more than %d decimal places.", f.places)
	case len(whole) > f.digits-f.places:
		return nil, fmt.Sprintf("Ensure that there are no more than %d digits before the decimal point.", f.digits-f.places)
	case n < f.minDec:
		return nil, fmt.Sprintf("Ensure this value is greater than or equal to %s.", f.minDecText)
	}
	return fixedPoint(math.Round(n * math.Pow10(f.places))), ""
}

func parseFloat(v any) (any, string) {
	switch v.(type) {
	case string, json.Number:
		if n, err := strconv.ParseFloat(pyText(v), 64); err == nil {
			return n, ""
		}
	}
	return nil, msgNumber
}

func parseBool(f *field, v any) (any, string) {
	switch strings.ToLower(pyText(v)) {
	case "true", "t", "y", "yes", "on", "1":
		return true, ""
	case "false", "f", "n", "no", "off", "0":
		return false, ""
	case "", "null":
		if f.nullable {
			return nil, ""
		}
	}
	return nil, msgBool
}

var timeForms = []string{time.RFC3339Nano, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05"}

func parseTime(v any) (any, string) {
	text, ok := v.(string)
	if !ok {
		return nil, msgTime
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, text); err == nil {
			return t.UTC().Truncate(time.Microsecond), ""
		}
	}
	return nil, msgTime
}

func parseChoice(f *field, v any) (any, string) {
	if v == nil {
		if f.nullable {
			return nil, ""
		}
		v = ""
	}
	switch v.(type) {
	case []any, map[string]any:
		return nil, `Value must be passed directly (e.g. "foo": 123); do not use a dictionary or list.`
	}
	text := pyText(v)
	if text == "" {
		if f.blankable {
			return nil, ""
		}
		return nil, msgBlank
	}
	if len(f.options) > 0 && !slices.ContainsFunc(f.options, func(o option) bool { return o.value == text }) {
		return nil, text + " is not a valid choice."
	}
	return text, ""
}

func (s *store) parseRef(f *field, v any) (any, string) {
	if f.plain {
		return s.parsePK(f, v)
	}
	id, msg := s.lookup(f.to, v)
	if msg != "" {
		return nil, msg
	}
	return id, ""
}

func (s *store) parsePK(f *field, v any) (any, string) {
	switch v.(type) {
	case bool, map[string]any, []any:
		return nil, fmt.Sprintf("Incorrect type. Expected pk value, received %s.", pyType(v))
	}
	id, ok := pyInt(v)
	if !ok {
		return nil, fmt.Sprintf("Incorrect type. Expected pk value, received %s.", pyType(v))
	}
	if s.row(f.target, id) == nil {
		return nil, fmt.Sprintf("Invalid pk %q - object does not exist.", strconv.Itoa(id))
	}
	return id, ""
}

func (s *store) parseRefs(f *field, v any) (any, string) {
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Sprintf("Expected a list of items but got type %q.", pyType(v))
	}
	ids := make([]int, 0, len(list))
	for _, e := range list {
		id, msg := s.parsePK(f, e)
		if msg != "" {
			return nil, msg
		}
		ids = append(ids, id.(int))
	}
	slices.Sort(ids)
	return slices.Compact(ids), ""
}

func parseContentType(f *field, v any) (any, string) {
	text, ok := v.(string)
	if !ok || strings.Count(text, ".") != 1 {
		return nil, "Invalid value. Specify a content type as '<app_label>.<model_name>'."
	}
	if f.allowed != "" && !slices.Contains(strings.Fields(f.allowed), text) {
		return nil, "Invalid content type: " + text
	}
	return text, ""
}

func parseAddress(v any) (any, string) {
	text := pyText(v)
	if p, err := netip.ParsePrefix(text); err == nil {
		return p, ""
	}
	if a, err := netip.ParseAddr(text); err == nil && a.Zone() == "" {
		return netip.PrefixFrom(a, a.BitLen()), ""
	}
	return nil, "Invalid IP address format: " + text
}

func parseNetwork(v any) (any, string) {
	p, msg := parseAddress(v)
	if msg != "" {
		msg = "Invalid IP prefix format: " + pyText(v)
	}
	return p, msg
}

var macDigits = regexp.MustCompile(`^[0-9A-Fa-f]{12}$`)

// canonicalMAC is a MAC address in upper case with colons.
func canonicalMAC(text string) (string, bool) {
	hex := strings.NewReplacer(":", "", "-", "", ".", "").Replace(text)
	if !macDigits.MatchString(hex) {
		return "", false
	}
	hex = strings.ToUpper(hex)
	var b strings.Builder
	for i := 0; i < 12; i += 2 {
		if i > 0 {
			b.WriteByte(':')
		}
		b.WriteString(hex[i : i+2])
	}
	return b.String(), true
}

// text is a stored value as a filter or a lookup names it.
func (f *field) text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case fixedPoint:
		return strconv.FormatFloat(float64(v)/math.Pow10(f.places), 'f', -1, 64)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case netip.Prefix:
		return v.String()
	case time.Time:
		return v.Format(time.RFC3339Nano)
	case rawJSON:
		return string(v)
	}
	return jsonText(v)
}
