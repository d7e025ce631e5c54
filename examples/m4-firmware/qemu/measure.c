/* Instructions a call, average and worst, of what the firmware does with its cache. The same file
 * measures the library and the peer: both are linked under the library's names. */

#include "instructions.h"
#include "memory.h"
#include "sector.h"
#include "semihosting.h"

#include <sector_cache.h>

static sector_cache *const cache = (sector_cache *)cache_memory;
static uint32_t slots;

/* What the timed calls read and leave. Word-aligned, as a caller's buffer usually is. */
static _Alignas(4) uint8_t buffer[SECTOR_LENGTH];
static _Alignas(4) uint8_t copy_target[SECTOR_LENGTH];
static int32_t outcome;
static const uint8_t *lent;
static void *copied;

/* A call's cost is its own instructions, from its first to its return. So each is timed twice, by
 * code that differs in the callee alone: once it is the real one, once a bare return. */
#define EMPTY(name, type, parameters)                                     \
    __attribute__((naked, noipa)) static type name parameters             \
    {                                                                     \
        __asm volatile("bx lr");                                          \
    }

#define TIMED(callee, result, parameters, arguments)                      \
    __attribute__((noipa)) static uint32_t time_##callee parameters       \
    {                                                                     \
        uint32_t start = SYSTICK_VALUE;                                   \
        result = callee arguments;                                        \
        return instructions_between(start, SYSTICK_VALUE);                \
    }

#define KEY (uint8_t drive, uint32_t sector)
#define LEND (cache, drive, sector)
#define READ (cache, drive, sector, buffer, SECTOR_LENGTH)
#define PUT (cache, drive, sector, buffer, SECTOR_LENGTH, NULL)
#define COPY (copy_target, buffer, SECTOR_LENGTH)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wreturn-type"
EMPTY(empty_get, const uint8_t *, (sector_cache *from, uint8_t drive, uint32_t sector))
EMPTY(empty_read, int32_t,
      (sector_cache *from, uint8_t drive, uint32_t sector, uint8_t *bytes, size_t length))
EMPTY(empty_put, int32_t,
      (sector_cache *to, uint8_t drive, uint32_t sector, const uint8_t *bytes, size_t length,
       sector_cache_evicted *evicted))
EMPTY(empty_memcpy, void *, (void *to, const void *from, size_t length))
#pragma GCC diagnostic pop

TIMED(sector_cache_get, lent, KEY, LEND)
TIMED(empty_get, lent, KEY, LEND)
TIMED(sector_cache_read, outcome, KEY, READ)
TIMED(empty_read, outcome, KEY, READ)
TIMED(sector_cache_put, outcome, KEY, PUT)
TIMED(empty_put, outcome, KEY, PUT)
TIMED(memcpy, copied, (void), COPY)
TIMED(empty_memcpy, copied, (void), COPY)

/* What surrounds a call; the bare return itself is the callee's, and stays in. */
static struct {
    uint32_t get, read, put, copy;
} around;

static void measure_surroundings(void)
{
    around.get = time_empty_get(0, 0) - 1;
    around.read = time_empty_read(0, 0) - 1;
    around.put = time_empty_put(0, 0) - 1;
    around.copy = time_empty_memcpy() - 1;
}

typedef struct {
    const char *name;
    uint64_t sum;
    uint32_t calls;
    uint32_t worst;
} figure;

static figure hit_copy = {.name = "insns_hit_copy"};
static figure hit_lent = {.name = "insns_hit_lent"};
static figure miss = {.name = "insns_miss"};
static figure insert_evict = {.name = "insns_insert_evict"};

/* Averages are those of the random keys; the worst is the worst of everything that is run. */
static int averaging;

static void record(figure *of, uint32_t instructions)
{
    if (averaging) {
        of->sum += instructions;
        of->calls++;
    }
    if (instructions > of->worst) {
        of->worst = instructions;
    }
}

static void report(const figure *of)
{
    uint64_t tenths = (of->sum * 10 + of->calls / 2) / of->calls;

    print(of->name);
    print("_avg ");
    print_number(tenths / 10);
    print(".");
    print_number(tenths % 10);
    print("\n");
    print(of->name);
    print("_max ");
    print_number(of->worst);
    print("\n");
}

/* A key is 4 bits of drive and 24 of sector. */
enum { SECTOR_BITS = 24, KEY_MASK = 0xfffffff };

typedef uint32_t key_at(uint32_t index);

static uint8_t drive_of(uint32_t key)
{
    return (uint8_t)(key >> SECTOR_BITS);
}

static uint32_t sector_of(uint32_t key)
{
    return key & ((1u << SECTOR_BITS) - 1);
}

/* Looks random, and repeats nothing: each step maps the 28 bits one to one. */
static uint32_t random_key(uint32_t index)
{
    uint32_t key = (index + 1) * 0x9e3779b1u & KEY_MASK;

    key ^= key >> 15;
    key = key * 0x85ebca6bu & KEY_MASK;
    key ^= key >> 13;
    key = key * 0xc2b2ae35u & KEY_MASK;
    return key ^ key >> 15;
}

static uint32_t sectors; /* of a drive, in the runs over a geometry */

static uint32_t drive_b_key(uint32_t index)
{
    return 1u << SECTOR_BITS | index % sectors;
}

static uint32_t drives_in_turn_key(uint32_t index)
{
    return index / sectors % 16 << SECTOR_BITS | index % sectors;
}

static uint32_t drives_mixed_key(uint32_t index)
{
    return index % 16 << SECTOR_BITS | index / 16 % sectors;
}

static uint32_t stride;

static uint32_t stride_key(uint32_t index)
{
    return index * stride;
}

/* Lends or copies, not both: a sector that was just found would be the most recently used already, and
 * be found for less. */
static void look_up(uint32_t key, int lending, int expected)
{
    uint8_t drive = drive_of(key);
    uint32_t sector = sector_of(key);
    uint32_t instructions;
    int found;

    if (lending) {
        instructions = time_sector_cache_get(drive, sector) - around.get;
        found = lent != NULL;
    } else {
        instructions = time_sector_cache_read(drive, sector) - around.read;
        found = outcome == SECTOR_CACHE_OK;
    }
    if (!found) {
        if (expected) {
            fail("a sector that was put is not there");
        }
        record(&miss, instructions);
        return;
    }
    if (!sector_equals(key, 0, lending ? lent : buffer)) {
        fail("a hit has other bytes than were put");
    }
    record(lending ? &hit_lent : &hit_copy, instructions);
}

static void insert(uint32_t key)
{
    sector_bytes(key, 0, buffer);
    uint32_t putting = time_sector_cache_put(drive_of(key), sector_of(key)) - around.put;

    if (outcome < 0) {
        fail("a put was refused: out of memory");
    }
    if (outcome == SECTOR_CACHE_EVICTED) {
        record(&insert_evict, putting);
    }
}

/* Looks up and inserts each key; then looks up one of the keys before, recent enough to be held
 * still: each was followed by fewer than `slots` others. The cache stays as the run before left it,
 * full, so that keys which all fit evict something too. */
static void run(key_at *key, uint32_t count)
{
    for (uint32_t index = 0; index < count; index++) {
        look_up(key(index), index % 2, 0);
        insert(key(index));
        uint32_t window = index < slots / 2 ? index + 1 : slots / 2;
        look_up(key(index - random_key(index) % window), index % 2, 1);
    }
}

enum { RANDOM_KEYS = 60000, STRIDE_KEYS = 4096, STRIDES = 64, DRIVES = 16 };

static void run_geometry(uint32_t tracks, uint32_t sectors_per_track)
{
    sectors = tracks * sectors_per_track;
    run(drive_b_key, sectors);
    run(drives_in_turn_key, DRIVES * sectors);
    run(drives_mixed_key, DRIVES * sectors);
}

/* With an argument: whether so many sectors fit, by the random keys alone. */
int main(void)
{
    uint32_t asked = argument(0);
    uint32_t bytes = asked > 0 ? CACHE_BYTES : cache_memory_bytes;

    instructions_calibrate();
    measure_surroundings();

    slots = asked > 0 ? asked : sector_cache_slots_in(CACHE_BYTES, SECTOR_LENGTH);
    if (sector_cache_init(cache, bytes, SECTOR_CACHE_ABI_VERSION, slots, SECTOR_LENGTH, SECTOR_CACHE_LRU) !=
        SECTOR_CACHE_OK) {
        fail("the memory is too small for so many sectors");
    }
    averaging = 1;
    run(random_key, RANDOM_KEYS);
    averaging = 0;
    if (asked > 0) {
        stop(0);
    }

    run_geometry(77, 32); /* Altair 8 inch */
    run_geometry(35, 16); /* Altair minidisk */
    run_geometry(77, 26); /* IBM 3740 */
    for (stride = 1; stride <= STRIDES; stride++) {
        run(stride_key, STRIDE_KEYS);
    }

    report(&hit_copy);
    report(&hit_lent);
    report(&miss);
    report(&insert_evict);
    print_figure("insns_copy", time_memcpy() - around.copy);
    stop(0);
}
