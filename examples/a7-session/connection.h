/* The device's own MQTT connection, by libmosquitto, which drives a session and comes back by itself. */

#ifndef CONNECTION_H
#define CONNECTION_H

#include <sector_cache.h>
#include <stdbool.h>

#define CHANNEL "12345678"

/* The connection of this session, to a broker on this port of the machine. Made in the turns that follow. */
void connection_open(vdisk_session *session, int port);

/* Publishes what the session has, and takes what arrived. If it may wait, it does so until something arrives or the
 * session has something to do. */
void connection_turn(bool may_wait);

/* How often a connection was lost that had been there. */
unsigned connection_losses(void);

void connection_close(void);

#endif
