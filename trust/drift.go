package trust

// Drift is how an SBOM compares with what is aboard.
type Drift struct {
	// Format and Tool are those of the document; Where says what it was: a file's name, or an attestation's digest.
	Format string `json:"format,omitempty"`
	Tool   string `json:"tool,omitempty"`
	Where  string `json:"where"`
	// Attested is the status of the attestation that it is from, and Signer the label of who signed that; empty for a file of the user's.
	Attested Status `json:"attested,omitempty"`
	Signer   string `json:"signer,omitempty"`
	// OtherImage is the digest of the image that the document says it is about, where that is not this one.
	OtherImage string `json:"otherImage,omitempty"`
	// Stage is the stage of the build that the document is about, where that is not the image: BuildKit makes such documents.
	Stage string `json:"stage,omitempty"`
	// Claimed are the packages that the document lists, Same those found aboard as it says.
	Claimed int `json:"claimed"`
	Same    int `json:"same"`
	// Uncompared are the packages aboard for which the document does not vouch: of kinds that its maker does not seem to look for, or
	// listed without a version.
	Uncompared int `json:"uncompared,omitempty"`
	// FilesSame are the files whose digests the document has, and that are those aboard.
	FilesSame int `json:"filesSame,omitempty"`
	// Differences are sorted by kind and package.
	Differences []Difference `json:"differences"`
	// Notes say what was not compared, and why.
	Notes []string `json:"notes,omitempty"`
}

// DifferenceKind is how an SBOM and an image differ in one package or file.
type DifferenceKind string

// The kinds of differences, in the order in which they are shown.
const (
	OtherContent DifferenceKind = "content"    // a file is there with other content
	OtherVersion DifferenceKind = "version"    // a package is there in another version
	NotAttested  DifferenceKind = "undeclared" // aboard, and the document does not list it
	NotPresent   DifferenceKind = "absent"     // the document lists it, and it is not aboard
)

// Difference is one of them.
type Difference struct {
	Kind DifferenceKind `json:"kind"`
	// Package is the purl; empty where only a file is meant.
	Package string `json:"package,omitempty"`
	// Attested and Actual are the versions, or the digests.
	Attested string `json:"attested,omitempty"`
	Actual   string `json:"actual,omitempty"`
	Path     string `json:"path,omitempty"`
	// Layer is the one that brought what is there (or removed it); nil where no layer tells.
	Layer          *int   `json:"layer,omitempty"`
	Instruction    string `json:"instruction,omitempty"`
	DockerfileLine int    `json:"dockerfileLine,omitempty"`
	// Why says it in a plain sentence.
	Why string `json:"why"`
}
