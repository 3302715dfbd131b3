/* Messages with every field set, along their descriptors. */
#ifndef TESTS_UNIT_TOOLS_FILLED_H
#define TESTS_UNIT_TOOLS_FILLED_H

#include <protobuf-c/protobuf-c.h>

#include "proto/codec/arena.h"
#include "tests/support/testing.h"

/* A message of `type`: required fields always, optional and repeated ones with
 * `chance` in 256 (256: always). Of each oneof one member at random, but `member` (a
 * field number of the outermost message) is set when not 0. */
ProtobufCMessage *filled_message(const ProtobufCMessageDescriptor *type, unsigned member,
                                 unsigned chance, struct test_random *random,
                                 struct cadre_arena *arena);

#endif
