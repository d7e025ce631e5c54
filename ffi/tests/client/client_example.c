/* The example of the header's section on the client, with the server whose URL is the argument. */

/* Written beside the program by whoever compiles it. */
#include "client_example.inc"

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : "";
    /* No channel, which it says. */
    if (toggle_boot_sector(url, "/") != VDISK_ERROR_OPTIONS)
        return 2;
    return toggle_boot_sector(url, "12345678") == SECTOR_CACHE_OK ? 0 : 1;
}
