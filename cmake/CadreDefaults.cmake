# Language, warnings and sanitizers for every target, as interface targets.
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

set(CADRE_SANITIZE "" CACHE STRING "Sanitizers for every target: address,undefined | thread")
option(CADRE_FUZZ "Build the libFuzzer targets (clang only)" OFF)
option(CADRE_COVERAGE "Instrument for coverage" OFF)

add_library(cadre_flags INTERFACE)
target_include_directories(cadre_flags INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_definitions(cadre_flags INTERFACE _GNU_SOURCE)
if(CADRE_SANITIZE)
  target_compile_options(cadre_flags INTERFACE
    -fsanitize=${CADRE_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(cadre_flags INTERFACE -fsanitize=${CADRE_SANITIZE})
endif()
if(CADRE_FUZZ)
  target_compile_options(cadre_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CADRE_COVERAGE)
  target_compile_options(cadre_flags INTERFACE --coverage)
  target_link_options(cadre_flags INTERFACE --coverage)
endif()

add_library(cadre_warnings INTERFACE)
target_compile_options(cadre_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wvla
  -Wcast-align=strict -Wcast-qual -Wstrict-prototypes -Wmissing-prototypes
  -Wformat=2 -Wnull-dereference -Wswitch-enum)
if(CMAKE_C_COMPILER_ID MATCHES Clang)
  target_compile_options(cadre_warnings INTERFACE -Wno-unknown-warning-option -Wno-cast-align)
endif()
option(CADRE_WERROR "Warnings are errors" ON)
if(CADRE_WERROR)
  target_compile_options(cadre_warnings INTERFACE -Werror)
endif()
