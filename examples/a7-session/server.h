/* A vdisk-server with a folder of its own, which can be ended and started again. */

#ifndef SERVER_H
#define SERVER_H

/* Starts `program` on a free port, with the disks in `folder`, and returns the port. */
int server_start(const char *program, const char *folder);

/* Ends it by SIGKILL or SIGTERM and starts it again, with the same folder and port. */
void server_restart(int signal);

/* Ends it as an operator does. */
void server_stop(void);

#endif
