#!/usr/bin/env python3
"""Each rule finds what is planted, and nothing in a sound tree."""
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lint

HEADER = """/* A header. */
#ifndef CADRE_KV_A_H
#define CADRE_KV_A_H

#include "engine/env/env.h"

struct cadre_a;

/* Does it. */
int cadre_a_do(struct cadre_a *a);
int cadre_a_undo(struct cadre_a *a);

static inline int cadre_a_one(void)
{
	return 1;
}

#endif
"""
SOUND = {
    "engine/env/env.h": "#ifndef CADRE_ENV_H\n#define CADRE_ENV_H\n#endif\n",
    "engine/kv/a.h": HEADER,
    "engine/kv/a.c": '#include "engine/kv/a.h"\n\n#include <lmdb.h>\n\n'
                     '/* open() is somebody else\'s */\nstatic const char *text = "exit(1)";\n',
    "tests/unit/kv/test_a.c": '#include "engine/kv/a.h"\n\n#include <cmocka.h>\n',
    "tools/dev": "echo fine\n",
}


class Lint(unittest.TestCase):
    def findings(self, rule, **planted):
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**SOUND, **planted.get("files", {})}.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", encoding="utf-8") as file:
                    file.write(text)
            return [f"{path}:{line}: {message}"
                    for path, line, message in lint.RULES[rule](lint.Tree(root))]

    def assert_found(self, rule, path, text, place):
        found = self.findings(rule, files={path: text})
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(place), found)

    def test_a_sound_tree_has_no_findings(self):
        for rule in lint.RULES:
            self.assertEqual(self.findings(rule), [], rule)

    def test_an_include_upwards_is_found(self):
        self.assert_found("layers", "engine/env/b.c", '\n#include "engine/kv/a.h"\n',
                          "engine/env/b.c:2:")
        self.assert_found("layers", "engine/domain/b.c", '#include "engine/env/env.h"\n',
                          "engine/domain/b.c:1:")
        self.assert_found("layers", "proto/codec/b.c", '#include "engine/env/env.h"\n',
                          "proto/codec/b.c:1:")
        self.assert_found("layers", "engine/kv/b.c", '#include "engine/log/log.h"\n',
                          "engine/kv/b.c:1:")
        self.assert_found("layers", "engine/kv/b.c", '#include "cadre/v1/event.pb-c.h"\n',
                          "engine/kv/b.c:1:")
        self.assert_found("layers", "engine/store/b.c", '#include "tests/support/t.h"\n',
                          "engine/store/b.c:1:")

    def test_an_unknown_module_is_found(self):
        self.assert_found("layers", "engine/new/b.c", "", "engine/new/b.c:1:")

    def test_a_third_party_header_out_of_place_is_found(self):
        self.assert_found("third_party", "engine/views/b.c", "#include <lmdb.h>\n",
                          "engine/views/b.c:1:")
        self.assert_found("third_party", "tools/admin/b.c", "#include <nng/nng.h>\n",
                          "tools/admin/b.c:1:")
        self.assert_found("third_party", "engine/kv/b.c", "#include <cmocka.h>\n",
                          "engine/kv/b.c:1:")

    def test_an_include_that_is_not_rooted_is_found(self):
        self.assert_found("includes", "engine/kv/b.c", '#include "a.h"\n',
                          "engine/kv/b.c:1:")
        self.assert_found("includes", "engine/kv/b.c", '#include "../kv/a.h"\n',
                          "engine/kv/b.c:1:")

    def test_a_missing_or_shared_guard_is_found(self):
        self.assert_found("guards", "engine/kv/b.h", "int x;\n", "engine/kv/b.h:1:")
        self.assert_found("guards", "engine/kv/b.h", "#pragma once\n", "engine/kv/b.h:1:")
        self.assert_found("guards", "engine/kv/b.h", HEADER, "engine/kv/b.h:1:")

    def test_a_long_file_is_found(self):
        self.assertEqual(self.findings("size", files={"engine/kv/b.c": "\n" * 600}), [])
        self.assert_found("size", "engine/kv/b.c", "\n" * 601, "engine/kv/b.c:601:")

    def test_a_long_function_is_found(self):
        fits = "int f(void)\n{\n" + "\tg();\n" * 68 + "}\n"
        self.assertEqual(self.findings("size", files={"engine/kv/b.c": fits}), [])
        self.assert_found("size", "engine/kv/b.c",
                          "int f(void)\n{\n" + "\tg();\n" * 69 + "}\n", "engine/kv/b.c:2:")

    def test_a_banned_call_is_found(self):
        for path, call in (("engine/kv/b.c", "strcpy(a, b)"),
                           ("tools/admin/b.c", "sprintf(a, b)"),
                           ("tests/unit/kv/b.c", "usleep(1)"),
                           ("engine/kv/b.c", "printf(a)"),
                           ("engine/log/b.c", "fd = open(a)"),
                           ("engine/store/b.c", "time(NULL)"),
                           ("bench/b.c", "assert(x)")):
            self.assert_found("calls", path, f"\t{call};\n", f"{path}:1:")

    def test_a_call_that_only_ends_like_a_banned_one_passes(self):
        text = "cadre_log_open(a);\nenv->ops->open(a);\nio.open(a);\nsnprintf(a);\n"
        self.assertEqual(self.findings("calls", files={"engine/log/b.c": text}), [])

    def test_env_may_touch_the_world(self):
        self.assertEqual(self.findings("calls", files={"engine/env/b.c": "open(a);\n"}), [])

    def test_killing_by_name_is_found(self):
        self.assert_found("kill_by_name", "tools/b.sh", "p" + "kill cadred\n",
                          "tools/b.sh:1:")

    def test_unfinished_work_is_found(self):
        self.assert_found("unfinished", "docs/a.md", "\nTO" + "DO: more\n", "docs/a.md:2:")
        self.assert_found("unfinished", "engine/kv/b.c", "/* FIX" + "ME */\n",
                          "engine/kv/b.c:1:")

    def test_a_path_of_one_machine_is_found(self):
        self.assert_found("machine_paths", "tools/dev", "cd /ho" + "me/ann/cadre\n",
                          "tools/dev:1:")

    def test_a_declaration_without_comment_is_found(self):
        head = "#ifndef CADRE_B_H\n#define CADRE_B_H\n\n"
        self.assert_found("comments", "engine/kv/b.h", head + "int cadre_b(void);\n\n#endif\n",
                          "engine/kv/b.h:4:")
        self.assert_found("comments", "engine/kv/b.h",
                          head + "/* One. */\nint cadre_a(void);\n\nint cadre_b(void);\n\n#endif\n",
                          "engine/kv/b.h:7:")
        self.assert_found("comments", "engine/kv/b.h",
                          head + "enum cadre_status\ncadre_b(int a);\n\n#endif\n",
                          "engine/kv/b.h:5:")
        text = (head + "/* Both. */\nstruct cadre_c {\n\tint a;\n\n\tint b;\n};\n"
                "int cadre_c(void);\n\nint helper(void);\n\n#endif\n")
        self.assertEqual(self.findings("comments", files={"engine/kv/b.h": text}), [])


if __name__ == "__main__":
    unittest.main()
