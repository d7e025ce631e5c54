# Drive B's part of a recorded session as 16-bit words: a read is its sector; a write is its sector
# with the top bit set, then the hash of what was written, low half first.
$1 == "R" && $2 == 1 { print $3 "," }
$1 == "W" && $2 == 1 { print $3 + 32768 ", 0x" substr($4, 5) ", 0x" substr($4, 1, 4) "," }
