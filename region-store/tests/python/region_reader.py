#!/usr/bin/env python3
"""region_reader.py [--blobs] [--journal] FILE...: what is in region files.

Prints a line a file: what it holds, or which field is wrong at which offset; with --blobs also every blob. Exits with 1
if a file is damaged. Written from docs/region-format.md alone, with the standard library: it shows that the page says
enough.
"""

import argparse
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

MAGIC = 85
SIGNATURE = bytes([MAGIC, 2]) + b"RGN\r\n\x1a"
HEADER_LENGTH = 4_096
BLOCK_HEAD = struct.Struct("<4sIIIQIHH8x")
SEAL = struct.Struct("<4sI5QI12x")
INDEX_ENTRY = struct.Struct("<QQ")
MAX_BLOCK_LENGTH = 2**31 - 1
MAX_GROUP_LENGTH = 2**20
BLOBS, INDEX, JOURNAL_GROUP, FIRST_SKIPPABLE = 0, 1, 16, 0x8000


class Damage(Exception):
    """Which field is wrong, at which offset of the file."""

    def __init__(self, field_name, offset):
        super().__init__(f"{field_name} at offset {offset}")


def expect(is_right, field_name, offset):
    if not is_right:
        raise Damage(field_name, offset)


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        yield byte


CRC_TABLE = list(crc_table())


def crc32c(*pieces):
    crc = 0xFFFFFFFF
    for piece in pieces:
        for byte in piece:
            crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def number(file, offset, length=4):
    return int.from_bytes(file[offset : offset + length], "little")


def aligned(offset, alignment):
    return -(-offset // alignment) * alignment


@dataclass
class Contents:
    version: int
    blobs: list = field(default_factory=list)
    blocks: int = 0
    end: str = ""

    def __str__(self):
        length = sum(len(blob) for blob in self.blobs)
        return f"version {self.version}, {len(self.blobs)} blobs, {length} bytes, {self.blocks} blocks{self.end}"


def read(file, is_journal=False):
    """The contents of a whole file, of which every rule is checked."""
    expect(len(file) >= 2, "magic and version", 0)
    expect(file[0] == MAGIC, "magic", 0)
    expect(file[1] in (1, 2), "version", 1)
    if file[1] == 1:
        expect(not is_journal, "version", 1)
        return Contents(1, list(blobs_of_version_1(file)))
    header = Header(file)
    return read_journal(file, header) if is_journal else read_sealed(file, header)


def blobs_of_version_1(file):
    offset = 2
    while offset < len(file):
        expect(offset + 4 <= len(file), "blob length", offset)
        length = number(file, offset)
        expect(length < 2**31, "blob length", offset)
        offset += 4
        expect(offset + length <= len(file), "blob", offset)
        yield file[offset : offset + length]
        offset += length


class Header:
    def __init__(self, file):
        expect(len(file) >= HEADER_LENGTH, "header", 0)
        expect(file.startswith(SIGNATURE), "signature", 2)
        expect(number(file, 8) == HEADER_LENGTH, "header length", 8)
        expect(number(file, 4_092) == crc32c(file[:4_092]), "header checksum", 4_092)
        expect(number(file, 12) == 0, "must-understand flags", 12)
        self.alignment = number(file, 20)
        expect(self.alignment in (8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096), "alignment", 20)
        self.region_id = file[24:40]

    def crc32c(self, file, start, end):
        """The checksum of a block or a seal, which depends on its region and on its place."""
        return crc32c(self.region_id, struct.pack("<Q", start), file[start + 8 : end])


class Block:
    def __init__(self, file, header, offset):
        expect(len(file) >= offset + BLOCK_HEAD.size, "block head", offset)
        fields = BLOCK_HEAD.unpack_from(file, offset)
        tag, self.checksum, length, self.blob_count, self.first_ordinal, data_length, self.kind, flags = fields
        expect(tag == b"BLK2", "tag", offset)
        is_known = self.kind in (BLOBS, INDEX, JOURNAL_GROUP) or self.kind >= FIRST_SKIPPABLE
        expect(is_known, "kind", offset + 28)
        expect(flags == 0, "block flags", offset + 30)
        expect(data_length % 8 == 0, "data length", offset + 24)
        is_consistent = length == 40 + data_length + 4 * self.blob_count and length <= MAX_BLOCK_LENGTH
        expect(is_consistent, "block length", offset + 8)
        expect(len(file) >= offset + length, "block", offset)
        expect(self.checksum == header.crc32c(file, offset, offset + length), "block checksum", offset + 4)
        self.offset = offset
        self.ends_offset = offset + 40 + data_length
        self.data = file[offset + 40 : self.ends_offset]
        self.ends = file[self.ends_offset : offset + length]
        self.next = aligned(offset + length, header.alignment)

    @property
    def has_blobs(self):
        return self.kind in (BLOBS, JOURNAL_GROUP)

    def blobs(self):
        start = 0
        for place in range(0, len(self.ends), 4):
            end = number(self.ends, place)
            expect(start <= end <= len(self.data), "blob end", self.ends_offset + place)
            yield self.data[start:end]
            start = aligned(end, 8)
        expect(start == len(self.data), "data length", self.offset + 24)


def is_end(file, offset):
    """Whether there is a tag of zero in place of a block."""
    return file[offset : offset + 4] == bytes(4)


def read_sealed(file, header):
    seal_offset = max(len(file) - SEAL.size, HEADER_LENGTH)
    expect(len(file) == seal_offset + SEAL.size, "seal", seal_offset)
    tag, checksum, index_offset, blobs, blob_bytes, blocks, file_length, blocks_checksum = SEAL.unpack_from(
        file, seal_offset
    )
    expect(tag == b"SEAL", "seal tag", seal_offset)
    expect(checksum == header.crc32c(file, seal_offset, len(file)), "seal checksum", seal_offset + 4)
    expect(file_length == len(file), "file length", seal_offset + 40)

    contents, before = Contents(2), []
    offset = HEADER_LENGTH
    while True:
        expect(not is_end(file, offset), "tag", offset)
        block = Block(file, header, offset)
        expect(block.first_ordinal == len(contents.blobs), "first ordinal", offset + 16)
        if block.kind == INDEX:
            break
        if block.has_blobs:
            contents.blobs.extend(block.blobs())
        before.append(block)
        offset = block.next

    check_index(block, before)
    expect(block.next == seal_offset, "seal", block.next)
    expect(index_offset == block.offset, "index offset", seal_offset + 8)
    expect(blobs == len(contents.blobs), "blobs", seal_offset + 16)
    expect(blob_bytes == sum(len(blob) for blob in contents.blobs), "blob bytes", seal_offset + 24)
    expect(blocks == len(before), "blocks", seal_offset + 32)
    checksums = b"".join(struct.pack("<I", block.checksum) for block in before)
    expect(blocks_checksum == crc32c(checksums), "blocks checksum", seal_offset + 48)
    contents.blocks = len(before)
    return contents


def check_index(index, blocks):
    expect(index.blob_count == 0, "blob count", index.offset + 12)
    expect(len(index.data) % INDEX_ENTRY.size == 0, "data length", index.offset + 24)
    entries = INDEX_ENTRY.iter_unpack(index.data)
    for at, ((offset, first_ordinal), block) in enumerate(zip(entries, blocks)):
        entry = index.offset + 40 + at * INDEX_ENTRY.size
        expect(offset == block.offset, "block offset", entry)
        expect(first_ordinal == block.first_ordinal, "first ordinal", entry + 8)
    expect(len(index.data) == len(blocks) * INDEX_ENTRY.size, "data length", index.offset + 24)


def read_journal(file, header):
    """The groups up to the first place where there is none, if there is none behind it either."""
    expect(header.alignment == 4_096, "alignment", 20)
    contents = Contents(2)
    offset = HEADER_LENGTH
    while offset < len(file) and not is_end(file, offset):
        block = journal_block(file, header, offset)
        if block is None:
            break
        expect(block.first_ordinal == len(contents.blobs), "first ordinal", offset + 16)
        expect(block.kind == JOURNAL_GROUP or block.kind >= FIRST_SKIPPABLE, "kind", offset + 28)
        if block.has_blobs:
            contents.blobs.extend(block.blobs())
        contents.blocks += 1
        offset = block.next
    for later in range(offset, len(file), header.alignment):
        expect(journal_block(file, header, later) is None, "block", offset)
    is_torn = any(file[offset:])
    contents.end = f", torn at offset {offset}" if any(file[offset:]) else ", clean"
    return contents


def journal_block(file, header, offset):
    """The block at a place of a journal, if one is there that passes its checksum."""
    try:
        block = Block(file, header, offset)
    except Damage:
        return None
    return block if block.next - offset <= MAX_GROUP_LENGTH else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", metavar="FILE")
    parser.add_argument("--blobs", action="store_true", help="print every blob, in hexadecimal")
    parser.add_argument("--journal", action="store_true", help="the files are journals, which have no seal")
    arguments = parser.parse_args()

    status = 0
    for path in arguments.files:
        try:
            contents = read(Path(path).read_bytes(), arguments.journal)
        except Damage as damage:
            print(f"{path}: damaged: {damage}")
            status = 1
            continue
        print(f"{path}: {contents}")
        if arguments.blobs:
            for ordinal, blob in enumerate(contents.blobs):
                print(f"  blob {ordinal}: {blob.hex()}".rstrip())
    return status


if __name__ == "__main__":
    sys.exit(main())
