package ospkg

import (
	"encoding/binary"
	"errors"
	"iter"
)

const (
	sqliteMagic = "SQLite format 3\x00"
	// sqliteDepth is how deep a table's tree may be: with the smallest pages, 2^32 of them are 12 deep.
	sqliteDepth = 20

	sqliteInterior = 0x05 // a page of a table's tree that has pages below it
	sqliteLeaf     = 0x0d // a page of a table's tree that has rows
)

var (
	errSQLitePage = errors.New("a broken page in the SQLite file")
	errSQLiteRow  = errors.New("a broken row in the SQLite file")
)

// sqliteFile is a SQLite database as far as it takes to list the rows of one table: its pages, of which the
// newest may be in the write-ahead log. Format: https://www.sqlite.org/fileformat2.html.
type sqliteFile struct {
	data     []byte
	pageSize int
	usable   int // the part of a page before what is reserved for extensions
	log      map[uint32][]byte
	// visited are the pages read so far. None is part of two trees or chains, so that a page met twice is
	// a sign of damage, and reading ends.
	visited map[uint32]bool
	// unread is how many bytes records may still have: no two share any.
	unread int
}

// sqliteRows gives the last column of each row of a table, as rpm's table Packages has it: a number, which is
// the row's own and not stored, and a blob.
func sqliteRows(file, wal []byte, table string) (iter.Seq2[[]byte, error], error) {
	db := &sqliteFile{data: file, visited: map[uint32]bool{}, unread: len(file) + len(wal)}
	db.readLog(wal)
	first := db.firstPage()
	if first == nil {
		return nil, errors.New("a SQLite file without a legal first page")
	}
	root, err := db.rootOf(table)
	if err != nil {
		return nil, err
	}
	return func(yield func([]byte, error) bool) {
		db.walk(root, 0, func(record []byte, err error) bool {
			if err != nil {
				return yield(nil, err)
			}
			values, err := columns(record)
			if err != nil || len(values) == 0 {
				return yield(nil, errSQLiteRow)
			}
			return yield(values[len(values)-1], nil)
		})
	}, nil
}

// firstPage reads the header of the file, which stands on its first page: the log's, where it has one.
func (db *sqliteFile) firstPage() []byte {
	head := db.data
	if page := db.log[1]; page != nil {
		head = page
	}
	if len(head) < 100 || string(head[:16]) != sqliteMagic {
		return nil
	}
	size := int(binary.BigEndian.Uint16(head[16:]))
	if size == 1 {
		size = 64 << 10
	}
	if size < 512 || size&(size-1) != 0 || db.pageSize != 0 && db.pageSize != size {
		return nil
	}
	db.pageSize, db.usable = size, size-int(head[20])
	if encoding := binary.BigEndian.Uint32(head[56:]); db.usable < 480 || encoding > 1 {
		return nil // rpm writes UTF-8
	}
	return db.page(1)
}

func (db *sqliteFile) page(n uint32) []byte {
	if page := db.log[n]; page != nil {
		return page
	}
	if n == 0 || int64(n)*int64(db.pageSize) > int64(len(db.data)) {
		return nil
	}
	return db.data[int(n-1)*db.pageSize:][:db.pageSize]
}

// rootOf finds the first page of a table in the schema: rows of type, name, table name, root page, SQL.
func (db *sqliteFile) rootOf(table string) (uint32, error) {
	var root uint32
	var broken error
	db.walk(1, 0, func(record []byte, err error) bool {
		if err != nil {
			broken = err
			return true
		}
		values, err := columns(record)
		if err != nil || len(values) < 4 || string(values[0]) != "table" || string(values[1]) != table {
			return true
		}
		for _, b := range values[3] {
			root = root<<8 | uint32(b)
		}
		return false
	})
	switch {
	case root != 0:
		return root, nil
	case broken != nil:
		return 0, broken
	}
	return 0, errors.New("a SQLite file without a table " + table)
}

// walk gives the records of a table's tree, in the order of their rows; false when no more are wanted.
func (db *sqliteFile) walk(n uint32, depth int, yield func(record []byte, err error) bool) bool {
	page := db.page(n)
	if page == nil || db.visited[n] || depth > sqliteDepth {
		return yield(nil, errSQLitePage)
	}
	db.visited[n] = true
	header := 0
	if n == 1 {
		header = 100 // the header of the file comes first
	}
	kind, cells := page[header], int(binary.BigEndian.Uint16(page[header+3:]))
	pointers := header + 8
	if kind == sqliteInterior {
		pointers += 4
	}
	if kind != sqliteInterior && kind != sqliteLeaf || pointers+2*cells > db.usable {
		return yield(nil, errSQLitePage)
	}
	for i := range cells {
		at := int(binary.BigEndian.Uint16(page[pointers+2*i:]))
		if at+4 > db.usable {
			if !yield(nil, errSQLiteRow) {
				return false
			}
			continue
		}
		var more bool
		if kind == sqliteInterior {
			more = db.walk(binary.BigEndian.Uint32(page[at:]), depth+1, yield)
		} else {
			more = yield(db.record(page[at:db.usable]))
		}
		if !more {
			return false
		}
	}
	return kind == sqliteLeaf || db.walk(binary.BigEndian.Uint32(page[header+8:]), depth+1, yield)
}

// record gathers the record of a leaf's cell: its size, the row's number, and the content, the end of which is
// on overflow pages where it does not fit.
func (db *sqliteFile) record(cell []byte) ([]byte, error) {
	size, n := varint(cell)
	_, m := varint(cell[n:])
	cell = cell[n+m:]
	if n == 0 || m == 0 || size > uint64(db.unread) {
		return nil, errSQLiteRow
	}
	total := int(size)
	db.unread -= total
	local := db.local(total)
	if local > len(cell) {
		return nil, errSQLiteRow
	}
	if local == total {
		return cell[:local], nil
	}
	if local+4 > len(cell) {
		return nil, errSQLiteRow
	}
	record := append(make([]byte, 0, total), cell[:local]...)
	for next := binary.BigEndian.Uint32(cell[local:]); len(record) < total; {
		page := db.page(next)
		if page == nil || db.visited[next] {
			return nil, errSQLiteRow
		}
		db.visited[next] = true
		next = binary.BigEndian.Uint32(page)
		record = append(record, page[4:min(db.usable, 4+total-len(record))]...)
	}
	return record, nil
}

// local is how much of a record is kept in its cell (section "B-tree Cell Format").
func (db *sqliteFile) local(total int) int {
	most, least := db.usable-35, (db.usable-12)*32/255-23
	if total <= most {
		return total
	}
	if k := least + (total-least)%(db.usable-4); k <= most {
		return k
	}
	return least
}

// columns splits a record into the bytes of its columns (section "Record Format").
func columns(record []byte) ([][]byte, error) {
	size, n := varint(record)
	if n == 0 || size > uint64(len(record)) || size < uint64(n) {
		return nil, errSQLiteRow
	}
	types, body := record[n:size], record[size:]
	var values [][]byte
	for len(types) > 0 {
		kind, n := varint(types)
		if n == 0 {
			return nil, errSQLiteRow
		}
		types = types[n:]
		var width uint64
		switch {
		case kind >= 12:
			width = (kind - 12) / 2
		case kind <= 7:
			width = [...]uint64{0, 1, 2, 3, 4, 6, 8, 8}[kind]
		}
		if width > uint64(len(body)) {
			return nil, errSQLiteRow
		}
		values = append(values, body[:width])
		body = body[width:]
	}
	return values, nil
}

// varint reads SQLite's variable-length number and says how many bytes it takes; 0 where it is cut off.
func varint(b []byte) (v uint64, n int) {
	for n < 8 && n < len(b) {
		v = v<<7 | uint64(b[n]&0x7f)
		n++
		if b[n-1] < 0x80 {
			return v, n
		}
	}
	if n < 8 || n >= len(b) {
		return 0, 0
	}
	return v<<8 | uint64(b[8]), 9
}
