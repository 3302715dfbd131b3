/* Waiting for conditions, with deadlines. */
#ifndef TESTS_CRASH_CLUSTER_WAIT_H
#define TESTS_CRASH_CLUSTER_WAIT_H

#include <stdbool.h>
#include <stdint.h>

/* For whatever must come: long, because machines are busy. */
#define WAIT_S 60u

uint64_t wait_now_ms(void);
/* A turn of a loop that waits: gives the processor away for a moment. */
void wait_turn(void);
/* The same; fails the test `seconds` after `*io_since` (0: now, it is set then). */
void wait_for(uint64_t *io_since, unsigned seconds, const char *what);
/* Lets a fault last. */
void wait_elapse(uint64_t ms);

#endif
