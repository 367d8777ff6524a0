package ospkg

import "encoding/binary"

const (
	walMagic       = 0x377f0682 // the lowest bit is set where checksums are of big-endian words
	walHeaderSize  = 32
	walFrameHeader = 24
)

// readLog takes the pages of a write-ahead log that were committed. Like SQLite, it reads up to the first
// frame whose salts or checksum are not right: what follows is left over from an earlier use of the file.
// Format: https://www.sqlite.org/fileformat2.html#the_write_ahead_log.
func (db *sqliteFile) readLog(wal []byte) {
	if len(wal) < walHeaderSize || binary.BigEndian.Uint32(wal)&^1 != walMagic {
		return
	}
	var order binary.ByteOrder = binary.LittleEndian
	if wal[3]&1 == 1 {
		order = binary.BigEndian
	}
	size := int(binary.BigEndian.Uint32(wal[8:]))
	header := wal[:walHeaderSize]
	sum := walChecksum(order, [2]uint32{}, header[:24])
	if size < 512 || size > 64<<10 || size&(size-1) != 0 || sum != walSum(header[24:]) {
		return
	}
	db.pageSize, db.log = size, map[uint32][]byte{}
	pending := map[uint32][]byte{}
	for rest := wal[walHeaderSize:]; len(rest) >= walFrameHeader+size; rest = rest[walFrameHeader+size:] {
		frame, page := rest[:walFrameHeader], rest[walFrameHeader:][:size]
		sum = walChecksum(order, walChecksum(order, sum, frame[:8]), page)
		if string(frame[8:16]) != string(header[16:24]) || sum != walSum(frame[16:]) {
			return
		}
		pending[binary.BigEndian.Uint32(frame)] = page
		if binary.BigEndian.Uint32(frame[4:]) != 0 { // the last frame of a transaction
			for n, p := range pending {
				db.log[n] = p
			}
			clear(pending)
		}
	}
}

func walSum(b []byte) [2]uint32 {
	return [2]uint32{binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])}
}

// walChecksum goes on with a checksum over b, whose length is a multiple of 8.
func walChecksum(order binary.ByteOrder, sum [2]uint32, b []byte) [2]uint32 {
	for ; len(b) >= 8; b = b[8:] {
		sum[0] += order.Uint32(b) + sum[1]
		sum[1] += order.Uint32(b[4:]) + sum[0]
	}
	return sum
}
