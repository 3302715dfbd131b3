# cadre_module(NAME DEPENDS targets...): every .c of the calling folder becomes
# the static library NAME; DEPENDS are other modules and cadre_dep:: libraries.
function(cadre_module name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  add_library(${name} STATIC ${sources})
  target_link_libraries(${name} PUBLIC cadre_flags ${ARG_DEPENDS} PRIVATE cadre_warnings)
endfunction()

# cadre_program(NAME DEPENDS targets...): every .c of the calling folder becomes
# the executable NAME.
function(cadre_program name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  file(GLOB sources CONFIGURE_DEPENDS *.c)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE cadre_flags cadre_warnings ${ARG_DEPENDS})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# cadre_tests(PREFIX DEPENDS targets...): every test_*.c of the calling folder
# becomes a cmocka program and the ctest case PREFIX/<name without test_>.
function(cadre_tests prefix)
  cmake_parse_arguments(ARG "" "TIMEOUT" "DEPENDS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  file(GLOB sources CONFIGURE_DEPENDS test_*.c)
  foreach(source ${sources})
    get_filename_component(stem ${source} NAME_WE)
    string(REPLACE "test_" "" short ${stem})
    string(REPLACE "/" "_" flat ${prefix})
    set(target ${flat}_${stem})
    add_executable(${target} ${source})
    target_link_libraries(${target} PRIVATE cadre_flags cadre_warnings ${ARG_DEPENDS}
                          cadre_test_support cadre_dep::cmocka)
    add_test(NAME ${prefix}/${short} COMMAND ${target})
    set_tests_properties(${prefix}/${short} PROPERTIES TIMEOUT ${ARG_TIMEOUT}
      ENVIRONMENT "ASAN_OPTIONS=handle_segv=2;LSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/lsan.supp:print_suppressions=0;TSAN_OPTIONS=suppressions=${CMAKE_SOURCE_DIR}/tests/tsan.supp")
  endforeach()
endfunction()

# cadre_fuzz(NAME DEPENDS targets...): fuzz_<name>.c of the calling folder as a
# libFuzzer program (CADRE_FUZZ), and always as a test that replays the corpus
# in tests/fuzz/corpus/<name>.
function(cadre_fuzz name)
  cmake_parse_arguments(ARG "" "" "DEPENDS" ${ARGN})
  set(target fuzz_${name})
  add_executable(${target} fuzz_${name}.c)
  target_link_libraries(${target} PRIVATE cadre_flags cadre_warnings ${ARG_DEPENDS})
  if(CADRE_FUZZ)
    target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${target} PRIVATE ${CMAKE_SOURCE_DIR}/tests/fuzz/replay_main.c)
    add_test(NAME fuzz/${name} COMMAND ${target} ${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name})
  endif()
endfunction()
