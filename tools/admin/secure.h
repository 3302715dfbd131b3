/* The first principal of a new cluster. */
#ifndef CADRE_TOOLS_ADMIN_SECURE_H
#define CADRE_TOOLS_ADMIN_SECURE_H

#include "engine/store/store.h"

/* Principal "admin" in group Administrators, which may manage everything; its fresh
 * private key goes to the file `path`, which must not exist and nobody else may read.
 * Errors: CADRE_CONFLICT (the file exists), those of files and of the store. */
CADRE_MUST_CHECK enum cadre_status
admin_secure(struct cadre_store *store, const char *path, struct cadre_error *err);

#endif
