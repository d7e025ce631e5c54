/*
 * Opens a client, with options by the names of their fields, and expects a result and words of its text:
 * open URL CHANNEL CODE WORDS [NAME VALUE]...
 */

#include "client.h"
#include "text.h"

static void set(vdisk_client_options *options, const char *name, const char *value)
{
    if (strcmp(name, "user") == 0)
        options->user = value;
    else if (strcmp(name, "password") == 0)
        options->password = value;
    else if (strcmp(name, "client_identifier") == 0)
        options->client_identifier = value;
    else if (strcmp(name, "authority_file") == 0)
        options->authority_file = value;
    else if (strcmp(name, "certificate_file") == 0)
        options->certificate_file = value;
    else if (strcmp(name, "key_file") == 0)
        options->key_file = value;
    else if (strcmp(name, "open_timeout_ms") == 0)
        options->open_timeout_ms = (uint32_t)atol(value);
    else
        CHECK(!"no such option");
}

int main(int argc, char **argv)
{
    if (argc < 5)
        return 2;
    vdisk_client *client;
    vdisk_client_options options = patient();
    for (int at = 5; at + 1 < argc; at += 2)
        set(&options, argv[at], argv[at + 1]);
    CHECK_EQUAL(atol(argv[3]), vdisk_client_open(&client, SECTOR_CACHE_ABI_VERSION, argv[1], argv[2], &options));
    CHECK(text_has(argv[4]));
    if (client != NULL) {
        read_and_check(client, 40, fill_of(40, 0));
        CHECK_DONE(vdisk_client_close(&client));
    }
    return CHECKS_RESULT;
}
