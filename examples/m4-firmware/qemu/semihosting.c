#include "semihosting.h"

#include "startup.h"

enum { SYS_WRITE0 = 0x04, SYS_GET_CMDLINE = 0x15, SYS_EXIT_EXTENDED = 0x20 };
enum { APPLICATION_EXIT = 0x20026 };

int semihost(int operation, const void *parameter)
{
    register int r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = parameter;

    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void print(const char *text)
{
    semihost(SYS_WRITE0, text);
}

void print_number(uint64_t number)
{
    char text[21];
    char *digit = text + sizeof text - 1;

    *digit = '\0';
    do {
        *--digit = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    print(digit);
}

void print_figure(const char *name, uint64_t number)
{
    print(name);
    print(" ");
    print_number(number);
    print("\n");
}

void stop(int status)
{
    const uint32_t parameters[2] = {APPLICATION_EXIT, (uint32_t)status};

    semihost(SYS_EXIT_EXTENDED, parameters);
    for (;;) {
    }
}

void fail(const char *why)
{
    print("failed: ");
    print(why);
    print("\n");
    stop(1);
}

void fault(void)
{
    fail("unexpected exception, or start-up without a way on");
}

uint32_t argument(uint32_t otherwise)
{
    static char line[128];
    struct {
        char *text;
        uint32_t capacity;
    } parameters = {line, sizeof line};

    semihost(SYS_GET_CMDLINE, &parameters);
    const char *word = line;
    while (*word != '\0' && *word != ' ') {
        word++;
    }
    if (*word == '\0') {
        return otherwise;
    }
    uint32_t number = 0;
    for (word++; *word >= '0' && *word <= '9'; word++) {
        number = number * 10 + (uint32_t)(*word - '0');
    }
    return number;
}
