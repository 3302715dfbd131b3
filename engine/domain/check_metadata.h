/* Custom metadata: its size, and the categories that the engine reads itself. */
#ifndef CADRE_DOMAIN_CHECK_METADATA_H
#define CADRE_DOMAIN_CHECK_METADATA_H

#include "cadre/v1/types.pb-c.h"
#include "engine/domain/path.h"

/* The category whose rows place members on cards. */
#define CADRE_CATEGORY_GPU "GPU Configuration"

/* `path` is of the message that holds the list. */
CADRE_MUST_CHECK enum cadre_status cadre_check_metadata(Cadre__V1__CustomMetadata **rows,
                                                        size_t count,
                                                        const struct cadre_path *path,
                                                        struct cadre_error *err);

#endif
