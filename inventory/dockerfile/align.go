package dockerfile

import "slices"

// The costs of what is left over when instructions and history are laid side by side, against 1 for a full fit. A
// step that no instruction made is unlikely between two that instructions made, and usual after the last: builders
// add labels there. Before the first come those of the base image, which cost nothing.
const (
	costBetween     = 0.15
	costAfter       = 0.02
	costInstruction = 0.1
)

// Bounds on the work of one alignment.
const (
	maxHistory = 500
	// maxCells bounds the pairs of instruction and step that are weighed, for all stages together.
	maxCells = 4 << 20
)

// Alignment says which lines of a Dockerfile made an image's history.
type Alignment struct {
	// Lines has the first line of an instruction for each entry of the history, counted from 1; 0 where it is not known.
	Lines []int
	// From is the line of the FROM that names the base image of the stage that was built, and Base that name; 0 and empty
	// where the history does not fit the Dockerfile.
	From int
	Base string
}

// Align lays the Dockerfile's instructions beside an image's history: entries as in "RUN make" and "COPY . /app", the
// oldest first. Of several stages it takes the one that fits best; of equal ones, the last.
func (f *File) Align(history []string) Alignment {
	skipped := max(len(history)-maxHistory, 0) // the oldest are the base's
	entries := make([]step, len(history)-skipped)
	for i := range entries {
		entries[i] = parseStep(history[skipped+i])
	}
	a := Alignment{Lines: make([]int, len(history))}
	best, cells := 0.0, 0
	for target := len(f.stages) - 1; target >= 0; target-- {
		chain, root := f.chain(target)
		if cells += (len(chain) + 1) * (len(entries) + 1); cells > maxCells {
			break
		}
		score, lines := align(chain, entries)
		if score > best {
			best = score
			copy(a.Lines[skipped:], lines)
			a.From, a.Base = f.stages[root].line, f.stages[root].base
		}
	}
	return a
}

// chain gives the instructions that an image of the stage is built by, those of the stages that it begins with included,
// and the stage whose FROM names an image.
func (f *File) chain(target int) (chain []*instruction, root int) {
	var stages []int
	for s := target; s >= 0; s = f.stages[s].parent {
		stages, root = append(stages, s), s
	}
	for _, s := range slices.Backward(stages) {
		for i := range f.stages[s].instructions {
			chain = append(chain, &f.stages[s].instructions[i])
		}
	}
	return chain, root
}

// align is the best of all ways to lay instructions beside entries in their order: a dynamic programme over what is
// left of both, from their ends. The score is 0 where less than half of the instructions fit: it is another Dockerfile
// then, or the history tells too little.
func align(chain []*instruction, entries []step) (score float64, lines []int) {
	lines = make([]int, len(entries))
	width := len(entries) + 1
	// value of chain[i:] beside entries[j:], where what comes before has been laid already.
	value := make([]float64, (len(chain)+1)*width)
	for j := len(entries) - 1; j >= 0; j-- {
		value[len(chain)*width+j] = value[len(chain)*width+j+1] - costAfter
	}
	for i := len(chain) - 1; i >= 0; i-- {
		value[i*width+len(entries)] = value[(i+1)*width+len(entries)] - chain[i].cost()
		for j := len(entries) - 1; j >= 0; j-- {
			v := max(value[(i+1)*width+j]-chain[i].cost(), value[i*width+j+1]-costBetween)
			if like := likeness(&chain[i].step, &entries[j]); like > 0 {
				v = max(v, value[(i+1)*width+j+1]+like)
			}
			value[i*width+j] = v
		}
	}
	first := 0
	for j := range width { // of equal beginnings the last: what comes before is the base's
		if value[j] >= value[first] {
			first = j
		}
	}
	fits, expected := 0, 0
	for _, in := range chain {
		if in.cost() > 0 {
			expected++
		}
	}
	for i, j := 0, first; i < len(chain) && j < len(entries); {
		switch v := value[i*width+j]; {
		case v == value[(i+1)*width+j]-chain[i].cost():
			i++
		case v == value[i*width+j+1]-costBetween:
			j++
		default:
			lines[j] = chain[i].line
			fits++
			i, j = i+1, j+1
		}
	}
	if fits == 0 || 2*fits < expected {
		return 0, nil
	}
	return value[first], lines
}

// cost is what an instruction that left no step costs: not every builder tells of ARG.
func (in *instruction) cost() float64 {
	if in.kind == "ARG" {
		return 0
	}
	return costInstruction
}
