/* The handlers of the routes, a file for each kind of resource. */
#ifndef CADRE_TOOLS_GATEWAY_OPERATIONS_H
#define CADRE_TOOLS_GATEWAY_OPERATIONS_H

#include "tools/gateway/ask.h"

/* ---- resource.c: what all kinds share ---- */

/* 200 (or `http`) with the resource as body, and its etag. */
enum cadre_status gateway_answer_resource(struct gateway_request *request, unsigned http,
                                          const Cadre__V1__ResourceInfo *info);
/* opc-work-request-id of the event that did it. */
void gateway_answer_work_request(struct gateway_request *request,
                                 const Cadre__V1__CommandResult *result);
/* GET of one. */
enum cadre_status gateway_get_resource(struct gateway_request *request,
                                       Cadre__V1__Kind kind);
/* A command that names nothing but its resource: the id of the path. */
enum cadre_status gateway_refer(struct gateway_request *request,
                                Cadre__V1__Command__BodyCase body,
                                Cadre__V1__Command *command);
/* POST …/actions/changeCompartment: 204. */
enum cadre_status gateway_move(struct gateway_request *request,
                               Cadre__V1__Command__BodyCase body);
/* Where predictions of a deployment are asked for, as this client reaches us. */
const char *gateway_deployment_url(struct gateway_request *request, const char *id);

/* ---- list.c ---- */

/* GET of many: filters, order and pages of the query, as a bare array. */
enum cadre_status gateway_list_resources(struct gateway_request *request,
                                         Cadre__V1__Kind kind);
/* A page token: digits and letters only, since some clients do not escape. */
const char *gateway_page_text(struct gateway_request *request, const void *bytes,
                              size_t length);
/* `page` of the query; empty when absent. Errors: CADRE_INVALID_PARAMETER. */
CADRE_MUST_CHECK enum cadre_status gateway_page_read(struct gateway_request *request,
                                                     struct cadre_slice *ret_page);

/* ---- the routes ---- */

enum cadre_status gateway_list_groups(struct gateway_request *request);
enum cadre_status gateway_create_group(struct gateway_request *request);
enum cadre_status gateway_get_group(struct gateway_request *request);
enum cadre_status gateway_update_group(struct gateway_request *request);
enum cadre_status gateway_delete_group(struct gateway_request *request);
enum cadre_status gateway_activate_group(struct gateway_request *request);
enum cadre_status gateway_deactivate_group(struct gateway_request *request);
enum cadre_status gateway_move_group(struct gateway_request *request);
enum cadre_status gateway_list_group_models(struct gateway_request *request);

enum cadre_status gateway_list_histories(struct gateway_request *request);
enum cadre_status gateway_create_history(struct gateway_request *request);
enum cadre_status gateway_get_history(struct gateway_request *request);
enum cadre_status gateway_update_history(struct gateway_request *request);
enum cadre_status gateway_delete_history(struct gateway_request *request);
enum cadre_status gateway_move_history(struct gateway_request *request);

enum cadre_status gateway_list_deployments(struct gateway_request *request);
enum cadre_status gateway_create_deployment(struct gateway_request *request);
enum cadre_status gateway_get_deployment(struct gateway_request *request);
enum cadre_status gateway_update_deployment(struct gateway_request *request);
enum cadre_status gateway_delete_deployment(struct gateway_request *request);
enum cadre_status gateway_activate_deployment(struct gateway_request *request);
enum cadre_status gateway_deactivate_deployment(struct gateway_request *request);
enum cadre_status gateway_list_model_states(struct gateway_request *request);

enum cadre_status gateway_list_work_requests(struct gateway_request *request);
enum cadre_status gateway_get_work_request(struct gateway_request *request);
enum cadre_status gateway_cancel_work_request(struct gateway_request *request);
enum cadre_status gateway_list_work_request_errors(struct gateway_request *request);
enum cadre_status gateway_list_work_request_logs(struct gateway_request *request);

enum cadre_status gateway_list_models(struct gateway_request *request);
enum cadre_status gateway_create_model(struct gateway_request *request);
enum cadre_status gateway_get_model(struct gateway_request *request);

enum cadre_status gateway_predict(struct gateway_request *request);
enum cadre_status gateway_predict_stream(struct gateway_request *request);

enum cadre_status gateway_resolve(struct gateway_request *request);
enum cadre_status gateway_key_log(struct gateway_request *request);
enum cadre_status gateway_diff(struct gateway_request *request);
enum cadre_status gateway_history_graph(struct gateway_request *request);
enum cadre_status gateway_watch(struct gateway_request *request);
enum cadre_status gateway_status(struct gateway_request *request);
enum cadre_status gateway_openapi(struct gateway_request *request);
/* 501: an operation of OCI's that has no counterpart here. */
enum cadre_status gateway_not_emulated(struct gateway_request *request);

#endif
