# nng 1.5.2 stops letting connections go when a peer breaks off at the wrong moment
# (replica/transport/nng/mend.c). The functions at fault can be wrapped in its static library
# only, so programs take that one. Another version, a shared library of ours and sanitizers
# (whose suppressions name the shared library) take the shared one as it is.
find_library(nng_STATIC libnng.a)
file(STRINGS ${nng_INCLUDE_DIR}/nng/nng.h nng_version
  REGEX "^#define NNG_(MAJOR|MINOR|PATCH)_VERSION +[0-9]+")
string(REGEX REPLACE "[^0-9;]" "" nng_version "${nng_version}")
set(CADRE_NNG_MENDED OFF)
if(nng_STATIC AND nng_version STREQUAL "1;5;2" AND NOT CADRE_SANITIZE)
  set(CADRE_NNG_MENDED ON)
  add_library(nng_mend STATIC ${CMAKE_SOURCE_DIR}/replica/transport/nng/mend.c)
  target_link_libraries(nng_mend PRIVATE cadre_flags)
  set(wraps -Wl,--wrap=nni_aio_begin,--wrap=nng_stream_recv,--wrap=nng_stream_send
    -Wl,--undefined=__wrap_nni_aio_begin)
  set(shared $<STREQUAL:$<TARGET_PROPERTY:TYPE>,SHARED_LIBRARY>)
  set_property(TARGET cadre_dep::nng PROPERTY INTERFACE_LINK_LIBRARIES
    "$<${shared}:${nng_LIBRARY}>;$<$<NOT:${shared}>:${wraps};nng_mend;${nng_STATIC};mbedtls;mbedx509;mbedcrypto>;Threads::Threads")
endif()
