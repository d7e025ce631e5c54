/*
 * How CP/M 2.2 for the Altair lays out an 8-inch disk of 77 tracks, 32 sectors a track, and 137 bytes a sector: a
 * record of 128 bytes is inside each. Bytes that are not named are 0.
 *
 *     tracks 0 to 5                           tracks 6 to 76
 *       0        0x80 + track                   0        0x80 + track
 *       1 - 2    0x00 0x01                      1        number within the track
 *       3 - 130  record                         4        sum of bytes 2, 3 and 5 to 134
 *     131        0xff                           7 - 134  record
 *     132        sum of the record            135        0xff
 *
 * From one record to the next the number goes on by 8, modulo 32, most of the time, so that a CPU has time between
 * them. On tracks 6 to 76 the sector of a number is 17 times that, modulo 32; on the others it is the number itself.
 */

#ifndef LAYOUT_H
#define LAYOUT_H

#include <stdint.h>

enum { TRACKS = 77, RECORDS_PER_TRACK = 32, RECORD_BYTES = 128 };

/* The sector of a track in which a record of it is. */
unsigned layout_sector(unsigned track, unsigned record);

/* Writes the bytes of the sector that has this record. */
void layout_wrap(unsigned track, unsigned record, const uint8_t bytes[RECORD_BYTES], uint8_t sector[137]);

/* Takes the record out of its sector. Returns 0, or -1 if the sector is not laid out so. */
int layout_unwrap(unsigned track, unsigned record, const uint8_t sector[137], uint8_t bytes[RECORD_BYTES]);

#endif
