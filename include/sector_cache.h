/*
 * sector_cache.h - a cache of disk sectors in memory of yours.
 *
 * It finds a sector by drive and number in a few dozen instructions, forgets the least recently used one when it is
 * full, allocates nothing, and keeps no pointer to anything but its own storage and the callbacks you give it.
 * For a device whose disks are on a server, there is a session further below, with an example of its own; for a program
 * on a host, a client that connects by itself, and files of blobs.
 * The whole message loop of a firmware whose emulator asks for sectors over a mailbox:
 *
 *     #include "sector_cache.h"
 *
 *     SECTOR_CACHE_STORAGE(cache, 1154, 137);
 *
 *     void firmware(void)
 *     {
 *         static uint8_t message[1024];
 *         if (sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, 1154, 137,
 *                               SECTOR_CACHE_LRU) != SECTOR_CACHE_OK)
 *             return;
 *         for (;;) {
 *             size_t length = mailbox_dequeue(message, sizeof message);
 *             if (length <= 20)
 *                 continue;
 *             length = sector_cache_serve(cache, message + 20, length - 20, sizeof message - 20);
 *             if (length > 0)
 *                 mailbox_enqueue(message, 20 + length);
 *         }
 *     }
 *
 * Threads. Nothing here may be called from an interrupt. An object may be used by one thread at a time: use it from
 * one thread, or lock around every call, those on `const` objects included. Different objects are independent.
 * The sections for hosts have rules of their own.
 *
 * Memory. You supply all of it: the macros below declare it or say its size, and there is nothing to free, but for what
 * the sections for hosts open. An object may not be moved or copied. A pointer is *borrowed* if the other side may use
 * it for the time stated, *owned* if it becomes the other side's, and *static* if it is valid for ever; every parameter
 * and result says which.
 *
 * Units. Lengths and capacities are in bytes. Drives count from 0 (A) to 15; sectors count from 0 over all tracks of
 * a drive, up to 16,777,215.
 *
 * Results. 0 is success, a positive code a documented outcome, a negative one an error; after an error nothing has
 * changed unless its function says so. NULL, misaligned or uninitialised objects and lengths that do not fit are
 * refused by code. What cannot be seen from a pointer is trusted: that the memory behind it is yours and as long as
 * you say.
 *
 * Stability. Names, codes, and what they mean stay; codes and functions are only added. SECTOR_CACHE_ABI_VERSION
 * grows when a program must be compiled again, and the library refuses an object made with another version.
 */

#ifndef SECTOR_CACHE_H
#define SECTOR_CACHE_H

#include <stddef.h>
#include <stdint.h>

/* Storage ---------------------------------------------------------------------------------------------------------- */

/* Bytes of an object before its sectors. */
#define SECTOR_CACHE_HEADER_BYTES (sizeof(void *) == 4 ? 80u : 160u)
#define SECTOR_CACHE_DISK_HEADER_BYTES (sizeof(void *) == 4 ? 96u : 192u)

/*
 * Bytes of storage for a cache of `slots` sectors of `sector_length` bytes: 12 bytes a sector more than the sectors.
 * A constant expression; `slots` is 0 to 65,535, and it must not exceed what a size_t can count.
 */
#define SECTOR_CACHE_BYTES(slots, sector_length) \
    (SECTOR_CACHE_HEADER_BYTES + (size_t)(slots) * ((size_t)(sector_length) + 12u))

/* The same for a disk (an SD card and its cache), whose sectors have 137 bytes. */
#define SECTOR_CACHE_DISK_BYTES(slots) (SECTOR_CACHE_DISK_HEADER_BYTES + (size_t)(slots) * (137u + 12u))

/*
 * Declares static storage for a cache, aligned, as `name_storage`, and `name`, a pointer to it. Initialise it with
 * sector_cache_init(name, sizeof name_storage, SECTOR_CACHE_ABI_VERSION, slots, sector_length, flags).
 */
#define SECTOR_CACHE_STORAGE(name, slots, sector_length) \
    static union { \
        uint64_t alignment; \
        uint8_t bytes[SECTOR_CACHE_BYTES(slots, sector_length)]; \
    } name##_storage; \
    static sector_cache *const name = (sector_cache *)(void *)&name##_storage

/* The same for a disk; see sector_cache_disk_init(). */
#define SECTOR_CACHE_DISK_STORAGE(name, slots) \
    static union { \
        uint64_t alignment; \
        uint8_t bytes[SECTOR_CACHE_DISK_BYTES(slots)]; \
    } name##_storage; \
    static sector_cache_disk *const name = (sector_cache_disk *)(void *)&name##_storage

/* Bytes of a session before what its window, its tracks and its messages take. */
#define VDISK_SESSION_HEADER_BYTES (sizeof(void *) == 4 ? 1024u : 1280u)

/*
 * Bytes of storage for a session with a window of 1 to 64 writes, for sectors of 1 to 65,535 bytes, and tracks of 1 to
 * 65,535 sectors. A constant expression.
 */
#define VDISK_SESSION_BYTES(window, sector_length, sectors_per_track) \
    (VDISK_SESSION_HEADER_BYTES + (size_t)(window) * ((size_t)(sector_length) + 8u) \
     + 12u * (((size_t)(sectors_per_track) + 7u) / 8u) \
     + ((sector_length) > 20 ? (size_t)(sector_length) + 28u : 48u) + 53u)

/* The same as the above for a session; see vdisk_session_init(). */
#define VDISK_SESSION_STORAGE(name, window, sector_length, sectors_per_track) \
    static union { \
        uint64_t alignment; \
        uint8_t bytes[VDISK_SESSION_BYTES(window, sector_length, sectors_per_track)]; \
    } name##_storage; \
    static vdisk_session *const name = (vdisk_session *)(void *)&name##_storage

/* A cache, a disk and a session: opaque, in storage of yours. */
typedef struct sector_cache sector_cache;
typedef struct sector_cache_disk sector_cache_disk;
typedef struct vdisk_session vdisk_session;

#if defined(SECTOR_CACHE_HOSTED)
/* Opaque, in memory of the library's. */
typedef struct vdisk_client vdisk_client;
typedef struct region_reader region_reader;
typedef struct region_writer region_writer;
#endif

/* Codes and flags -------------------------------------------------------------------------------------------------- */

/* A flag of `sector_cache_init()`: the least recently used sector gives up its slot. The default. */
#define SECTOR_CACHE_LRU 0

/*
 * A flag of `sector_cache_init()`: nothing is evicted; a new sector that finds no slot is refused. For a difference
 * disk.
 */
#define SECTOR_CACHE_NEVER_EVICT 1

/*
 * A flag of `sector_cache_init()`: `sector_cache_serve()` heeds the drive in a message. By default it does not, since
 * boards in the field send there whatever was in memory.
 */
#define SECTOR_CACHE_MULTI_DRIVE 2

/* Done. */
#define SECTOR_CACHE_OK 0

/* The sector is not held. */
#define SECTOR_CACHE_MISS 1

/* The sector was not held, and got a free slot. */
#define SECTOR_CACHE_INSERTED 2

/* The sector was held with other bytes. */
#define SECTOR_CACHE_REPLACED 3

/* The sector was held with the same bytes. */
#define SECTOR_CACHE_UNCHANGED 4

/* The sector was not held, and got the slot of another. */
#define SECTOR_CACHE_EVICTED 5

/* It is on its way, and not done. */
#define VDISK_PENDING 6

/* There is a message to publish. */
#define VDISK_PUBLISH 7

/* A message is not for this session. */
#define VDISK_FOREIGN 8

/* The cache is not to be asked for the sector: it may hold older bytes, or another sector's. */
#define VDISK_BYPASS 9

/* Nothing happened in the time given. */
#define VDISK_NO_EVENT 10

/* The region has no more blobs. */
#define REGION_END 11

/* A pointer is NULL that may not be. */
#define SECTOR_CACHE_ERROR_NULL (-1)

/* The storage is not aligned; declare it with the macro. */
#define SECTOR_CACHE_ERROR_ALIGNMENT (-2)

/* The storage has too few bytes; see the macros for its size. */
#define SECTOR_CACHE_ERROR_TOO_SMALL (-3)

/* Header and library do not belong together: compile again with the library's header. */
#define SECTOR_CACHE_ERROR_VERSION (-4)

/* The object was not initialised, or something wrote over it. */
#define SECTOR_CACHE_ERROR_NOT_INITIALISED (-5)

/*
 * A drive from 16 on, a sector from 16,777,216 on or that a session's drive does not have, more than 65,535 slots, a
 * sector length of 0 or too many, or an alignment or a version that no region has.
 */
#define SECTOR_CACHE_ERROR_OUT_OF_RANGE (-6)

/* A length that is not the sector length, or a buffer that is too short. */
#define SECTOR_CACHE_ERROR_LENGTH (-7)

/* No slot is free and nothing may be evicted. */
#define SECTOR_CACHE_ERROR_FULL (-8)

/* A sector that would be overwritten is dirty: write it to its device and mark it clean first. */
#define SECTOR_CACHE_ERROR_DIRTY (-9)

/* A flag that this version does not know. */
#define SECTOR_CACHE_ERROR_FLAGS (-10)

/* The sector is being filled in place: finish or cancel that first. */
#define SECTOR_CACHE_ERROR_FILLING (-11)

/* An option that cannot be; `vdisk_session_options` and `vdisk_client_options` say what can. */
#define VDISK_ERROR_OPTIONS (-12)

/* The server has not told yet what drives there are. */
#define VDISK_ERROR_NOT_OPEN (-13)

/* The channel has no such drive. */
#define VDISK_ERROR_NO_DRIVE (-14)

/* The drive's sectors are longer than the session, or the server, can carry. */
#define VDISK_ERROR_TOO_LONG (-15)

/* The drive cannot be written. */
#define VDISK_ERROR_READ_ONLY (-16)

/* As many writes wait as can: try again when one of them is acknowledged. */
#define VDISK_ERROR_WINDOW_FULL (-17)

/* As many reads wait as can: try again when one of them is done. */
#define VDISK_ERROR_READS_FULL (-18)

/* Another device uses the channel. */
#define VDISK_ERROR_TAKEN_OVER (-19)

/* A defect of the library, on a host. The text says more; close the object, and please report it. */
#define SECTOR_CACHE_ERROR_INTERNAL (-20)

/* Text is not UTF-8. */
#define SECTOR_CACHE_ERROR_TEXT (-21)

/* The operating system gives no thread, no entropy, or the like. */
#define SECTOR_CACHE_ERROR_SYSTEM (-22)

/* A file that an option names cannot be used. */
#define SECTOR_CACHE_ERROR_FILE (-23)

/* A URL is none of a broker. */
#define VDISK_ERROR_URL (-30)

/* There is no connection to the broker. */
#define VDISK_ERROR_UNREACHABLE (-31)

/* Client and broker do not trust each other's certificates, or one of them does not speak TLS. */
#define VDISK_ERROR_TLS (-32)

/* The broker does not let the client in, or does not let it hear its channel. */
#define VDISK_ERROR_DENIED (-33)

/* There is a broker, but no server behind it answers on the channel. */
#define VDISK_ERROR_NO_SERVER (-34)

/* The server said no. */
#define VDISK_ERROR_REFUSED (-35)

/* It was not done in time. */
#define VDISK_ERROR_TIMED_OUT (-36)

/* The drive was changed by somebody else meanwhile, and has no such sector any more. */
#define VDISK_ERROR_CHANGED (-37)

/* Writes that had been accepted were not done. */
#define VDISK_ERROR_WRITES_FAILED (-38)

/* The server's disks are from the past: writes that it had acknowledged are gone. */
#define VDISK_ERROR_DATA_LOSS (-39)

/* The file is not what it should be. The text says what of it, at which offset. */
#define REGION_ERROR_DAMAGED (-40)

/* The file is no region. */
#define REGION_ERROR_NOT_A_REGION (-41)

/* The region was written by a newer version: upgrade the library. */
#define REGION_ERROR_NEWER (-42)

/* There is no such file or folder. */
#define REGION_ERROR_NOT_FOUND (-43)

/* There is such a file already. */
#define REGION_ERROR_EXISTS (-44)

/* A process has locked the file to change it. */
#define REGION_ERROR_LOCKED (-45)

/* A blob is too long, blocks are too many, or a file does not fit into memory. */
#define REGION_ERROR_TOO_LONG (-46)

/* The disk is full. */
#define REGION_ERROR_DISK_FULL (-47)

/* The operating system refused something else. The text says what, and with which file. */
#define REGION_ERROR_IO (-48)

/* The region could not be written, as an earlier call has told. */
#define REGION_ERROR_FAILED (-49)

/* The version of this header. The library refuses to initialise an object for another one. */
#define SECTOR_CACHE_ABI_VERSION 1

/* An event: a session is open. The drives are known, and reads and writes go on. */
#define VDISK_EVENT_OPENED 1

/*
 * An event: the server speaks version 1 only, which is spoken from now on. A write then counts as done once it was
 * read back, which says nothing of the server's disk; and what others write is not noticed.
 */
#define VDISK_EVENT_FELL_BACK 2

/*
 * An event: a drive was changed by somebody else, or is gone. What was cached of it is dropped. So it is, too, if the
 * server's folder was copied back from the past: what was acknowledged since the copy was made is gone.
 */
#define VDISK_EVENT_DRIVE_CHANGED 3

/* An event: a sector that was asked for will not come. */
#define VDISK_EVENT_READ_FAILED 4

/* An event: a write that was accepted will not be done. */
#define VDISK_EVENT_WRITE_FAILED 5

/*
 * An event: another device uses the channel. Nothing is sent before `vdisk_session_resume()`, or a client's
 * `vdisk_client_resume()`. A session that another has ended takes the channel back by itself, and only one that loses
 * it again within 60 s is told this.
 */
#define VDISK_EVENT_TAKEN_OVER 6

/*
 * An event: the server's disks are from the past, rolled back with their files. Writes that it acknowledged are lost.
 */
#define VDISK_EVENT_DATA_LOSS 7

/* An event: the entropy is no good. A nonce had been used before. */
#define VDISK_EVENT_NONCE_REPEATED 8

/* An event: the server does not want this device. It is asked again from time to time. */
#define VDISK_EVENT_REFUSED 9

/* Why a read or a write failed: the server said no. */
#define VDISK_FAILURE_REFUSED 1

/* Why a read failed: no answer came in `read_timeout_ms`. */
#define VDISK_FAILURE_TIMED_OUT 2

/* Why a read or a write failed: the drive was changed by somebody else meanwhile. */
#define VDISK_FAILURE_CHANGED 3

/* Why a write failed: the server lost what was written before it. */
#define VDISK_FAILURE_DATA_LOSS 4

/* Why a read failed: another device uses the channel. */
#define VDISK_FAILURE_TAKEN_OVER 5

/* Why a write failed: the server of version 1 does not keep it. */
#define VDISK_FAILURE_NOT_KEPT 6

#if defined(SECTOR_CACHE_HOSTED)
/* An event of a client: there is a connection to the broker. */
#define VDISK_EVENT_CONNECTED 10

/* An event of a client: there is no connection, and another is being made. */
#define VDISK_EVENT_DISCONNECTED 11

/* An event of a client: so many events as `sector` says were dropped, the oldest, since nobody took them. */
#define VDISK_EVENT_MISSED 12

/* A flag of `region_open()`: the checksum of a block is computed when the first of its blobs is lent. The default. */
#define REGION_VERIFY_ONCE 0

/* A flag of `region_open()`: it is computed whenever a scan or a lookup comes to the block. */
#define REGION_VERIFY_ALWAYS 1

/* A flag of `region_open()`: it is not computed. What is damaged may be lent. */
#define REGION_VERIFY_NEVER 2

/*
 * A flag of `region_open()`: all of the file is read into memory at once, and what happens to it later is not seen. By
 * default it is mapped: pages come when they are touched, and a process is killed by SIGBUS if somebody truncates the
 * file meanwhile or the disk fails.
 */
#define REGION_RESIDENT 4
#endif

/* Structures and callbacks ----------------------------------------------------------------------------------------- */

/* What `sector_cache_put()` evicted. */
typedef struct {
    /* Which sector. */
    uint32_t sector;
    /* Of which drive. */
    uint8_t drive;
    /* *Borrowed* during the call: your buffer for the sector's bytes, or NULL if you do not want them. */
    uint8_t *bytes;
    /* Bytes of that buffer: the sector length or more. */
    size_t capacity;
} sector_cache_evicted;

/* A sector that is held, as `sector_cache_for_each()` shows it. */
typedef struct {
    /* Which sector. */
    uint32_t sector;
    /* Of which drive. */
    uint8_t drive;
    /* 1 if the device does not have these bytes yet, else 0. */
    uint8_t dirty;
    /* 1 if the sector is pinned, else 0. */
    uint8_t pinned;
    /* *Borrowed* from the cache until the visitor returns: one sector. */
    const uint8_t *bytes;
} sector_cache_entry;

/*
 * Looks at a sector for `sector_cache_for_each()`. Returns 0 to see the next, anything else to stop.
 *
 * `context` is what was given to the call; `entry` is *borrowed* until the visitor returns. The visitor may not call
 * functions that change the cache, nor be left by an exception or `longjmp()`.
 */
typedef int (*sector_cache_visitor)(void *context, const sector_cache_entry *entry);

/*
 * What a cache has counted since `sector_cache_init()`, and how full it is.
 *
 * On a 32-bit machine the counters wrap after 4,294,967,295.
 */
typedef struct {
    /* The sector was found. */
    uint64_t hits;
    /* The sector was not found. */
    uint64_t misses;
    /* A sector gave up its slot to another. */
    uint64_t evictions;
    /* A sector was put that was held with the same bytes. */
    uint64_t unchanged;
    /* A new sector found no slot. */
    uint64_t refused;
    /* Slots in use. */
    uint32_t used;
    /* Slots in all. */
    uint32_t slots;
} sector_cache_statistics;

/*
 * Reads block `block` of the card into `bytes`, which has `length` bytes: 512. Returns 0 for success.
 *
 * It may block. It may not call this library for the same disk, nor be left by an exception or `longjmp()`.
 */
typedef int (*sector_cache_card_read)(void *context, uint32_t block, uint8_t *bytes, size_t length);

/*
 * Writes `bytes`, which has `length` bytes, 512, to block `block` of the card. Returns 0 for success.
 *
 * It may block. It may not call this library for the same disk, nor be left by an exception or `longjmp()`.
 */
typedef int (*sector_cache_card_write)(void *context, uint32_t block, const uint8_t *bytes, size_t length);

/*
 * Returns 64 bits out of the hardware's entropy, which nobody can know before. They may never repeat, across boots
 * too: a generator with the same seed at every boot is not good enough.
 */
typedef uint64_t (*vdisk_session_random)(void *context);

/*
 * Takes a sector that `vdisk_session_read()` asked for.
 *
 * `bytes`, *borrowed* until the callback returns, is one sector of `length` bytes. If the drive is the mailbox's, the
 * cache was sent it, too.
 */
typedef void (*vdisk_session_arrived)(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes,
    size_t length);

/* What happened. */
typedef struct {
    /* The sector whose read or write failed; how many events a client missed; else 0. */
    uint32_t sector;
    /*
     * `VDISK_EVENT_OPENED` or another of those above; a client's are told by clients alone. Pass over what you do not
     * know: some may be added.
     */
    uint8_t kind;
    /* The drive of that sector, or the one that was changed, else 0. */
    uint8_t drive;
    /* `VDISK_FAILURE_REFUSED` or another of those above if a read or a write failed, else 0. Some may be added. */
    uint8_t failure;
    /*
     * The server's status if it refused: 1 the request makes no sense to it, 2 nor does the version, 3 no such drive, 4
     * no such sector, 5 read-only, 6 too large, 7 its disk is full, 8 its disk failed, 9 the session has ended, 10 the
     * device may not do that, 11 busy; else 0.
     */
    uint8_t status;
} vdisk_session_event;

/* Takes an event, *borrowed* until the callback returns. */
typedef void (*vdisk_session_told)(void *context, const vdisk_session_event *event);

/*
 * Sends a message to the M4, behind the mailbox's header, and returns 0; or anything else if it was not sent: the
 * mailbox is full, say.
 *
 * `message`, of `length` bytes, 144 at most, is *borrowed* until the callback returns. It is a write, which fills the
 * cache with a sector, or a clear. After a failure the session does not trust the cache with what it missed, until a
 * later message made up for it.
 */
typedef int (*vdisk_session_mailbox)(void *context, const uint8_t *message, size_t length);

/* What a session is told once. `vdisk_session_altair()` fills it in. */
typedef struct {
    /*
     * *Borrowed* during `vdisk_session_init()`: the name of the device, 1 to 32 of the characters A to Z, a to z, 0 to
     * 9, _ and -, and a NUL.
     */
    const char *channel;
    /* How many sectors the cache holds: no more are read together. */
    uint32_t cacheable_sectors;
    /* Milliseconds after which a read that is not answered fails; 0 for never. */
    uint32_t read_timeout_ms;
    /* Bytes of the longest sector of any drive that is used, 1 to 65,535. */
    uint16_t sector_length;
    /* How many sectors are read together at most, those of a track; 1 to 65,535. */
    uint16_t sectors_per_track;
    /*
     * Bytes of the longest payload that your MQTT client receives: its buffer, less 7 and the length of the topic
     * `altair/CHANNEL/vdisk/v2/rsp`. At least 28 more than `sector_length`, and 56.
     */
    uint16_t largest_payload;
    /* How many writes may be unacknowledged, 1 to 64; a server may allow fewer. */
    uint8_t window;
    /* Whether a server that speaks version 1 only is spoken to: 0 or 1. */
    uint8_t may_fall_back;
    /* Which drive the cache behind the mailbox is for, 0 to 15. */
    uint8_t mailbox_drive;
    /* Entropy. May not be NULL. */
    vdisk_session_random random;
    /* Takes the sectors that were read. May not be NULL. */
    vdisk_session_arrived arrived;
    /* Takes the events. May not be NULL. */
    vdisk_session_told told;
    /* Sends to the cache behind the mailbox; NULL if there is none. */
    vdisk_session_mailbox mailbox;
    /* What the callbacks are given. Yours; may be NULL. */
    void *context;
} vdisk_session_options;

/* A message to publish: with QoS 0 or 1, and not retained. */
typedef struct {
    /* *Borrowed* from the session until the next `vdisk_session_poll()`: text that ends with a NUL. */
    const char *topic;
    /* *Borrowed* from the session until the next `vdisk_session_poll()`. */
    const uint8_t *payload;
    /* Bytes of the payload, without any NUL. */
    size_t length;
} vdisk_session_message;

/* What a session has counted since `vdisk_session_init()`. Each number stops at 4,294,967,295. */
typedef struct {
    /* Messages to publish: the requests of version 2 that were not sent before, and all of version 1. */
    uint32_t sent;
    /* Requests of version 2 that were sent again. */
    uint32_t sent_again;
    /* Messages that arrived with the retain flag, or on a topic that is not for devices. */
    uint32_t foreign;
    /* Messages that are neither an answer nor an invalidation nor data. */
    uint32_t malformed;
    /*
     * Messages of version 2 to another session, or to no request in flight; data of version 1 while that is not spoken,
     * or at no sector's offset.
     */
    uint32_t unmatched;
    /* Sectors that came to a read, and were taken. */
    uint32_t sectors;
    /* Sectors that came to a read, but were written, dropped or taken meanwhile. */
    uint32_t sectors_discarded;
    /* Sessions of version 2 that were opened. */
    uint32_t sessions;
} vdisk_session_statistics;

/* What the server told of a drive. */
typedef struct {
    /* A number that grows whenever somebody else changes the drive. */
    uint64_t generation;
    /* How many tracks. */
    uint16_t tracks;
    /* Sectors a track. */
    uint16_t sectors_per_track;
    /* Bytes a sector. */
    uint16_t sector_length;
    /* 1 if it cannot be written, else 0. */
    uint8_t is_read_only;
} vdisk_session_drive_info;

#if defined(SECTOR_CACHE_HOSTED)
/*
 * How a client is opened. `vdisk_client_defaults()` fills it in. All of it is *borrowed* during `vdisk_client_open()`.
 */
typedef struct {
    /* The user for the broker, or NULL; with it `password` may not be NULL. */
    const char *user;
    /* The password of `user`, or NULL. */
    const char *password;
    /*
     * The client identifier, 1 to 128 bytes, where the broker wants a certain one; NULL for a random one. Two clients
     * of one identifier throw each other out.
     */
    const char *client_identifier;
    /* The PEM file of the authority that signed the broker's certificate, which mqtts:// needs; else NULL. */
    const char *authority_file;
    /* The PEM file of the client's certificate, or NULL; with it `key_file` may not be NULL. */
    const char *certificate_file;
    /* The PEM file of the key to `certificate_file`, or NULL. */
    const char *key_file;
    /* Milliseconds that it may take until the broker has let the client in, 1,000 at least. */
    uint32_t connect_timeout_ms;
    /*
     * Milliseconds that `vdisk_client_open()` waits for the server; an open that fails may take a second more. That one
     * speaks version 1 only turns out after 7,000 to 9,000.
     */
    uint32_t open_timeout_ms;
    /*
     * Milliseconds that a read, a write, a flush or a close may take, 1 at least. A read that waits for its turn may
     * take twice as long, and a close a second more.
     */
    uint32_t timeout_ms;
    /* How many sectors the cache holds. */
    uint16_t cache_slots;
    /* Bytes of the longest sector of any drive that is used, 1 to 65,535. Shorter ones are not cached. */
    uint16_t sector_length;
    /* Sectors of the longest track, 1 to 65,535. */
    uint16_t sectors_per_track;
    /*
     * Bytes of the largest frame that is taken; a track that is longer comes in several. At least 28 more than
     * `sector_length`, and 56.
     */
    uint16_t largest_frame;
    /* How many writes may be accepted and not on the server's disk, 1 to 64. */
    uint8_t window;
    /* Whether a server that speaks version 1 only is spoken to: 0 or 1. */
    uint8_t may_fall_back;
} vdisk_client_options;

/* What a client has counted since it was opened, and how it is. */
typedef struct {
    /* Its cache. */
    sector_cache_statistics cache;
    /* Its session with the server. */
    vdisk_session_statistics session;
    /* Connections to the broker that were made, the first included. */
    uint64_t connections;
    /* Writes that are accepted, and not on the server's disk yet. */
    uint32_t unacknowledged;
    /* 1 if there is a connection now, else 0. */
    uint8_t is_connected;
    /* 1 if the server speaks version 1 only, which can promise less, else 0. */
    uint8_t is_version_1;
} vdisk_client_statistics;

/*
 * What the header page of version 2 says of a dataset that the file is a part of. The library looks at `id` and
 * `alignment`; the rest is yours.
 */
typedef struct {
    /* The dataset's domain. */
    uint64_t domain;
    /* Its view. */
    uint64_t view;
    /* Its generation. */
    uint64_t generation_clock;
    /* A digest of the generation. */
    uint64_t generation_digest;
    /* When it was created, in nanoseconds since 1970. */
    uint64_t created_ns;
    /* Which slice of it the region belongs to. */
    uint32_t slice_key;
    /* Which region of the slice this is. */
    uint32_t region_index;
    /* How many regions the slice has. */
    uint32_t region_count;
    /* Bytes to a multiple of which blocks start: a power of two from 8 to 4,096. */
    uint32_t alignment;
    /* What no other region has. `region_create()` takes 16 zeros for a random one. */
    uint8_t id[16];
} region_header;

/* What a region says of itself. */
typedef struct {
    /* What the header page says; all zeros in version 1, which has none. */
    region_header header;
    /* Bytes of the file. */
    uint64_t file_bytes;
    /* Of the format: 1 or 2. */
    uint32_t version;
    /* 1 if a seal shows that the file is as long as it was written; 0 in version 1, which has none. */
    uint8_t is_sealed;
} region_info;

/*
 * Looks at a blob for `region_scan()`. Returns 0 to see the next, anything else to stop.
 *
 * `context` is what was given to the call; `bytes`, of `length` bytes, is *borrowed* from the region until it is
 * closed. The visitor may call functions that look at the region, but not be left by an exception or `longjmp()`.
 */
typedef int (*region_visitor)(void *context, const uint8_t *bytes, size_t length);

/* What a region is to be. `region_defaults()` fills it in. */
typedef struct {
    /* What the header page says; version 1 has none. */
    region_header header;
    /* How many bytes the file will have, if that is known, else 0: a disk that is too full shows at once. */
    uint64_t expected_bytes;
    /* Bytes that a block has before the next is begun, 16 MiB at most. A blob that is longer has a block of its own. */
    size_t block_bytes;
    /* Of the format: 1 or 2. */
    uint32_t version;
} region_options;

/* A region that was written and is on its disk. */
typedef struct {
    /* Bytes of the file. */
    uint64_t file_bytes;
    /* Blobs in it. */
    uint64_t blobs;
    /* Their bytes. */
    uint64_t blob_bytes;
    /* Blocks that they are in; 0 in version 1. */
    uint64_t blocks;
    /*
     * What tells the file from others: in version 2 the blocks' checksum in its seal, in version 1, which has none, the
     * CRC-32C of the file.
     */
    uint32_t checksum;
    /* Which region it is; zeros in version 1. */
    uint8_t id[16];
} region_sealed;
#endif

#ifdef __cplusplus
extern "C" {
#endif /* __cplusplus */

/* The cache -------------------------------------------------------------------------------------------------------- */

/*
 * Sectors of up to 16 drives, found by drive and number. In front of a disk that is slow:
 *
 *     #include "sector_cache.h"
 *
 *     SECTOR_CACHE_STORAGE(cache, 64, 512);
 *
 *     int cache_start(void)
 *     {
 *         return (int)sector_cache_init(cache, sizeof cache_storage, SECTOR_CACHE_ABI_VERSION, 64, 512,
 *                                       SECTOR_CACHE_LRU);
 *     }
 *
 *     int read_sector(uint8_t drive, uint32_t sector, uint8_t *bytes)
 *     {
 *         if (sector_cache_read(cache, drive, sector, bytes, 512) == SECTOR_CACHE_OK)
 *             return 0;
 *         if (slow_read(drive, sector, bytes) != 0)
 *             return -1;
 *         sector_cache_put(cache, drive, sector, bytes, 512, NULL);
 *         return 0;
 *     }
 *
 *     int write_sector(uint8_t drive, uint32_t sector, const uint8_t *bytes)
 *     {
 *         if (slow_write(drive, sector, bytes) != 0) {
 *             sector_cache_remove(cache, drive, sector);
 *             return -1;
 *         }
 *         sector_cache_put(cache, drive, sector, bytes, 512, NULL);
 *         return 0;
 *     }
 */

/* The library's ABI version. Equals `SECTOR_CACHE_ABI_VERSION` of the header that belongs to it. */
uint32_t sector_cache_abi_version(void);

/*
 * The bytes of storage for a cache of `slots` sectors of `sector_length` bytes, as `SECTOR_CACHE_BYTES` computes them;
 * 0 if there can be no such cache.
 */
size_t sector_cache_bytes(uint32_t slots, uint32_t sector_length);

/* How many sectors of `sector_length` bytes fit into `storage_bytes` of storage: 0 to 65,535. */
uint32_t sector_cache_slots_in(size_t storage_bytes, uint32_t sector_length);

/*
 * Makes an empty cache in storage of yours.
 *
 * `cache`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing
 * else may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `slots` is 0 to 65,535;
 * `sector_length` is in bytes, 1 to 16,777,216; `flags` is `SECTOR_CACHE_LRU` or a sum of the flags above.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_ALIGNMENT` (the address must be a multiple of
 * 8), `_TOO_SMALL`, `_OUT_OF_RANGE` or `_FLAGS`, and the object is as it was.
 */
int32_t sector_cache_init(sector_cache *cache, size_t storage_bytes, uint32_t abi_version, uint32_t slots,
    uint32_t sector_length, uint32_t flags);

/*
 * Lends the bytes of a sector, which becomes the most recently used.
 *
 * Returns one sector, *borrowed* from the cache: it is valid until the next call that changes the cache (any whose
 * `cache` is not `const`). NULL if the sector is not held, if there can be no such sector, and for a `cache` that is
 * NULL or not initialised.
 */
const uint8_t *sector_cache_get(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Lends the bytes of a sector and changes nothing: neither its recency nor the statistics.
 *
 * Returns as `sector_cache_get()`.
 */
const uint8_t *sector_cache_peek(const sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Copies the bytes of a sector to `bytes`, *borrowed* during the call; the sector becomes the most recently used.
 *
 * `length` is in bytes and must be the sector length.
 *
 * Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS`, and nothing is copied; or `SECTOR_CACHE_ERROR_NULL`,
 * `_NOT_INITIALISED`, `_LENGTH` or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_read(sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t *bytes, size_t length);

/*
 * Holds these bytes for a sector, which becomes the most recently used.
 *
 * `bytes` is *borrowed* during the call; `length` is in bytes and must be the sector length. A sector that is dirty
 * or pinned stays so.
 *
 * `evicted` is *borrowed* during the call and may be NULL. If a sector gives up its slot, its drive and number are
 * written there and its bytes are copied to `evicted->bytes`, unless that is NULL.
 *
 * Neither buffer may overlap the other, or the cache: copy what `sector_cache_get()` lent before you put it elsewhere.
 *
 * Returns `SECTOR_CACHE_INSERTED`, `SECTOR_CACHE_REPLACED`, `SECTOR_CACHE_UNCHANGED` or `SECTOR_CACHE_EVICTED`; or
 * `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_LENGTH` (of `bytes`, or `evicted->capacity` is short),
 * `_OUT_OF_RANGE`, `_FILLING`, `_FULL` or `_DIRTY`, and nothing has changed but the count of those refused for lack of
 * a slot.
 */
int32_t sector_cache_put(sector_cache *cache, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length,
    sector_cache_evicted *evicted);

/*
 * Reserves a slot for a sector and lends it to be written in place, for instance by DMA.
 *
 * `*bytes`, *borrowed* from the cache until the fill ends, is one sector; it holds some former sector's bytes. Nobody
 * sees the sector, and nothing evicts it, until `sector_cache_fill_finish()` or `sector_cache_fill_cancel()`; whatever
 * drops the sector cancels the fill, too. Other calls may come in between. A sector that is held already disappears
 * until then, and for good if the fill is cancelled.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_FILLING`, `_FULL` or
 * `_DIRTY`, and `*bytes` is as it was.
 */
int32_t sector_cache_fill_begin(sector_cache *cache, uint8_t drive, uint32_t sector, uint8_t **bytes);

/*
 * Makes a sector visible whose slot was filled, as the most recently used.
 *
 * Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS` if it was not being filled; or `SECTOR_CACHE_ERROR_NULL`,
 * `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_fill_finish(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Gives up a fill and drops the sector.
 *
 * Returns as `sector_cache_fill_finish()`.
 */
int32_t sector_cache_fill_cancel(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Drops a sector, dirty or pinned or being filled or not.
 *
 * Returns `SECTOR_CACHE_OK`; `SECTOR_CACHE_MISS` if it was not held; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`
 * or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_remove(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Keeps a sector from eviction until `sector_cache_unpin()`.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_pin(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Allows a sector to be evicted again, as the most recently used.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_unpin(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Notes that the device does not have a sector's bytes yet. The sector is not evicted: where it is next in line, an
 * insertion is refused with `SECTOR_CACHE_ERROR_DIRTY`.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_mark_dirty(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Notes that the device has a sector's bytes.
 *
 * Returns as `sector_cache_remove()`.
 */
int32_t sector_cache_mark_clean(sector_cache *cache, uint8_t drive, uint32_t sector);

/*
 * Drops all sectors of a drive, dirty, pinned and filling ones too. Looks at every slot.
 *
 * Returns how many were dropped; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
 */
int32_t sector_cache_invalidate_drive(sector_cache *cache, uint8_t drive);

/*
 * Drops `sectors` sectors of a drive from `first` on, dirty, pinned and filling ones too. Looks up each, or looks at
 * every slot if those are fewer.
 *
 * Returns as `sector_cache_invalidate_drive()`.
 */
int32_t sector_cache_invalidate_range(sector_cache *cache, uint8_t drive, uint32_t first, uint32_t sectors);

/*
 * Drops everything, dirty, pinned and filling sectors too. The statistics go on. Writes to every slot.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_clear(sector_cache *cache);

/*
 * Shows every sector to `visitor`, the most recently used first and pinned ones before all others.
 *
 * Returns 0 after the last, or what `visitor` returned to stop; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_for_each(const sector_cache *cache, sector_cache_visitor visitor, void *context);

/*
 * Writes what the cache has counted to `statistics`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_stats(const sector_cache *cache, sector_cache_statistics *statistics);

/* The mailbox ------------------------------------------------------------------------------------------------------ */

/*
 * Between a microcontroller that has a cache, and the processor beside it. A message, behind the mailbox's own header:
 *
 * | Offset | Size | Field         | Rule                                     |
 * |-------:|-----:|---------------|------------------------------------------|
 * |      0 |    1 | type          | 0 unknown, 1 read, 2 write, 3 clear      |
 * |      1 |    2 | sector number | little-endian                            |
 * |      3 |    1 | cached        | 1 in the answer to a hit                 |
 * |      4 |    1 | success       | 1 in an answer that holds what was asked |
 * |      5 |    1 | drive         | 0 to 15                                  |
 * |      6 |  137 | sector        |                                          |
 * |    143 |    1 | padding       | 0 in answers                             |
 *
 * What is sent may be shorter: a read 3 to 144 bytes, a write 143 or 144, a clear 1 to 144. Any other length or type
 * changes nothing and is not answered. All fields are read and written bytewise, at any alignment.
 *
 * The example at the top of this header is all that a firmware does with it.
 */

/*
 * Serves one mailbox message: this is a firmware's whole message loop between dequeue and enqueue.
 *
 * `message` is the buffer behind the mailbox's 20-byte header, *borrowed* during the call; `length` is what was
 * received there and `capacity` what there is room for, in bytes: 144 or more, or no read is answered. The answer
 * takes the message's place. The cache's sectors must have 137 bytes.
 *
 * A read is answered with the sector, 144 bytes, or, if it is not held, with 4 zeros. A write, a clear, and whatever
 * is no message are not answered. With `SECTOR_CACHE_NEVER_EVICT` a new sector that finds no slot is not kept and
 * counts as refused.
 *
 * Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `cache` that is
 * not initialised, or a `length` above `capacity`.
 */
size_t sector_cache_serve(sector_cache *cache, uint8_t *message, size_t length, size_t capacity);

/* The SD card ------------------------------------------------------------------------------------------------------ */

/*
 * The mailbox's messages, served from a card that the microcontroller has, with a cache in front. Sector s of drive d
 * is block s + 3,000 d of the card, filled up with zeros to its 512 bytes. With the loop at the top of this header:
 *
 *     #include "sector_cache.h"
 *
 *     SECTOR_CACHE_DISK_STORAGE(disk, 1153);
 *
 *     static int read_block(void *context, uint32_t block, uint8_t *bytes, size_t length)
 *     {
 *         return spi_read((struct spi_card *)context, block, bytes, length);
 *     }
 *
 *     static int write_block(void *context, uint32_t block, const uint8_t *bytes, size_t length)
 *     {
 *         return spi_write((struct spi_card *)context, block, bytes, length);
 *     }
 *
 *     int disk_start(struct spi_card *card)
 *     {
 *         return (int)sector_cache_disk_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, 1153, read_block,
 *                                            write_block, card);
 *     }
 *
 *     size_t disk_answer(uint8_t *message, size_t length, size_t capacity)
 *     {
 *         return sector_cache_disk_serve(disk, message, length, capacity);
 *     }
 */

/*
 * Makes a disk with an empty cache of `slots` sectors of 137 bytes in storage of yours.
 *
 * `disk`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing else
 * may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `slots` is 0 to 65,535.
 * `read` and `write` reach the card and are given `context`, which is yours and may be NULL.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_ALIGNMENT` (the address must be a multiple of
 * 8), `_TOO_SMALL` or `_OUT_OF_RANGE`, and the object is as it was.
 */
int32_t sector_cache_disk_init(sector_cache_disk *disk, size_t storage_bytes, uint32_t abi_version, uint32_t slots,
    sector_cache_card_read read, sector_cache_card_write write, void *context);

/*
 * Serves one mailbox message, as `sector_cache_serve()` does, from the card and its cache.
 *
 * Reads and writes of 144 bytes are answered with 144; their `success` byte is 1 if it was done, and a read that
 * failed has a sector of zeros. Sectors from 3,000 and drives from 16 on fail. A clear empties the cache and is not
 * answered, nor is whatever is no message.
 *
 * Returns the answer's length in bytes, 0 if nothing is to be sent. Nothing is served for a NULL, a `disk` that is not
 * initialised, or a `length` above `capacity`.
 */
size_t sector_cache_disk_serve(sector_cache_disk *disk, uint8_t *message, size_t length, size_t capacity);

/*
 * Writes what the disk's cache has counted to `statistics`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t sector_cache_disk_stats(const sector_cache_disk *disk, sector_cache_statistics *statistics);

/* The session ------------------------------------------------------------------------------------------------------ */

/*
 * A device's side of the MQTT disk protocol. You keep the connection to the broker, with wolfMQTT, say; the session
 * says what to publish, takes what arrives, and reads and writes the sectors of the channel's drives, with a cache of
 * one drive on the other side of a mailbox. All of an emulator's part:
 *
 *     #include "sector_cache.h"
 *
 *     VDISK_SESSION_STORAGE(disk, 8, 137, 32);
 *
 *     static void arrived(void *context, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length)
 *     {
 *         (void)context;
 *         cpu_goes_on(drive, sector, bytes, length);
 *     }
 *
 *     static void told(void *context, const vdisk_session_event *event)
 *     {
 *         (void)context;
 *         if (event->kind == VDISK_EVENT_READ_FAILED)
 *             cpu_goes_on(event->drive, event->sector, NULL, 0);
 *     }
 *
 *     int disk_start(void)
 *     {
 *         vdisk_session_options options;
 *         if (vdisk_session_altair(&options, SECTOR_CACHE_ABI_VERSION, "12345678") != SECTOR_CACHE_OK)
 *             return -1;
 *         options.random = hardware_random;
 *         options.arrived = arrived;
 *         options.told = told;
 *         options.mailbox = mailbox_send;
 *         return (int)vdisk_session_init(disk, sizeof disk_storage, SECTOR_CACHE_ABI_VERSION, &options, clock_ms());
 *     }
 *
 *     void disk_received(const char *topic, size_t topic_length, const uint8_t *payload, size_t length, int retained)
 *     {
 *         vdisk_session_received(disk, topic, topic_length, payload, length, retained, clock_ms());
 *     }
 *
 *     void disk_publish(void)
 *     {
 *         vdisk_session_message message;
 *         while (vdisk_session_poll(disk, clock_ms(), &message) == VDISK_PUBLISH)
 *             mqtt_publish(message.topic, message.payload, message.length);
 *     }
 *
 * When the broker is connected, subscribe to `altair/CHANNEL/vdisk/v2/rsp` and `altair/CHANNEL/vdisk/data` with QoS 0
 * or 1, then call vdisk_session_connected(). After any call, and whenever vdisk_session_deadline() has come, publish
 * all that vdisk_session_poll() has. What cannot be published is dropped: the session sends it again, in order, until
 * it is answered.
 *
 * A read: if vdisk_session_trusts() says so, ask the M4, which answers with the sector or a miss. If not, or on a
 * miss, vdisk_session_read(). A miss asks for the whole track, and each sector that comes is sent to the M4. A write:
 * vdisk_session_write(), and nothing else, since the session writes it to the M4, too.
 *
 * Promises. A write that is acknowledged is on the server's disk. One that was accepted is sent until it is
 * acknowledged, across lost connections and restarts of the server, or its failure is told. A reboot of the device
 * loses those not acknowledged: vdisk_session_flush() first. A read returns the last write that was accepted, or else
 * what the server has; old bytes never come back over new ones. A server of version 1 lets a session promise less: see
 * VDISK_EVENT_FELL_BACK.
 *
 * Callbacks rather than a queue: one message may bring a track, and a queue would have to hold all of it. A callback
 * lends each sector where your MQTT client received it, and says at once whether the mailbox took it. They are called
 * from inside your calls and at no other time, on the same thread; they may not call this library for the same
 * session, nor be left by an exception or longjmp().
 *
 * Time. `now_ms` is in milliseconds since some time before the start, and never goes back.
 */

/*
 * Fills in options for an Altair's 8-inch drives and the board in the field, whose MQTT client has 1,024 bytes for a
 * packet: a window of 8 writes, sectors of 137 bytes, 32 a track, 1,154 in the cache of drive 1 (B), 8,000 ms for a
 * read, a server of version 1 if there is no other. The callbacks are NULL.
 *
 * `options` is *borrowed* during the call; `channel`, which ends with a NUL, until `vdisk_session_init()` took the
 * options. `abi_version` is `SECTOR_CACHE_ABI_VERSION`.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_VERSION`, or `VDISK_ERROR_OPTIONS`, if that is no
 * channel's name, and the options are as they were.
 */
int32_t vdisk_session_altair(vdisk_session_options *options, uint32_t abi_version, const char *channel);

/* The bytes of storage for a session, as `VDISK_SESSION_BYTES` computes them; 0 if there can be no such session. */
size_t vdisk_session_bytes(uint8_t window, uint16_t sector_length, uint16_t sectors_per_track);

/*
 * Makes the session of a device that boots, in storage of yours. It first clears the cache behind the mailbox.
 *
 * `session`, of `storage_bytes` bytes, is *borrowed* until you stop using it: it has to stay where it is, and nothing
 * else may write there. There is nothing to free. `abi_version` is `SECTOR_CACHE_ABI_VERSION`; `options` is *borrowed*
 * during the call, and the callbacks and the context in it until you stop using the session.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` (of a callback other than `mailbox`, too), `_VERSION`,
 * `_ALIGNMENT` (the address must be a multiple of 8), `_TOO_SMALL` or `_OUT_OF_RANGE` (`mailbox_drive`), or
 * `VDISK_ERROR_OPTIONS` (anything else in the options), and the object is as it was.
 */
int32_t vdisk_session_init(vdisk_session *session, size_t storage_bytes, uint32_t abi_version,
    const vdisk_session_options *options, uint64_t now_ms);

/*
 * The broker is connected, and the topics are subscribed to. All that waits for an answer is sent again.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_session_connected(vdisk_session *session, uint64_t now_ms);

/*
 * The connection is gone. Reads and writes are accepted still; nothing is sent.
 *
 * Returns as `vdisk_session_connected()`.
 */
int32_t vdisk_session_disconnected(vdisk_session *session);

/*
 * Takes the next message to publish, and fails reads that have waited too long.
 *
 * `message` is *borrowed* during the call; what it points to then is the session's until the next call of this
 * function.
 *
 * Returns `VDISK_PUBLISH`; `SECTOR_CACHE_OK` if there is nothing to publish now, and `message` is as it was; or
 * `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_session_poll(vdisk_session *session, uint64_t now_ms, vdisk_session_message *message);

/*
 * When `vdisk_session_poll()` has something to do again if nothing else is called before, by the clock of `now_ms`;
 * it may have come already.
 *
 * Returns that time; `UINT64_MAX` if it has nothing to do, and for a `session` that is NULL or not initialised.
 */
uint64_t vdisk_session_deadline(const vdisk_session *session, uint64_t now_ms);

/*
 * Takes a message that arrived. Any bytes may come: what is damaged, late or repeated is counted and dropped.
 *
 * `topic`, of `topic_length` bytes, needs no NUL; `payload` is all of the message's `length` bytes, and may be NULL if
 * they are none. Both are *borrowed* during the call. `is_retained` is not 0 if the broker said that the message is.
 *
 * Returns `SECTOR_CACHE_OK`; `VDISK_FOREIGN` if the topic is not one of the session's channel and disk, and nothing
 * was done; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_LENGTH` (more than can be).
 */
int32_t vdisk_session_received(vdisk_session *session, const char *topic, size_t topic_length, const uint8_t *payload,
    size_t length, int32_t is_retained, uint64_t now_ms);

/*
 * Takes the channel back after `VDISK_EVENT_TAKEN_OVER`, and does nothing at any other time.
 *
 * Returns as `vdisk_session_connected()`.
 */
int32_t vdisk_session_resume(vdisk_session *session, uint64_t now_ms);

/*
 * Writes what the session has counted to `statistics`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_session_stats(const vdisk_session *session, vdisk_session_statistics *statistics);

/*
 * Whether the cache behind the mailbox may be asked for a sector. Not if no message can name the sector, since it is of
 * another drive or its number is above 65,535: that cache may take it for one of its own. And it may hold older bytes
 * after a message to it failed, and until it was cleared after the boot.
 *
 * Returns `SECTOR_CACHE_OK`; `VDISK_BYPASS` if it may not: then `vdisk_session_read()`; or `SECTOR_CACHE_ERROR_NULL`,
 * `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
 */
int32_t vdisk_session_trusts(const vdisk_session *session, uint8_t drive, uint32_t sector);

/*
 * Reads a sector that the cache does not have, or is not to be trusted with. The rest of its track is asked for, too.
 * Up to 4 tracks may be asked for at a time.
 *
 * Returns `SECTOR_CACHE_OK` if `arrived` was called meanwhile, with bytes that were written and the server does not
 * have yet; `VDISK_PENDING` if it will be called, or `told` with `VDISK_EVENT_READ_FAILED`, once; or
 * `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`, or `VDISK_ERROR_NO_DRIVE`, `_TOO_LONG`,
 * `_READS_FULL` or `_TAKEN_OVER`, and neither will be.
 */
int32_t vdisk_session_read(vdisk_session *session, uint8_t drive, uint32_t sector, uint64_t now_ms);

/*
 * Nobody waits for a sector any more: neither `arrived` nor `told` is called for it. It may come into the cache still.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`.
 */
int32_t vdisk_session_give_up(vdisk_session *session, uint8_t drive, uint32_t sector);

/*
 * Accepts a write of a sector: it is sent to the cache, found by `vdisk_session_read()`, and on its way to the server.
 * If somebody waits for the sector, `arrived` is called with the bytes.
 *
 * `bytes`, of `length` bytes, is *borrowed* during the call; `length` must be the sector length of the drive.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE` or `_LENGTH`, or
 * `VDISK_ERROR_NOT_OPEN` (before the first `VDISK_EVENT_OPENED` or `_FELL_BACK`), `_NO_DRIVE`, `_TOO_LONG`,
 * `_READ_ONLY`, `_WINDOW_FULL` (try again after the next `vdisk_session_received()`) or `_TAKEN_OVER`, and nothing has
 * changed.
 */
int32_t vdisk_session_write(vdisk_session *session, uint8_t drive, uint32_t sector, const uint8_t *bytes,
    size_t length, uint64_t now_ms);

/*
 * How many writes are accepted, and neither acknowledged nor failed: what a reboot now would lose.
 *
 * Returns that number, 0 to 64; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_session_unacknowledged(const vdisk_session *session);

/*
 * Asks for all writes that were accepted so far to be done. `vdisk_session_is_flushed()` says when they are.
 *
 * Returns as `vdisk_session_is_flushed()`.
 */
int32_t vdisk_session_flush(vdisk_session *session);

/*
 * Whether all writes that were accepted before the last `vdisk_session_flush()` are on the server's disk, or failed,
 * which was told.
 *
 * Returns `SECTOR_CACHE_OK` if they are, or none was asked for; `VDISK_PENDING` if not yet; or
 * `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_session_is_flushed(const vdisk_session *session);

/*
 * Writes what the server told of a drive to `info`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`, or
 * `VDISK_ERROR_NO_DRIVE` if the channel has none of that number or the server has not told yet.
 */
int32_t vdisk_session_drive(const vdisk_session *session, uint8_t drive, vdisk_session_drive_info *info);

#if defined(SECTOR_CACHE_HOSTED)
/* On a host -------------------------------------------------------------------------------------------------------- */

/*
 * What follows needs an operating system: it is there if `SECTOR_CACHE_HOSTED` is defined, which pkg-config and CMake
 * do where the library was installed for a host. It differs in five things from what is above.
 *
 * Memory. The library allocates these objects, and you end each once: a function `_open` or `_create` writes a pointer
 * to yours, which is *owned* by you, and NULL after an error; `_close`, or for a writer region_seal() or
 * region_discard(), frees the object, whatever it returns, and writes NULL there, so that ending it again is refused.
 * Another copy of the pointer is dead then. After SECTOR_CACHE_ERROR_NOT_INITIALISED nothing was freed: there was no
 * such object.
 *
 * Threads. Each section says which functions several threads may call for one object at the same time. Whoever closes
 * an object sees to it that no other call is on its way.
 *
 * Signals. The library's threads have all signals blocked that no defect raises, on Unix: none of your handlers runs
 * there, and SIGPIPE, which a lost connection raises, ends nothing. Your threads have blocked what they had, and no
 * handler is set.
 *
 * Processes. A child of fork() has none of the library's threads. There, calls for a client or a writer that the parent
 * opened return SECTOR_CACHE_ERROR_SYSTEM and change nothing, those that end it but for the pointer, which is NULL
 * then: it is the parent's. A program that becomes a daemon opens them afterwards.
 *
 * Errors have a text besides, for people: sector_cache_error_text(). Any of these functions may return
 * SECTOR_CACHE_ERROR_INTERNAL, for a defect of the library, which would end a Rust program: close the object then.
 *
 * Text from you ends with a NUL and is UTF-8.
 */

/*
 * What the last call of this thread that failed has to say, of those declared from here on, for people, in English.
 * Code should go by the results.
 *
 * Returns text that ends with a NUL, *borrowed* until the next call of this thread to any of these functions; empty if
 * none has failed. Never NULL.
 */
const char *sector_cache_error_text(void);

/* The client ------------------------------------------------------------------------------------------------------- */

/*
 * The drives of a channel behind an MQTT broker: a program reads and writes them, and the library keeps the connection,
 * a session and a cache, on a thread of its own. All that a program needs:
 *
 *     #include <stdio.h>
 *     #include "sector_cache.h"
 *
 *     int toggle_boot_sector(const char *url, const char *channel)
 *     {
 *         uint8_t sector[137] = {0};
 *         vdisk_client *disk;
 *         int32_t code = vdisk_client_open(&disk, SECTOR_CACHE_ABI_VERSION, url, channel, NULL);
 *         if (code == SECTOR_CACHE_OK)
 *             code = vdisk_client_read(disk, 1, 0, sector, sizeof sector);
 *         sector[0] ^= 1;
 *         if (code == SECTOR_CACHE_OK)
 *             code = vdisk_client_write(disk, 1, 0, sector, sizeof sector);
 *         if (code == SECTOR_CACHE_OK)
 *             code = vdisk_client_close(&disk);
 *         if (code != SECTOR_CACHE_OK)
 *             fprintf(stderr, "%s\n", sector_cache_error_text());
 *         vdisk_client_close(&disk);
 *         return (int)code;
 *     }
 *
 * Promises. They are the session's, above. A write is accepted when the call returns, and on the server's disk after
 * vdisk_client_flush() or vdisk_client_close(), which say whether one failed meanwhile, once. A connection that is lost
 * is made again, after pauses of up to 30 s, and what was accepted is sent again.
 *
 * Time. Every call returns within the time-outs of its client, whatever broker, server and network do; only
 * vdisk_client_open() gives up at the first connection that fails.
 *
 * Threads. Several threads may use one client at the same time, with any functions but vdisk_client_close(). Writes
 * wait for room in the window, and reads of what is not cached while 4 tracks are on their way, each in the order of
 * the calls; where 256 calls wait, the time of the next one begins when one of them has ended. An event goes to one of
 * those who ask.
 */

/*
 * Fills in the options that a client is opened with by default: no user, certificate or authority, a random client
 * identifier, 5,000 ms to connect, 15,000 to open and 8,000 for any other call, 4,096 sectors of 137 bytes in the
 * cache, 32 a track, frames of 16,384 bytes, a window of 64 writes, a server of version 1 if there is no other.
 *
 * `options` is *borrowed* during the call; `abi_version` is `SECTOR_CACHE_ABI_VERSION`.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_VERSION`, and the options are as they were.
 */
int32_t vdisk_client_defaults(vdisk_client_options *options, uint32_t abi_version);

/*
 * Connects to a broker, and waits until the server behind it has told what drives there are.
 *
 * `client` is *borrowed* during the call, and what is written there is *owned* by you: close it. `abi_version` is
 * `SECTOR_CACHE_ABI_VERSION`. `url` is `mqtt://host:port`, or `mqtts://host:port` for TLS; the port may be left
 * out, and is 1883 then, or 8883 with TLS. A slash may end it, and the case of `mqtt` is of no account. `channel` is
 * the name of the device, 1 to 32 of the characters A to Z, a to z, 0 to 9, _ and -. `options` may be NULL for the
 * default. All are *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_TEXT`, `_FILE` (a certificate or key) or
 * `_SYSTEM`, or `VDISK_ERROR_URL`, `_OPTIONS` (of the channel's name, too), `_UNREACHABLE`, `_TLS`, `_DENIED`,
 * `_NO_SERVER` or `_REFUSED`.
 */
int32_t vdisk_client_open(vdisk_client **client, uint32_t abi_version, const char *url, const char *channel,
    const vdisk_client_options *options);

/*
 * Reads a sector: what was last written, here or by others. One that is not cached is fetched with its whole track.
 *
 * `bytes`, of `length` bytes, is *borrowed* during the call; `length` must be the sector length of the drive.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_LENGTH`, or
 * `VDISK_ERROR_NO_DRIVE`, `_TOO_LONG`, `_REFUSED`, `_CHANGED`, `_TIMED_OUT` or `_TAKEN_OVER`, and the bytes are as they
 * were.
 */
int32_t vdisk_client_read(const vdisk_client *client, uint8_t drive, uint32_t sector, uint8_t *bytes, size_t length);

/*
 * Writes a sector. It returns when the write is accepted, for which it waits while as many as the window holds are not
 * on the server's disk yet.
 *
 * `bytes`, of `length` bytes, is *borrowed* during the call; `length` must be the sector length of the drive.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED`, `_OUT_OF_RANGE`, `_LENGTH`, or
 * `VDISK_ERROR_NO_DRIVE`, `_TOO_LONG`, `_READ_ONLY`, `_TIMED_OUT` or `_TAKEN_OVER`, and the write is not done.
 */
int32_t vdisk_client_write(const vdisk_client *client, uint8_t drive, uint32_t sector, const uint8_t *bytes,
    size_t length);

/*
 * Waits until all writes that were accepted are on the server's disk.
 *
 * Returns `SECTOR_CACHE_OK`; `VDISK_ERROR_WRITES_FAILED` or `_DATA_LOSS` if since the last flush some were not done
 * after all, which is told once; `VDISK_ERROR_TIMED_OUT` or `_TAKEN_OVER` if they wait still; or
 * `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_client_flush(const vdisk_client *client);

/*
 * How many drives the channel has, as last told. `vdisk_client_drive()` says of each number whether it is one.
 *
 * Returns that number, 0 to 16; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_client_drives(const vdisk_client *client);

/*
 * Writes what the server told of a drive to `info`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_OUT_OF_RANGE`, or
 * `VDISK_ERROR_NO_DRIVE` if the channel has none of that number.
 */
int32_t vdisk_client_drive(const vdisk_client *client, uint8_t drive, vdisk_session_drive_info *info);

/*
 * Writes what the client has counted, and how it is, to `statistics`, *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_client_stats(const vdisk_client *client, vdisk_client_statistics *statistics);

/*
 * Writes the next thing that happened by itself to `event`, *borrowed* during the call, and waits for it at most
 * `timeout_ms` milliseconds. Up to 64 events wait to be taken; of more, the oldest are missed.
 *
 * Returns `SECTOR_CACHE_OK`; `VDISK_NO_EVENT` if nothing happened, and `event` is as it was; or
 * `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`. After `VDISK_EVENT_DISCONNECTED` sector_cache_error_text() says why.
 */
int32_t vdisk_client_next_event(const vdisk_client *client, uint32_t timeout_ms, vdisk_session_event *event);

/*
 * Takes the channel back after `VDISK_EVENT_TAKEN_OVER`, and does nothing at any other time. Writes that were accepted
 * before are sent again, unless the other changed their drive: then they fail.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t vdisk_client_resume(const vdisk_client *client);

/*
 * Flushes, takes leave of the broker, and frees the client in any case: writes that wait still are lost then.
 *
 * `*client` is what `vdisk_client_open()` wrote there, and NULL afterwards.
 *
 * Returns as `vdisk_client_flush()`.
 */
int32_t vdisk_client_close(vdisk_client **client);

/* Regions ---------------------------------------------------------------------------------------------------------- */

/*
 * Files of *blobs*: bytes of any kind, in an order, each with a length. Such a file is written once, and whole or
 * absent: it gets its name when all of it is on the disk. Then it is mapped into memory and lends its blobs. A dump of
 * a disk, say, blob by sector, and a look at it:
 *
 *     #include <stdio.h>
 *     #include "sector_cache.h"
 *
 *     static int32_t dump(const char *path, const uint8_t *sectors, size_t count)
 *     {
 *         region_writer *writer;
 *         int32_t result = region_create(&writer, SECTOR_CACHE_ABI_VERSION, path, NULL);
 *         if (result < 0)
 *             return result;
 *         for (size_t sector = 0; sector < count; ++sector) {
 *             result = region_append(writer, sectors + 137 * sector, 137);
 *             if (result < 0) {
 *                 region_discard(&writer);
 *                 return result;
 *             }
 *         }
 *         return region_seal(&writer, NULL);
 *     }
 *
 *     static int count_zeros(void *context, const uint8_t *bytes, size_t length)
 *     {
 *         for (size_t at = 0; at < length; ++at)
 *             *(size_t *)context += bytes[at] == 0;
 *         return 0;
 *     }
 *
 *     static int32_t look(const char *path, size_t *zeros)
 *     {
 *         region_reader *region;
 *         int32_t result = region_open(&region, SECTOR_CACHE_ABI_VERSION, path, REGION_VERIFY_ONCE);
 *         if (result == SECTOR_CACHE_OK) {
 *             result = region_scan(region, count_zeros, zeros);
 *             region_close(&region);
 *         }
 *         if (result < 0)
 *             fprintf(stderr, "%s\n", sector_cache_error_text());
 *         return result;
 *     }
 *
 * There are two formats. Version 2 has checksums and a seal, by which a file that is cut short or changed is found out.
 * Version 1 is what Burst writes: of it only the first two bytes can be checked when it is opened, and the lengths of
 * the blobs when they are lent. `docs/region-format.md` has both; the command `region` looks at them, checks them, and
 * takes what is whole of a damaged one.
 *
 * Threads. Any number of them may read one region at a time, with every function but `region_close()`; to share a scan,
 * each calls `region_scan_parts()`. A writer is for one thread at a time.
 *
 * Paths. On Unix a path is any bytes before its NUL; elsewhere it is UTF-8.
 */

/*
 * Opens a region, of either version.
 *
 * `path` is *borrowed* during the call. `flags` is one of `REGION_VERIFY_ONCE`, `_ALWAYS` and `_NEVER`, plus
 * `REGION_RESIDENT` or not. The file is locked (`flock`, shared) until it is closed; it may be removed or replaced by
 * another meanwhile, but not be changed.
 *
 * Returns `SECTOR_CACHE_OK`, and `*region` is to be closed with `region_close()`; or `SECTOR_CACHE_ERROR_NULL`,
 * `_VERSION`, `_FLAGS` or `_TEXT`, or `REGION_ERROR_DAMAGED` (not sealed, too), `_NOT_A_REGION`, `_NEWER`,
 * `_NOT_FOUND`, `_IO`, `_LOCKED` or `_TOO_LONG` (does not fit into memory).
 */
int32_t region_open(region_reader **region, uint32_t abi_version, const char *path, uint32_t flags);

/*
 * Writes to `info`, *borrowed* during the call, what the region says of itself.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`.
 */
int32_t region_describe(const region_reader *region, region_info *info);

/*
 * Writes to `blobs` how many blobs there are, and to `blob_bytes` how many bytes they have in all. Both are *borrowed*
 * during the call, and the second may be NULL.
 *
 * In version 1 a pass over all lengths finds out, once.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or, in version 1 only,
 * `REGION_ERROR_DAMAGED`.
 */
int32_t region_count(const region_reader *region, uint64_t *blobs, uint64_t *blob_bytes);

/*
 * Lends a blob by its number in the region, from 0 on.
 *
 * `*bytes`, of `*length` bytes, is *borrowed* from the region until it is closed; it is not NULL, not even without any
 * bytes. In version 1 this takes a pass over all lengths, once, and over up to 4,096 of them each time.
 *
 * Returns `SECTOR_CACHE_OK`; `REGION_END` if there are not so many, and `*bytes` and `*length` are as they were, as
 * they are after `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED` or `_NEWER`.
 */
int32_t region_get(const region_reader *region, uint64_t ordinal, const uint8_t **bytes, size_t *length);

/*
 * Lends all blobs to `visitor`, in order.
 *
 * Returns 0 after the last, or what `visitor` returned to stop: let that be positive, to tell it from errors; or
 * `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED` or `_NEWER` at the first blob of a block
 * that cannot be read: those before have been lent.
 */
int32_t region_scan(const region_reader *region, region_visitor visitor, void *context);

/*
 * Writes to `parts`, *borrowed* during the call, how many parts there are that threads can share a scan by: in version
 * 2 its blocks, in version 1 runs of 4,096 blobs.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED` or `_NEWER`.
 */
int32_t region_parts(const region_reader *region, size_t *parts);

/*
 * Lends the blobs of `parts` parts from `first` on to `visitor`, in order. Parts that are not there have none.
 *
 * Returns as `region_scan()`.
 */
int32_t region_scan_parts(const region_reader *region, size_t first, size_t parts, region_visitor visitor,
    void *context);

/*
 * Checks every rule and every checksum of the file, by reading it anew, whatever the flags. In version 1 only the
 * lengths can be checked.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_DAMAGED`, whose text
 * names the first field that is wrong and its offset in the file, `_NEWER`, `_IO` or `_TOO_LONG`.
 */
int32_t region_verify(const region_reader *region);

/*
 * Closes a region. What it lent may not be used any more.
 *
 * Returns `SECTOR_CACHE_OK`, and `*region` is NULL; or `SECTOR_CACHE_ERROR_NULL` (if `*region` is, too) or
 * `_NOT_INITIALISED`.
 */
int32_t region_close(region_reader **region);

/*
 * Fills in `options`, *borrowed* during the call: version 2, blocks of 256 KiB that start at multiples of 32, a random
 * id, and zeros. `abi_version` is `SECTOR_CACHE_ABI_VERSION`.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_VERSION`, and the options are as they were.
 */
int32_t region_defaults(region_options *options, uint32_t abi_version);

/*
 * Creates a region. There must be no file of its name; it has another, with `.part` behind it, until it is sealed. If a
 * process is killed meanwhile, that file stays, and until you remove it this returns `REGION_ERROR_EXISTS`.
 *
 * `path`, and `options`, which may be NULL for those of `region_defaults()`, are *borrowed* during the call.
 *
 * Returns `SECTOR_CACHE_OK`, and `*writer` is to be ended with `region_seal()` or `region_discard()`; or
 * `SECTOR_CACHE_ERROR_NULL`, `_VERSION`, `_TEXT`, `_OUT_OF_RANGE` (an alignment or a version that cannot be) or
 * `_SYSTEM` (no entropy), or `REGION_ERROR_EXISTS`, `_NOT_FOUND` (the folder), `_DISK_FULL` or `_IO`, and nothing is
 * left behind.
 */
int32_t region_create(region_writer **writer, uint32_t abi_version, const char *path, const region_options *options);

/*
 * Adds a blob: `bytes`, of `length` bytes, at most 2,147,483,647, is *borrowed* during the call, and may be NULL if it
 * has none. Another thread, the library's, writes what is gathered meanwhile.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL`, `_NOT_INITIALISED` or `_LENGTH`, or `REGION_ERROR_TOO_LONG`,
 * and nothing has changed; or `REGION_ERROR_DISK_FULL` or `_IO`, possibly of what was added before, and the region is
 * lost: all that can be done is `region_discard()`, and other calls return `REGION_ERROR_FAILED`.
 */
int32_t region_append(region_writer *writer, const uint8_t *bytes, size_t length);

/*
 * Adds the blobs of a parcel, all or none: `bytes`, of `length` bytes, at most 1 GiB, is *borrowed* during the call,
 * and holds blobs one behind the other, each its length, 4 bytes little-endian that do not count themselves, then as
 * many bytes. In version 2 a parcel is a block of its own.
 *
 * Returns as `region_append()`; or `REGION_ERROR_DAMAGED` if the lengths do not end where the parcel does, and nothing
 * has changed.
 */
int32_t region_append_parcel(region_writer *writer, const uint8_t *bytes, size_t length);

/*
 * Completes a region and gives it its name. When this returns, the file and its name are on the disk, and outlive a
 * power cut.
 *
 * `sealed` is *borrowed* during the call and may be NULL: what the region is, is written there.
 *
 * Returns `SECTOR_CACHE_OK`; or `SECTOR_CACHE_ERROR_NULL` or `_NOT_INITIALISED`, or `REGION_ERROR_EXISTS` (something
 * got the name meanwhile), `_DISK_FULL`, `_IO`, `_TOO_LONG` (more blocks than can be: make them longer) or `_FAILED`,
 * and nothing is left of the region: after a sync that failed nobody knows what the disk has, so write it anew from
 * where it came. However it went, the writer is freed and `*writer` NULL, but after `_NOT_INITIALISED`.
 */
int32_t region_seal(region_writer **writer, region_sealed *sealed);

/*
 * Gives up a region. Nothing is left of it.
 *
 * Returns `SECTOR_CACHE_OK`, and `*writer` is NULL; or `SECTOR_CACHE_ERROR_NULL` (if `*writer` is, too) or
 * `_NOT_INITIALISED`.
 */
int32_t region_discard(region_writer **writer);
#endif

#ifdef __cplusplus
} /* extern "C" */
#endif /* __cplusplus */

#endif  /* SECTOR_CACHE_H */
