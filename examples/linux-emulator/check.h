/* What the controller does at its ports beside what the BIOS asks for, on a drive B that may be written over. */

#ifndef CHECK_H
#define CHECK_H

#include "controller.h"

/* Returns 0, or -1 if something is not so, which it prints. */
int check_controller(controller *c);

#endif
