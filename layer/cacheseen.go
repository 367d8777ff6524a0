package layer

import (
	"bytes"
	"encoding/gob"
	"os"
)

// seenFile gives the path of what a sink said of a layer; empty where that is not kept.
func (s *shelf) seenFile(sink Sink, digest string) string {
	version := sink.Version()
	if version == "" {
		return ""
	}
	return s.path(digest+"\n"+sink.Name()+"\n"+version, seenBySink)
}

// getSeen adds to an index what the sinks said of its layer. It is false where that is not known of all.
func (s *shelf) getSeen(digest string, ix *Index) bool {
	if len(s.sinks) == 0 {
		return true
	}
	ix.Seen = make(map[string]*Seen, len(s.sinks))
	for _, sink := range s.sinks {
		seen := s.readSeen(s.seenFile(sink, digest), len(ix.Files))
		if seen == nil {
			return false
		}
		ix.Seen[sink.Name()] = seen
		for i := range seen.Notes {
			seen.Notes[i].mark(&ix.Files[seen.Notes[i].File])
		}
	}
	return true
}

// readSeen reads one file of a layer of so many files; nil where there is none that is whole.
func (s *shelf) readSeen(name string, files int) *Seen {
	content := readRegular(name)
	if content == nil {
		return nil
	}
	seen := new(Seen)
	content, err := opened(name, content)
	if err == nil {
		err = gob.NewDecoder(bytes.NewReader(content)).Decode(seen)
	}
	for _, n := range seen.Notes {
		if n.File < 0 || n.File >= files {
			err = errStored
		}
	}
	if err != nil {
		os.Remove(name)
		return nil
	}
	touch(name)
	return seen
}

// putSeen keeps what the sinks said of a layer, save of those that failed.
func (s *shelf) putSeen(digest string, ix *Index) {
	for _, sink := range s.sinks {
		seen, name := ix.Seen[sink.Name()], s.seenFile(sink, digest)
		if name == "" || seen == nil || seen.Failed > 0 {
			continue
		}
		var content bytes.Buffer
		err := gob.NewEncoder(&content).Encode(seen)
		if err == nil {
			err = write(name, sealed(name, content.Bytes()))
		}
		if err != nil {
			s.failed(err)
		}
	}
}
