# nlohmann/json 3.12.0 as the target nlohmann_json::nlohmann_json: the folder that NLOHMANN_JSON_INCLUDE names, an
# installed one, or else the headers of the Python package nlohmann-json, unpacked in the build folder.

set(INTERROGATOR_JSON_VERSION "3.12.0")
set(NLOHMANN_JSON_INCLUDE "" CACHE PATH "The folder that holds nlohmann/json.hpp")

if(NOT NLOHMANN_JSON_INCLUDE)
  find_package(nlohmann_json ${INTERROGATOR_JSON_VERSION} QUIET)
  if(TARGET nlohmann_json::nlohmann_json)
    return()
  endif()
endif()

set(json_include "${NLOHMANN_JSON_INCLUDE}")
if(NOT json_include)
  set(json_root "${CMAKE_BINARY_DIR}/nlohmann-json-${INTERROGATOR_JSON_VERSION}")
  set(json_include "${json_root}/nlohmann_json/include")
  if(NOT EXISTS "${json_include}/nlohmann/json.hpp")
    set(json_python $ENV{PYTHON})
    if(NOT json_python)
      set(json_python python3)
    endif()
    message(STATUS "Fetching nlohmann/json ${INTERROGATOR_JSON_VERSION} with pip")
    execute_process(
      COMMAND "${json_python}" -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all:
        --dest "${json_root}" "nlohmann-json==${INTERROGATOR_JSON_VERSION}"
      OUTPUT_VARIABLE json_error ERROR_VARIABLE json_error)
    file(GLOB json_wheel "${json_root}/*.whl")
    if(json_wheel)
      file(ARCHIVE_EXTRACT INPUT "${json_wheel}" DESTINATION "${json_root}")
    endif()
  endif()
endif()
if(NOT EXISTS "${json_include}/nlohmann/json.hpp")
  message(FATAL_ERROR
    "nlohmann/json ${INTERROGATOR_JSON_VERSION} was not found at '${json_include}' and could not be fetched with pip. Unpack its release "
    "(or the Python package nlohmann-json==${INTERROGATOR_JSON_VERSION}) and pass -DNLOHMANN_JSON_INCLUDE=<the folder that holds "
    "nlohmann/json.hpp>, or install pip for Python 3 (Debian, Ubuntu: apt-get install python3-pip; PYTHON names another Python).\n${json_error}")
endif()

add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
set_target_properties(nlohmann_json::nlohmann_json PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${json_include}")
