package assess

import (
	_ "embed"
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"tidewaiter/match"
)

// The two tables are data of the CERT Coordination Center's SSVC (https://github.com/CERTCC/SSVC, data/csv), MIT licensed: ssvc/LICENSE.
var (
	// deployerCSV is the deployer's decision: https://certcc.github.io/SSVC/howto/deployer_tree/
	//
	//go:embed ssvc/deployer_patch_application_priority_1_0_0.csv
	deployerCSV string
	// timelinesCSV are the timelines of CISA's Binding Operational Directive 26-04.
	//
	//go:embed ssvc/cisa_bod_26_04_1_0_0.csv
	timelinesCSV string
)

// Row is one row of a decision table.
type Row struct {
	// Table is the table's name and version.
	Table string `json:"table"`
	// Number is the row's number in the table as published, from 0.
	Number int `json:"number"`
	// Columns are what the row asks for; Outcome what it says then.
	Columns []Column `json:"columns"`
	Outcome string   `json:"outcome"`
}

// Column is one decision point and the value that a row has of it.
type Column struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// table finds rows by the values of their four columns, in the table's order.
type table map[[4]string]*Row

// deployer and timelines read the tables once.
var (
	deployer  = sync.OnceValue(func() table { return readTable("SSVC deployer 1.0.0", deployerCSV) })
	timelines = sync.OnceValue(func() table { return readTable("CISA BOD 26-04 timelines 1.0.0", timelinesCSV) })
)

// readTable reads a decision table as SSVC publishes them: row number, decision points, outcome. The tables are part of the program: one
// that cannot be read is a mistake in it.
func readTable(name, text string) table {
	lines, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(lines) == 0 || len(lines[0]) != 6 {
		panic(fmt.Sprintf("table %s: not a decision table of four columns: %v", name, err))
	}
	t := make(table, len(lines)-1)
	for _, line := range lines[1:] {
		number, err := strconv.Atoi(line[0])
		if err != nil {
			panic(fmt.Sprintf("table %s: %v", name, err))
		}
		r := &Row{Table: name, Number: number, Outcome: line[5]}
		for i, value := range line[1:5] {
			point, _, _ := strings.Cut(lines[0][i+1], " v")
			r.Columns = append(r.Columns, Column{Name: point, Value: value})
		}
		t[[4]string(line[1:5])] = r
	}
	return t
}

// priorityRow is the row of the deployer's table; nil for values that it does not know.
func priorityRow(exploitation string, exposure Exposure, automatable string, impact Impact) *Row {
	return deployer()[[4]string{exploitation, string(exposure), automatable, string(impact)}]
}

// timelineRow is the row of CISA's timelines; nil for values that it does not know.
func timelineRow(kev bool, exposure Exposure, automatable, technicalImpact string) *Row {
	return timelines()[[4]string{yesNo(kev), yesNo(exposure == Open), automatable, technicalImpact}]
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// priority is the outcome of a row of the deployer's table. What the table has no row for is taken for grave.
func (r *Row) priority() match.Priority {
	if r == nil {
		return match.Immediate
	}
	return match.Priority(r.Outcome)
}

// days are what a row of the timelines gives, false where it waits for the next upgrade. "3 days & forensic investigation" are three.
func (r *Row) days() (days int, ok bool) {
	if r == nil {
		return 0, true
	}
	term, _, _ := strings.Cut(r.Outcome, " & ")
	number, ok := strings.CutSuffix(term, " days")
	days, err := strconv.Atoi(number)
	return days, ok && err == nil
}
