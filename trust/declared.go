package trust

// Declared is how an image compares with its Dockerfile.
type Declared struct {
	// Dockerfile says where it is from: a file's name, or "provenance".
	Dockerfile string `json:"dockerfile"`
	// Attested is the status of the provenance that it is from; empty for a file of the user's.
	Attested Status `json:"attested,omitempty"`
	// Context is the directory that copied files were compared with; empty where none was.
	Context string `json:"context,omitempty"`
	// Instructions are those of the final stage, in the order of the Dockerfile, with the base first.
	Instructions []DeclaredInstruction `json:"instructions"`
	// Differences are those of all instructions, and those that belong to none, in the order of the layers.
	Differences []Undeclared `json:"differences"`
	// Notes say what could not be compared, and why.
	Notes []string `json:"notes,omitempty"`
}

// DeclaredInstruction is one instruction, and what it did.
type DeclaredInstruction struct {
	// Line is that of the Dockerfile, from 1.
	Line int    `json:"line"`
	Text string `json:"text"`
	// Layer is the one that it made; nil where it makes none, or made none.
	Layer *int `json:"layer,omitempty"`
	// Verdict says whether what it did is what it says.
	Verdict DeclaredVerdict `json:"verdict"`
	// Packages and Files are how many it brought.
	Packages int `json:"packages,omitempty"`
	Files    int `json:"files,omitempty"`
	// Note says what the verdict rests on, or what cannot be told.
	Note string `json:"note,omitempty"`
}

// DeclaredVerdict is how an instruction came out.
type DeclaredVerdict string

// The verdicts on instructions.
const (
	AsDeclared DeclaredVerdict = "as declared"
	Differs    DeclaredVerdict = "differs"
	// Untold: what it does cannot be told from its text, such as a build script.
	Untold DeclaredVerdict = "cannot be told"
)

// UndeclaredKind is how an image and its Dockerfile differ.
type UndeclaredKind string

// The kinds.
const (
	OtherBase          UndeclaredKind = "base"        // the base is not the declared one
	UndeclaredPackage  UndeclaredKind = "package"     // nobody declared the package
	UnexplainedFile    UndeclaredKind = "file"        // no instruction explains the file
	OtherCopy          UndeclaredKind = "copy"        // a copied file is not that of the context, or of the stage
	LayerWithout       UndeclaredKind = "layer"       // a layer that no instruction made
	InstructionWithout UndeclaredKind = "instruction" // an instruction that should have made a layer and did not
	OtherInstruction   UndeclaredKind = "history"     // the history tells of another instruction than the Dockerfile
	OtherConfig        UndeclaredKind = "config"      // ENV, USER, ENTRYPOINT, CMD, ... differ
)

// Undeclared is one difference.
type Undeclared struct {
	Kind UndeclaredKind `json:"kind"`
	// Line is that of the instruction, from 1; 0 where it belongs to none.
	Line        int    `json:"line,omitempty"`
	Layer       *int   `json:"layer,omitempty"`
	Instruction string `json:"instruction,omitempty"`
	// Subject is what differs: a path, a purl, ENV PATH, ...
	Subject string `json:"subject"`
	// Declared and Actual are both sides, where they can be written shortly.
	Declared string `json:"declared,omitempty"`
	Actual   string `json:"actual,omitempty"`
	// Why says it in a plain sentence.
	Why string `json:"why"`
}
