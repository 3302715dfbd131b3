/* One function for the body of each kind of command; command->body_case is set. */
#ifndef TESTS_PROPERTY_GENERATE_COMMAND_H
#define TESTS_PROPERTY_GENERATE_COMMAND_H

#include "tests/property/generate.h"

typedef void (*generate_fn)(struct generator *g, Cadre__V1__Command *command);

void generate_create_group(struct generator *g, Cadre__V1__Command *command);
void generate_clone_group(struct generator *g, Cadre__V1__Command *command);
void generate_patch_group(struct generator *g, Cadre__V1__Command *command);
void generate_update_group(struct generator *g, Cadre__V1__Command *command);
void generate_group_ref(struct generator *g, Cadre__V1__Command *command);
void generate_group_move(struct generator *g, Cadre__V1__Command *command);
void generate_put_artifact(struct generator *g, Cadre__V1__Command *command);
void generate_create_history(struct generator *g, Cadre__V1__Command *command);
void generate_update_history(struct generator *g, Cadre__V1__Command *command);
void generate_history_ref(struct generator *g, Cadre__V1__Command *command);
void generate_history_move(struct generator *g, Cadre__V1__Command *command);
void generate_register_model(struct generator *g, Cadre__V1__Command *command);
void generate_model_ref(struct generator *g, Cadre__V1__Command *command);
void generate_create_deployment(struct generator *g, Cadre__V1__Command *command);
void generate_update_deployment(struct generator *g, Cadre__V1__Command *command);
void generate_deployment_ref(struct generator *g, Cadre__V1__Command *command);
void generate_cut_over(struct generator *g, Cadre__V1__Command *command);
void generate_finish_cut_over(struct generator *g, Cadre__V1__Command *command);
void generate_place_deployment(struct generator *g, Cadre__V1__Command *command);
void generate_register_node(struct generator *g, Cadre__V1__Command *command);
void generate_retire_node(struct generator *g, Cadre__V1__Command *command);
void generate_put_principal(struct generator *g, Cadre__V1__Command *command);
void generate_remove_principal(struct generator *g, Cadre__V1__Command *command);
void generate_put_policy(struct generator *g, Cadre__V1__Command *command);
void generate_remove_policy(struct generator *g, Cadre__V1__Command *command);
void generate_raise_feature_level(struct generator *g, Cadre__V1__Command *command);

/* What an if-match of the command speaks of, NULL for nothing. */
const struct model_resource *generated_target(struct generator *g,
                                              const Cadre__V1__Command *command);

#endif
