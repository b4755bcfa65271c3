package config

import (
	"reflect"
	"slices"
	"testing"
)

// Every field of Serve is found under the name of its setting, and no setting is without a field.
func TestFlagOf(t *testing.T) {
	var fields, rows []string
	for _, f := range reflect.VisibleFields(reflect.TypeFor[Serve]()) {
		fields = append(fields, flagOf(f.Name))
	}
	for _, row := range newTable(new(Serve)).rows {
		rows = append(rows, row.name)
	}
	slices.Sort(fields)
	slices.Sort(rows)
	if !slices.Equal(fields, rows) {
		t.Errorf("fields %v\nare not the settings %v", fields, rows)
	}
}

func TestChanged(t *testing.T) {
	for _, row := range []struct {
		args []string
		want []string
	}{
		{nil, nil},
		{[]string{"--rate", "20"}, nil},
		{[]string{"--rate", "21", "--origin", "https://a.example"}, []string{"origin", "rate"}},
		{[]string{"--max-conns-per-ip", "7", "--log-level", "debug"}, []string{"max-conns-per-ip", "log-level"}},
	} {
		var before, after Serve
		if _, err := Parse(&before, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := Parse(&after, row.args, nil); err != nil {
			t.Fatal(err)
		}
		if got := Changed(before, after); !slices.Equal(got, row.want) {
			t.Errorf("%v: %v, want %v", row.args, got, row.want)
		}
	}
}
