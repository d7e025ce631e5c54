/* The example of the header's section on regions. */

#include "region.h"

/* Written beside the program by whoever compiles it. */
#include "region_example.inc"

int main(void)
{
    static const uint8_t sectors[3 * 137] = {1, 2, 0, 3};
    size_t zeros = 0;
    make_folder();
    CHECK_EQUAL(SECTOR_CACHE_OK, dump(in_folder("disk.region"), sectors, 3));
    CHECK_EQUAL(0, look(in_folder("disk.region"), &zeros));
    CHECK_EQUAL(3 * 137 - 3, zeros);

    CHECK_EQUAL(REGION_ERROR_EXISTS, dump(in_folder("disk.region"), sectors, 3));
    remove_file("disk.region");
    CHECK_EQUAL(REGION_ERROR_NOT_FOUND, look(in_folder("disk.region"), &zeros));
    remove_folder();
    return CHECKS_RESULT;
}
