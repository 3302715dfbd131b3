#!/usr/bin/env bash
# A short tour; keeps nothing behind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[ -f build/release/build.ninja ] || cmake --preset release >/dev/null
cmake --build build/release --target cadre-admin
build/release/bin/cadre-admin --version
