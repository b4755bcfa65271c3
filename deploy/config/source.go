package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/BurntSushi/toml"
)

const (
	envPrefix = "THRONG_"
	// maxFile bounds what is read of a config file; the default one has 4 KiB.
	maxFile = 64 * kib
)

// fromFlags reads the arguments: --name value, --name=value, and both with one dash. What is no flag is an error,
// since no command takes anything else here. A flag that may stand alone
// takes the next argument for its value unless that is a flag.
func (t *table) fromFlags(args []string) ([]given, error) {
	var got []given
	for len(args) > 0 {
		arg := args[0]
		args = args[1:]
		dashed, text, hasText := strings.Cut(arg, "=")
		name := strings.TrimPrefix(strings.TrimPrefix(dashed, "-"), "-")
		row, known := t.byName[name]
		switch {
		case name == dashed || name == "":
			return nil, fmt.Errorf("argument %.80q: want flags alone, such as %s %s", arg, t.example().flag(), t.example().def)
		case name == "h" || name == "help":
			return nil, ErrHelp
		case !known:
			return nil, t.unknown(dashed, name, "flag", (*setting).flag)
		case !hasText && row.bare != "" && (len(args) == 0 || strings.HasPrefix(args[0], "-")):
			text = row.bare
		case !hasText && len(args) == 0:
			return nil, fmt.Errorf("%s without a value (flag): want %s", row.flag(), row.want)
		case !hasText:
			text, args = args[0], args[1:]
		}
		before := slices.IndexFunc(got, func(g given) bool { return g.setting == row })
		if row.list && before >= 0 {
			got[before].text += "," + text
			continue
		}
		got = append(got, given{row, text, row.flag(), "flag"})
	}
	return got, nil
}

// fromEnvironment reads the variables that begin with THRONG_, in the order of the table. Those that name no setting of
// any command become warnings.
func (t *table) fromEnvironment(environ []string) (got []given, warnings []string) {
	values := map[string]string{}
	known := knownVariables()
	for _, entry := range environ {
		variable, text, _ := strings.Cut(entry, "=")
		values[variable] = text
		if strings.HasPrefix(variable, envPrefix) && !known[variable] {
			warnings = append(warnings, "ignored "+t.unknownVariable(variable).Error())
		}
	}
	for i := range t.rows {
		for _, variable := range t.variables(&t.rows[i]) {
			if text, ok := values[variable]; ok {
				got = append(got, given{&t.rows[i], text, variable, "environment"})
			}
		}
	}
	return got, warnings
}

// knownVariables are those of all commands.
func knownVariables() map[string]bool {
	known := map[string]bool{}
	for _, c := range commands() {
		t := newTable(c)
		for i := range t.rows {
			for _, variable := range t.variables(&t.rows[i]) {
				known[variable] = true
			}
		}
	}
	return known
}

// fromFile reads the config file that the setting names.
func (t *table) fromFile(at given) ([]given, error) {
	text, err := readFile(at.text)
	if err != nil {
		return nil, at.refuse("a readable TOML file: " + err.Error())
	}
	if t.reads == nil {
		return t.fromTOML(at.text, text)
	}
	all, err := newTable(t.reads).fromTOML(at.text, text)
	if err != nil {
		return nil, err
	}
	return t.own(all), nil
}

// own are those of another command's values that are for settings of this one, too. It notes which of all hold a secret.
func (t *table) own(all []given) (got []given) {
	for _, g := range all {
		if g.text != "" && g.isSecret() {
			t.secrets = append(t.secrets, g.name)
		}
		if row, ok := t.byName[g.name]; ok {
			g.setting = row
			got = append(got, g)
		}
	}
	return got
}

// fromTOML reads the text of a config file, its keys in the order of the text.
func (t *table) fromTOML(file, text string) ([]given, error) {
	var values map[string]toml.Primitive
	meta, err := toml.Decode(text, &values)
	if err != nil {
		return nil, t.notTOML(file, err)
	}
	var got []given
	for _, key := range meta.Keys() {
		var value taken
		place := file
		if line := value.from(&meta, values[key[0]]); line > 0 {
			place = fmt.Sprintf("%s:%d", file, line)
		}
		row, ok := t.byName[key.String()]
		if !ok {
			return nil, t.unknown(key.String(), key.String(), place, (*setting).key)
		}
		g := given{row, "", row.key(), place}
		if g.text, ok = value.text(row); !ok {
			g.text = fmt.Sprint(value.data)
			return nil, g.refuse(value.instead(row))
		}
		if row.name == "config" {
			return nil, g.refuse("no such key, since a file cannot name another")
		}
		got = append(got, g)
	}
	return got, nil
}

// readFile returns the text of a file that is not unreasonably long. Its errors do not repeat the name.
func readFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", cause(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return "", cause(err)
	}
	if len(text) > maxFile {
		return "", fmt.Errorf("longer than %s", formatSize(maxFile))
	}
	return string(text), nil
}

// cause is the system's part of a file error, without the operation and the name.
func cause(err error) error {
	if of, ok := errors.AsType[*fs.PathError](err); ok {
		return of.Err
	}
	return err
}

// notTOML is the error about a file that is not TOML at all. The library's words may quote the file, line breaks and
// control characters included; they are made one line.
func (t *table) notTOML(file string, err error) error {
	place, words := file, err.Error()
	if at, ok := errors.AsType[toml.ParseError](err); ok {
		place, words = fmt.Sprintf("%s:%d", file, at.Position.Line), at.Message
	}
	words = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, words)
	return fmt.Errorf("%s: %.200s; want TOML, such as %s = %s", place, words, t.example().name, t.example().literal())
}

// taken is a value of the file. It takes the value as the parser left it and then refuses it, since the library
// tells the line of a key in its errors alone.
type taken struct{ data any }

var errTaken = errors.New("taken")

// UnmarshalTOML implements [toml.Unmarshaler].
func (v *taken) UnmarshalTOML(data any) error {
	v.data = data
	return errTaken
}

// from takes the value and returns the line that its key stands in, 0 for the first half of a dotted key.
func (v *taken) from(meta *toml.MetaData, value toml.Primitive) int {
	at, _ := errors.AsType[toml.ParseError](meta.PrimitiveDecode(value, v))
	return at.Position.Line
}

// instead is what would be right in the place of a value that the setting never takes.
func (v *taken) instead(row *setting) string {
	if _, isList := v.data.([]any); isList && !row.list {
		return "one value and no list: " + row.want
	}
	return row.want
}

// text writes the value as a flag would have it. It reports false for what the setting never takes, such as a table.
func (v *taken) text(row *setting) (string, bool) {
	switch data := v.data.(type) {
	case string:
		return data, true
	case int64:
		return strconv.FormatInt(data, 10), true
	case float64:
		return strconv.FormatFloat(data, 'g', -1, 64), true
	case bool:
		return strconv.FormatBool(data), row.bare != ""
	case []any:
		parts := make([]string, len(data))
		for i, part := range data {
			text, ok := part.(string)
			if !ok {
				return "", false
			}
			parts[i] = text
		}
		return strings.Join(parts, ","), row.list
	}
	return "", false
}
