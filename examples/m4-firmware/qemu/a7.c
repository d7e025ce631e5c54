/* The other side of the mailbox: an A7 that plays a recorded session against the firmware, reads
 * what it lacks from a disk it makes up, fills the cache with it, and checks each byte of each hit.
 * It runs when the firmware waits, on a stack of its own, so that the firmware's shows its depth. */

#include "mailbox.h"
#include "sector.h"
#include "semihosting.h"
#include "startup.h"

static const uint16_t session[] = {
#include "session.inc"
};

enum { SESSION_WORDS = sizeof session / sizeof session[0], WRITE_BIT = 0x8000 };
enum { SECTORS = 77 * 32, DRIVE_B = 1 };

/* The message, by offset; it stands behind the mailbox's header. */
enum { TYPE = 0, NUMBER = 1, CACHED = 3, SUCCESS = 4, DRIVE = 5, BYTES = 6, PADDING = 143 };
enum { READ = 1, WRITE = 2 };
enum { READ_LENGTH = 3, WRITE_LENGTH = 143, HIT_LENGTH = 144, MISS_LENGTH = 4 };

enum { BUFFER_BYTES = 2048 };

static union {
    mailbox_buffer buffer;
    uint8_t bytes[BUFFER_BYTES];
} to_m4, to_a7;

enum { RING_BYTES = BUFFER_BYTES - sizeof(mailbox_buffer) };

static mailbox a7 = {.outbound = &to_m4.buffer, .inbound = &to_a7.buffer, .size = RING_BYTES};

/* A component's name, which has to come back. */
static const uint8_t header[MAILBOX_HEADER] = {0x25, 0x02, 0x5d, 0x2c, 0x66, 0xda, 0x44, 0x48, 0xba, 0xe1,
                                               0xac, 0x26, 0xfc, 0xdd, 0x36, 0x27, 0x00, 0x00, 0x00, 0x00};

static uint32_t written[SECTORS]; /* hash of the last write, 0 before the first */

static enum { PLAYING, COUNTING } phase;
static uint32_t next_word;
static uint32_t counted;  /* sectors asked for while counting */
static int asked = -1;    /* the sector whose read is unanswered */
static uint32_t hits, misses, writes, held;

static void send(uint8_t type, uint32_t sector, size_t length)
{
    uint8_t message[MAILBOX_HEADER + HIT_LENGTH];
    uint8_t *disk = message + MAILBOX_HEADER;

    for (int at = 0; at < MAILBOX_HEADER; at++) {
        message[at] = header[at];
    }
    disk[TYPE] = type;
    disk[NUMBER] = (uint8_t)sector;
    disk[NUMBER + 1] = (uint8_t)(sector >> 8);
    disk[CACHED] = 0;
    disk[SUCCESS] = 0;
    disk[DRIVE] = DRIVE_B;
    sector_bytes(sector, written[sector], disk + BYTES);
    if (mailbox_send(&a7, message, MAILBOX_HEADER + length) != 0) {
        fail("no room in an empty mailbox");
    }
}

static void check_hit(const uint8_t *disk, uint32_t sector)
{
    if (disk[TYPE] != READ || disk[NUMBER] != (uint8_t)sector || disk[NUMBER + 1] != sector >> 8 ||
        disk[CACHED] != 1 || disk[SUCCESS] != 1 || disk[PADDING] != 0) {
        fail("a hit's fields are wrong");
    }
    if (!sector_equals(sector, written[sector], disk + BYTES)) {
        fail("a hit's bytes are not what was written last");
    }
}

/* What the firmware answered to the read of `asked`. Returns whether it was a hit. */
static int answer(void)
{
    uint8_t message[MAILBOX_MESSAGE_MAX];
    const uint8_t *disk = message + MAILBOX_HEADER;
    size_t length = mailbox_receive(&a7, message, sizeof message);

    if (length < MAILBOX_HEADER) {
        fail("a read was not answered");
    }
    for (int at = 0; at < MAILBOX_HEADER; at++) {
        if (message[at] != header[at]) {
            fail("an answer's header is not the request's");
        }
    }
    if (length == MAILBOX_HEADER + HIT_LENGTH) {
        check_hit(disk, (uint32_t)asked);
        return 1;
    }
    if (length != MAILBOX_HEADER + MISS_LENGTH || disk[0] != 0 || disk[1] != 0 || disk[2] != 0 || disk[3] != 0) {
        fail("an answer is neither a hit nor a miss");
    }
    return 0;
}

static void ask(uint32_t sector)
{
    send(READ, sector, READ_LENGTH);
    asked = (int)sector;
}

static void play(void)
{
    uint32_t word = session[next_word++];
    uint32_t sector = word & ~(uint32_t)WRITE_BIT;

    if (sector >= SECTORS) {
        fail("the session leaves the disk");
    }
    if (word & WRITE_BIT) {
        written[sector] = session[next_word] | (uint32_t)session[next_word + 1] << 16;
        next_word += 2;
        writes++;
        send(WRITE, sector, WRITE_LENGTH);
    } else {
        ask(sector);
    }
}

static uint32_t stack_used(void)
{
    const uint32_t *word = stack_limit;

    while (word < stack_top && *word == STACK_PAINT) {
        word++;
    }
    return (uint32_t)((const uint8_t *)stack_top - (const uint8_t *)word);
}

static void report(void)
{
    print_figure("session_reads", hits + misses);
    print_figure("session_hits", hits);
    print_figure("session_misses", misses);
    print_figure("session_writes", writes);
    print_figure("session_held", held);
    print_figure("stack_bytes", stack_used());
    stop(0);
}

static void turn(void)
{
    if (asked >= 0) {
        int hit = answer();
        uint32_t sector = (uint32_t)asked;
        asked = -1;
        if (phase == COUNTING) {
            held += (uint32_t)hit;
        } else if (hit) {
            hits++;
        } else {
            misses++;
            send(WRITE, sector, WRITE_LENGTH);
            return;
        }
    } else if (to_a7.buffer.write_position != to_m4.buffer.read_position) {
        fail("a write was answered");
    }

    if (next_word < SESSION_WORDS) {
        play();
    } else if (counted < SECTORS) {
        phase = COUNTING;
        ask(counted++);
    } else {
        report();
    }
}

__attribute__((naked)) static void call_on(void *stack __attribute__((unused)),
                                           void (*function)(void) __attribute__((unused)))
{
    __asm volatile("push {r4, lr}\n"
                   "mov r4, sp\n"
                   "mov sp, r0\n"
                   "blx r1\n"
                   "mov sp, r4\n"
                   "pop {r4, pc}\n");
}

mailbox mailbox_open(void)
{
    mailbox m4 = {.outbound = &to_a7.buffer, .inbound = &to_m4.buffer, .size = RING_BYTES};
    return m4;
}

void mailbox_wait(void)
{
    static uint64_t stack[1024];

    call_on(stack + 1024, turn);
}

void mailbox_sent(void)
{
}

void mailbox_received(void)
{
}
