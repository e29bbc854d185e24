# Finds libtorch and makes the imported target libtorch::libtorch.
#
# Looked at, in this order: LIBTORCH_DIR (a -D option), the environment's LIBTORCH. Either names a libtorch: the folder
# that holds lib/ and include/, be it an official archive or the torch folder of a Python environment.
#
# Not find_package(Torch): that wants a CUDA toolkit wherever libtorch was built with one. Only libtorch_cpu and libc10
# are linked; CUDA's half is opened at run time, so that one binary serves both.

set(INTERROGATOR_LIBTORCH_VERSION "2.11.0")

if(NOT LIBTORCH_DIR AND DEFINED ENV{LIBTORCH})
  set(LIBTORCH_DIR "$ENV{LIBTORCH}")
endif()
set(LIBTORCH_DIR "${LIBTORCH_DIR}" CACHE PATH "libtorch: the folder with lib/ and include/")
if(NOT LIBTORCH_DIR)
  message(FATAL_ERROR "libtorch is not named. Pass -DLIBTORCH_DIR=<folder>; `npm run setup` fetches one and prints its folder.")
endif()

find_library(LIBTORCH_CPU_LIBRARY torch_cpu PATHS "${LIBTORCH_DIR}/lib" NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 PATHS "${LIBTORCH_DIR}/lib" NO_DEFAULT_PATH)
find_path(LIBTORCH_INCLUDE torch/script.h PATHS "${LIBTORCH_DIR}/include" NO_DEFAULT_PATH)
mark_as_advanced(LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE)
if(NOT LIBTORCH_CPU_LIBRARY OR NOT LIBTORCH_C10_LIBRARY OR NOT LIBTORCH_INCLUDE)
  message(FATAL_ERROR "${LIBTORCH_DIR} is not a libtorch: it lacks lib/libtorch_cpu, lib/libc10 or include/torch/script.h.")
endif()

set(Libtorch_VERSION "unknown")
foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
  if(EXISTS "${LIBTORCH_INCLUDE}/${header}")
    file(STRINGS "${LIBTORCH_INCLUDE}/${header}" numbers REGEX "#define TORCH_VERSION_(MAJOR|MINOR|PATCH) +[0-9]+")
    if(numbers)
      list(TRANSFORM numbers REPLACE ".* ([0-9]+)$" "\\1")
      list(JOIN numbers "." Libtorch_VERSION)
      break()
    endif()
  endif()
endforeach()
if(NOT Libtorch_VERSION STREQUAL INTERROGATOR_LIBTORCH_VERSION)
  message(FATAL_ERROR "${LIBTORCH_DIR} is libtorch ${Libtorch_VERSION}; ${INTERROGATOR_LIBTORCH_VERSION} is needed.")
endif()

if(NOT TARGET libtorch::libtorch)
  add_library(libtorch::c10 UNKNOWN IMPORTED)
  set_target_properties(libtorch::c10 PROPERTIES IMPORTED_LOCATION "${LIBTORCH_C10_LIBRARY}")
  add_library(libtorch::libtorch UNKNOWN IMPORTED)
  set_target_properties(libtorch::libtorch PROPERTIES
    IMPORTED_LOCATION "${LIBTORCH_CPU_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${LIBTORCH_INCLUDE};${LIBTORCH_INCLUDE}/torch/csrc/api/include"
    INTERFACE_LINK_LIBRARIES libtorch::c10)
endif()
set(Libtorch_FOUND TRUE)
message(STATUS "libtorch ${Libtorch_VERSION}: ${LIBTORCH_DIR}")
