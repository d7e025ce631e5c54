/* What all functions for hosts share, and C can see. */

#include <string.h>

#include "check.h"
#include "sector_cache.h"

int main(void)
{
    /* Nothing has failed. */
    CHECK(sector_cache_error_text() != NULL);
    CHECK(strcmp(sector_cache_error_text(), "") == 0);
    return CHECKS_RESULT;
}
