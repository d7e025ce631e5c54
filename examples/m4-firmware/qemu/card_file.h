/* A card for the simulation: a file of the host, named card, and a switch that has it fail. */

#ifndef CARD_FILE_H
#define CARD_FILE_H

#include "card.h"

/* While it is not 0, nothing can be read or written. */
extern int card_fails;

/* How often each was asked for. */
extern uint32_t card_reads, card_writes;

#endif
