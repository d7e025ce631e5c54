/* What the last error on a host says. */

#ifndef TEXT_H
#define TEXT_H

#include <stdio.h>
#include <string.h>

#include "sector_cache.h"

/* Whether the last error's text has that in it. */
static inline int text_has(const char *part)
{
    int has = strstr(sector_cache_error_text(), part) != NULL;
    if (!has)
        fprintf(stderr, "the text is: %s\n", sector_cache_error_text());
    return has;
}

#endif
