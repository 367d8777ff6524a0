package ospkg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"tidewaiter/inventory"
)

// rpmHeader is what is needed of one package's header.
type rpmHeader struct {
	name, version, release, arch string
	epoch                        string // with its colon, "1:"; empty where the package has none
	license, sourceRPM, vendor   string
	distribution                 string
	modularity                   string
	provides, requires           []string
	recommends, supplements      []string
	files                        []inventory.OwnedFile
}

// Tags and types of header entries, as in rpm's lib/rpmtag.h.
const (
	tagName         = 1000
	tagVersion      = 1001
	tagRelease      = 1002
	tagEpoch        = 1003
	tagDistribution = 1010
	tagVendor       = 1011
	tagLicense      = 1014
	tagArch         = 1022
	tagOldFileNames = 1027
	tagFileModes    = 1030
	tagFileDigests  = 1035
	tagFileStates   = 1029
	tagFileFlags    = 1037
	tagSourceRPM    = 1044
	tagVerifyFlags  = 1045
	tagProvideName  = 1047
	tagRequireName  = 1049
	tagDirIndexes   = 1116
	tagBaseNames    = 1117
	tagDirNames     = 1118
	tagDigestAlgo   = 5011
	tagRecommends   = 5046 // RPMTAG_RECOMMENDNAME
	tagSupplements  = 5052 // RPMTAG_SUPPLEMENTNAME
	tagModularity   = 5096

	typeChar        = 1
	typeInt16       = 3
	typeInt32       = 4
	typeString      = 6
	typeBinary      = 7
	typeStringArray = 8
	typeI18NString  = 9
)

// Limits that rpm itself sets on a header (lib/header.c).
const (
	maxHeaderTags = 0xffff
	maxHeaderData = 256 << 20
)

// headerIndex is a header's entries by tag, checked to lie within the data.
type headerIndex struct {
	data    []byte
	entries map[uint32]headerEntry
}

type headerEntry struct{ kind, offset, count uint32 }

// parseHeader reads a header as databases keep it: the count of entries and the size of the data, the
// entries of 16 bytes, the data; all numbers big-endian (rpm's docs/manual/hregions.md and lib/header.c).
func parseHeader(blob []byte) (rpmHeader, error) {
	x, err := indexHeader(blob)
	if err != nil {
		return rpmHeader{}, err
	}
	h := rpmHeader{
		name: x.text(tagName), version: x.text(tagVersion), release: x.text(tagRelease), arch: legalOr(x.text(tagArch), ""),
		license: x.text(tagLicense), vendor: x.text(tagVendor), distribution: x.text(tagDistribution), sourceRPM: x.text(tagSourceRPM), modularity: legalOr(x.text(tagModularity), ""),
		provides: x.texts(tagProvideName), requires: x.texts(tagRequireName), files: x.files(),
		recommends: richNames(x.texts(tagRecommends)), supplements: richNames(x.texts(tagSupplements)),
	}
	if epoch := x.numbers(tagEpoch); len(epoch) > 0 {
		h.epoch = strconv.FormatUint(uint64(epoch[0]), 10) + ":"
	}
	if !legal(h.name) || !legal(h.version) || !legal(h.release) {
		return rpmHeader{}, errors.New("a header without a legal name, version and release")
	}
	return h, nil
}

func indexHeader(blob []byte) (*headerIndex, error) {
	if len(blob) < 8 {
		return nil, errors.New("a header shorter than its counts")
	}
	tags, size := binary.BigEndian.Uint32(blob), binary.BigEndian.Uint32(blob[4:])
	if tags > maxHeaderTags || size > maxHeaderData || 8+16*int(tags)+int(size) > len(blob) {
		return nil, errors.New("a header longer than its record")
	}
	x := &headerIndex{entries: make(map[uint32]headerEntry, tags)}
	index := blob[8 : 8+16*tags]
	x.data = blob[8+16*tags:][:size]
	for ; len(index) > 0; index = index[16:] {
		e := headerEntry{binary.BigEndian.Uint32(index[4:]), binary.BigEndian.Uint32(index[8:]), binary.BigEndian.Uint32(index[12:])}
		if e.kind != typeBinary && e.count > maxFiles {
			return nil, errors.New("a header entry of too many values")
		}
		if e.offset < size {
			x.entries[binary.BigEndian.Uint32(index)] = e
		}
	}
	return x, nil
}

// richNames gives the names of dependencies, of those that are expressions ("(a and b)") each name in them.
func richNames(list []string) []string {
	var names []string
	for _, want := range list {
		if !strings.HasPrefix(want, "(") {
			names = append(names, want)
			continue
		}
		for _, word := range strings.FieldsFunc(want, func(r rune) bool { return r == '(' || r == ')' || r == ' ' }) {
			if !slices.Contains([]string{"and", "or", "if", "else", "with", "without", "unless"}, word) {
				names = append(names, word)
			}
		}
	}
	return names
}

// text gives a string; empty where there is none, or rpm's own word for none.
func (x *headerIndex) text(tag uint32) string {
	e, ok := x.entries[tag]
	if !ok || e.kind != typeString && e.kind != typeI18NString {
		return ""
	}
	b, _, _ := bytes.Cut(x.data[e.offset:], []byte{0})
	if s := string(b); s != "(none)" {
		return s
	}
	return ""
}

// texts gives an array of strings; none where it is cut off.
func (x *headerIndex) texts(tag uint32) []string {
	e, ok := x.entries[tag]
	if !ok || e.kind != typeStringArray {
		return nil
	}
	list := make([]string, 0, e.count)
	rest := x.data[e.offset:]
	for range e.count {
		b, after, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return nil
		}
		list = append(list, string(b))
		rest = after
	}
	return list
}

// numbers gives an array of 8, 16 or 32 bit numbers; none where it is cut off.
func (x *headerIndex) numbers(tag uint32) []uint32 {
	e, ok := x.entries[tag]
	width := map[uint32]int{typeChar: 1, typeInt16: 2, typeInt32: 4}[e.kind]
	if !ok || width == 0 || int(e.offset)+width*int(e.count) > len(x.data) {
		return nil
	}
	list := make([]uint32, e.count)
	for i := range list {
		switch b := x.data[int(e.offset)+width*i:]; width {
		case 1:
			list[i] = uint32(b[0])
		case 2:
			list[i] = uint32(binary.BigEndian.Uint16(b))
		default:
			list[i] = binary.BigEndian.Uint32(b)
		}
	}
	return list
}

// files gives the package's files, without its directories. Checksums are those that rpm itself would compare: not of
// ghosts (files that the package only claims the names of), nor of what was not installed or another package replaced,
// nor where the package asks not to (lib/verify.c).
func (x *headerIndex) files() []inventory.OwnedFile {
	const (
		modeType, modeDirectory = 0o170000, 0o040000
		flagConfig, flagGhost   = 1, 1 << 6
		verifyDigest            = 1
		stateNormal             = 0
	)
	names := x.fileNames()
	modes, flags := x.numbers(tagFileModes), x.numbers(tagFileFlags)
	states, verify := x.numbers(tagFileStates), x.numbers(tagVerifyFlags)
	digests, algorithm := x.texts(tagFileDigests), x.digestAlgorithm()
	var files []inventory.OwnedFile
	for i, name := range names {
		if i < len(modes) && modes[i]&modeType == modeDirectory {
			continue
		}
		f := inventory.OwnedFile{Path: strings.TrimPrefix(name, "/")}
		if i < len(modes) {
			f.Mode = modes[i] &^ modeType
		}
		if i < len(digests) && digests[i] != "" && algorithm != "" {
			f.Digest = algorithm + ":" + digests[i]
		}
		f.Config = i < len(flags) && flags[i]&flagConfig != 0
		f.Optional = i < len(flags) && flags[i]&flagGhost != 0 || i < len(states) && states[i] != stateNormal
		if f.Optional || i < len(verify) && verify[i]&verifyDigest == 0 {
			f.Digest = ""
		}
		files = append(files, f)
	}
	return files
}

// fileNames joins directories and base names; packages of rpm 3 have whole names.
func (x *headerIndex) fileNames() []string {
	bases, dirs, indexes := x.texts(tagBaseNames), x.texts(tagDirNames), x.numbers(tagDirIndexes)
	if len(bases) != len(indexes) {
		return nil
	}
	if len(bases) == 0 {
		return x.texts(tagOldFileNames)
	}
	names := make([]string, len(bases))
	// A directory is written once for all its files. In real headers, with a checksum for each file, whole
	// names take less room than the header; more is made up to fill memory.
	room := 4 * len(x.data)
	for i, base := range bases {
		if int(indexes[i]) >= len(dirs) {
			return nil
		}
		if room -= len(dirs[indexes[i]]) + len(base); room < 0 {
			return nil
		}
		names[i] = dirs[indexes[i]] + base
	}
	return names
}

// digestAlgorithm gives the algorithm of the files' checksums: a number of RFC 4880, section 9.4. Packages
// older than the tag have MD5.
func (x *headerIndex) digestAlgorithm() string {
	n := x.numbers(tagDigestAlgo)
	if len(n) == 0 {
		return "md5"
	}
	return map[uint32]string{1: "md5", 2: "sha1", 8: "sha256", 9: "sha384", 10: "sha512", 11: "sha224"}[n[0]]
}
