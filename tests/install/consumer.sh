#!/bin/sh
# Installs libcadre into an empty prefix and builds consumer/ against it: by
# pkg-config, shared and static, and by find_package(cadre).
#
# usage: consumer.sh BUILD_DIR COMPILER CMAKE SANITIZERS
set -eu
build=$1 compiler=$2 cmake=$3 sanitizers=$4
source=$(dirname "$0")/consumer
# A program without the sanitizers' runtime cannot load a library that wants it.
[ -z "$sanitizers" ] || exit 77

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
"$cmake" --install "$build" --component libcadre --prefix "$prefix" >"$work/log"

pc=$(dirname "$(find "$prefix" -name cadre.pc)")
library=$(dirname "$pc")
export PKG_CONFIG_PATH="$pc"
run() {
	LD_LIBRARY_PATH=$library "$@" "$work/none"
}

# Word splitting of pkg-config's answer is wanted.
# shellcheck disable=SC2046
"$compiler" -std=c11 -Wall -Wextra -Werror "$source/main.c" -o "$work/shared" \
	$(pkg-config --define-variable=prefix="$prefix" --cflags --libs cadre)
run "$work/shared"

# The program of docs/READER.md, built by the line that stands there.
sed -n '/^```c$/,/^```$/p' "$source/../../../docs/READER.md" | sed '/^```/d' >"$work/look.c"
line=$(sed -n 's/^    cc look.c -o look \(.*\)$/\1/p' "$source/../../../docs/READER.md")
flags=$(eval "echo $line")
# shellcheck disable=SC2086
"$compiler" -std=c11 -Wall -Wextra -Werror "$work/look.c" -o "$work/look" \
	$(echo "$flags" | sed "s#-I[^ ]*#-I$prefix/include#; s#-L[^ ]*#-L$library#")
if LD_LIBRARY_PATH=$library "$work/look" "$work/none" target key 2>"$work/said"; then
	exit 1
fi
grep -q "no daemon has served this directory" "$work/said"

# shellcheck disable=SC2046
"$compiler" -std=c11 "$source/main.c" -o "$work/static" \
	$(pkg-config --define-variable=prefix="$prefix" --cflags cadre) \
	"$library/libcadre.a" \
	$(pkg-config --define-variable=prefix="$prefix" --static --libs-only-l cadre |
		sed 's/-lcadre//') -pthread
"$work/static" "$work/none"

"$cmake" -G Ninja -S "$source" -B "$work/build" -DCMAKE_PREFIX_PATH="$prefix" \
	-DCMAKE_C_COMPILER="$compiler" >>"$work/log"
"$cmake" --build "$work/build" >>"$work/log"
"$work/build/shared" "$work/none"
"$work/build/static" "$work/none"

# Nothing but the public functions is visible.
visible=$(nm -D --defined-only "$library/libcadre.so" | awk '$2 == "T" { print $3 }' |
	sed 's/@.*//' | sort)
declared=$(cat "$prefix"/include/cadre.h "$prefix"/include/cadre_client.h | tr '\n;' ' \n' |
	sed -n 's/.*CADRE_API[^(]*\(cadre_[a-z_]*\)(.*/\1/p' | sort)
[ "$visible" = "$declared" ] || {
	echo "visible: $visible"
	echo "declared: $declared"
	exit 1
}
