/*
 * Asking the cluster on behalf of a request. Answers are kept with the request.
 *
 * Reads see what this gateway wrote and what the request's cadre-position names.
 * Errors: what the cluster refuses with; CADRE_UNAVAILABLE and its like when nobody
 * answers; CADRE_DEADLINE when it is not known what became of a change.
 */
#ifndef CADRE_TOOLS_GATEWAY_ASK_H
#define CADRE_TOOLS_GATEWAY_ASK_H

#include "tools/gateway/request.h"

/* Several questions in one message; one result each. */
CADRE_MUST_CHECK enum cadre_status gateway_ask(struct gateway_request *request,
                                               const Cadre__V1__Op *const *ops,
                                               size_t count,
                                               Cadre__V1__Result ***ret_results);
CADRE_MUST_CHECK enum cadre_status gateway_ask_one(struct gateway_request *request,
                                                   const Cadre__V1__Op *op,
                                                   const Cadre__V1__Result **ret_result);
/* As gateway_ask(), where a refusal of one operation is a result like others. */
CADRE_MUST_CHECK enum cadre_status gateway_ask_each(struct gateway_request *request,
                                                    const Cadre__V1__Op *const *ops,
                                                    size_t count,
                                                    Cadre__V1__Result ***ret_results);

/* The resource with this OCID, which is no name. CADRE_NOT_FOUND also for another
 * kind. */
CADRE_MUST_CHECK enum cadre_status gateway_get(struct gateway_request *request,
                                               const char *id, Cadre__V1__Kind kind,
                                               const Cadre__V1__ResourceInfo **ret_info);
/* The same of any kind; a group comes with its members. */
CADRE_MUST_CHECK enum cadre_status
gateway_get_any(struct gateway_request *request, const char *id,
                const Cadre__V1__ResourceInfo **ret_info);

/* Checks and sends one command with the request's if-match and opc-retry-token. */
CADRE_MUST_CHECK enum cadre_status
gateway_submit(struct gateway_request *request, Cadre__V1__Command *command,
               const Cadre__V1__CommandResult **ret_result);
/* The same, and what it made or changed, as it is now. */
CADRE_MUST_CHECK enum cadre_status
gateway_submit_and_get(struct gateway_request *request, Cadre__V1__Command *command,
                       Cadre__V1__Kind kind, const Cadre__V1__CommandResult **ret_result,
                       const Cadre__V1__ResourceInfo **ret_info);

#endif
