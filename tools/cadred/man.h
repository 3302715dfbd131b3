/* The manual page cadred(8), from the table of options. */
#ifndef CADRE_TOOLS_CADRED_MAN_H
#define CADRE_TOOLS_CADRED_MAN_H

#include <stdio.h>

void cadred_man(FILE *stream);

#endif
