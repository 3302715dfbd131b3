# Third-party libraries as imported targets cadre_dep::<name>. Headers of all of
# them are SYSTEM: the warning set is for our own code.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

function(cadre_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(cadre_dep::${name} ALIAS PkgConfig::${name})
endfunction()

# For libraries that Debian ships without a usable pkg-config file.
function(cadre_lib name header library)
  find_path(${name}_INCLUDE_DIR ${header} REQUIRED)
  find_library(${name}_LIBRARY ${library} REQUIRED)
  add_library(cadre_dep::${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(cadre_dep::${name} SYSTEM INTERFACE ${${name}_INCLUDE_DIR})
  target_link_libraries(cadre_dep::${name} INTERFACE ${${name}_LIBRARY})
endfunction()

cadre_pkg(protobuf_c libprotobuf-c)
cadre_pkg(zstd libzstd)
cadre_pkg(crypto libcrypto)
cadre_pkg(isal libisal)
cadre_pkg(xxhash libxxhash)
cadre_pkg(jansson jansson)
cadre_pkg(inih inih)
cadre_pkg(microhttpd libmicrohttpd)
cadre_lib(lmdb lmdb.h lmdb)
cadre_lib(nng nng/nng.h nng)
include(CadreNng)
cadre_lib(cmocka cmocka.h cmocka)
find_program(PROTOC_C protoc-c REQUIRED)
