/*
 * The crash-loop guard: views that crash the process over and over are thrown
 * away. LMDB has no page checksums: rot in a page can show as a signal.
 *
 * While armed, SIGSEGV, SIGBUS, SIGABRT, SIGILL and SIGFPE are counted in the
 * control page and then take their default action. The page is a file: the count
 * outlives the process. kill -9 and the machine's death do not count.
 *
 * Programs open their store with `guard_crashes`: cadre_store_open() arms it before
 * it touches the views, asks cadre_guard_tripped() and starts a new generation.
 * Libraries take no signals by themselves.
 */
#ifndef CADRE_STORE_GUARD_H
#define CADRE_STORE_GUARD_H

#include "engine/base/types.h"
#include "engine/store/control.h"

#define CADRE_GUARD_CRASHES_MAX 3u
#define CADRE_GUARD_WINDOW_MS 60000u

/* Installs the handlers. Ownership: `page` stays mapped until disarm.
 * Threads: arm and disarm from one thread; the handlers run in any. */
void cadre_guard_arm(struct cadre_control_page *page);
/* Gives the signals back to what had them before. Not armed: does nothing. */
void cadre_guard_disarm(void);

/* Whether three crashes fell within 60 s of the first of them. Fewer ones whose
 * 60 s are over at `now_ms` are forgotten. */
bool cadre_guard_tripped(struct cadre_control_page *page, cadre_time_ms now_ms);
/* Forgets all, after the generation was thrown away. */
void cadre_guard_reset(struct cadre_control_page *page);

#endif
