package trust

// Integrity is how the files of packages compare with what their databases, and the distribution, say that they are.
type Integrity struct {
	// Verified are the files whose checksum was compared and is right, Unverified those of packages whose database has none.
	Verified   int `json:"verified"`
	Unverified int `json:"unverified,omitempty"`
	// Unlisted are the packages of whose files the database has no list, though it should: somebody took it away.
	Unlisted int `json:"unlisted,omitempty"`
	// Changed are sorted by path: those that are not configuration first.
	Changed []ChangedFile `json:"changed"`
	Missing []ChangedFile `json:"missing,omitempty"`
	// Databases are the package databases, and whether something signed vouches for them.
	Databases []Database `json:"databases,omitempty"`
	// Notes say what could not be compared, and by what it was compared instead.
	Notes []string `json:"notes,omitempty"`
}

// ChangedFile is a packaged file that is not what the package installed, or that is gone.
type ChangedFile struct {
	Path    string `json:"path"`
	Package string `json:"package"` // purl
	// Config marks configuration that its user may change.
	Config bool `json:"config,omitempty"`
	// Recorded is the digest by the database, Actual that of the file now.
	Recorded string `json:"recorded,omitempty"`
	Actual   string `json:"actual,omitempty"`
	// Layer is the one that changed or removed it; nil where no layer tells.
	Layer          *int   `json:"layer,omitempty"`
	Instruction    string `json:"instruction,omitempty"`
	DockerfileLine int    `json:"dockerfileLine,omitempty"`
	Why            string `json:"why"`
}

// Database is one package database of the image.
type Database struct {
	// Manager is dpkg, apk, rpm or pip; Path where the database lies; Packages how many it names.
	Manager  string `json:"manager"`
	Path     string `json:"path"`
	Packages int    `json:"packages"`
	// Status is verified where signed metadata vouches for all of it, broken where that contradicts it, and unsigned where there is none.
	Status Status `json:"status"`
	// Asked says that there was signed metadata, or a key of the user's, to hold it against.
	Asked bool `json:"asked,omitempty"`
	// Signed counts the packages of which signed metadata vouches for all, their files' checksums too; Published those that it only
	// lists in the same version. Signer says whose it is.
	Signed    int    `json:"signed,omitempty"`
	Published int    `json:"published,omitempty"`
	Signer    string `json:"signer,omitempty"`
	Why       string `json:"why"`
	// Contradictions are what the signed metadata says otherwise: one sentence each, sorted.
	Contradictions []string `json:"contradictions,omitempty"`
}
