#include "card_file.h"

#include "semihosting.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_SEEK = 0x0a, SYS_FLEN = 0x0c };
enum { READ_AND_WRITE_BINARY = 3 };

int card_fails;
uint32_t card_reads, card_writes;

static int opened_file(void)
{
    static const char name[] = "card";
    static int file = -1;

    if (file < 0) {
        const uint32_t parameters[3] = {(uint32_t)name, READ_AND_WRITE_BINARY, sizeof name - 1};
        file = semihost(SYS_OPEN, parameters);
    }
    return file;
}

/* The file at a block; -1 if the card does not have that, or nothing works. */
static int file_at(uint32_t block, uint32_t length)
{
    const uint32_t file = (uint32_t)opened_file();

    if (card_fails || (int)file < 0) {
        return -1;
    }
    int bytes = semihost(SYS_FLEN, &file);
    if (bytes < 0 || block >= (uint32_t)bytes / length) {
        return -1;
    }
    const uint32_t parameters[2] = {file, block * length};
    return semihost(SYS_SEEK, parameters) == 0 ? (int)file : -1;
}

/* Both operations return how many bytes are left over. */
static int transfer(int operation, uint32_t block, const uint8_t *bytes, size_t length)
{
    int file = file_at(block, length);
    const uint32_t parameters[3] = {(uint32_t)file, (uint32_t)bytes, length};

    return file < 0 ? -1 : semihost(operation, parameters);
}

int card_read(void *context, uint32_t block, uint8_t *bytes, size_t length)
{
    (void)context;
    card_reads++;
    return transfer(SYS_READ, block, bytes, length);
}

int card_write(void *context, uint32_t block, const uint8_t *bytes, size_t length)
{
    (void)context;
    card_writes++;
    return transfer(SYS_WRITE, block, bytes, length);
}
