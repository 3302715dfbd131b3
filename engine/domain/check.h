/* The check of a command inside a batch. */
#ifndef CADRE_DOMAIN_CHECK_H
#define CADRE_DOMAIN_CHECK_H

#include "engine/domain/domain.h"

/* cadre_command_check() where `$0` .. `$<known - 1>` name earlier commands. */
CADRE_MUST_CHECK enum cadre_status
cadre_command_check_after(const Cadre__V1__Command *command, size_t known,
                          struct cadre_error *err);

#endif
