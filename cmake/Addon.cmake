# interrogator_addon(<target> <sources…>): a Node addon, <target>.node in INTERROGATOR_ADDON_FOLDER.
function(interrogator_addon target)
  add_library(${target} MODULE ${ARGN})
  set_target_properties(${target} PROPERTIES
    PREFIX "" SUFFIX ".node"
    LIBRARY_OUTPUT_DIRECTORY "${INTERROGATOR_ADDON_FOLDER}"
    LIBRARY_OUTPUT_DIRECTORY_RELEASE "${INTERROGATOR_ADDON_FOLDER}"
    # libtorch's folder is found when the addon is loaded, not baked in.
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH "")
  target_include_directories(${target} SYSTEM PRIVATE ${INTERROGATOR_NODE_INCLUDES})
  target_compile_definitions(${target} PRIVATE
    NAPI_VERSION=9 NODE_ADDON_API_CPP_EXCEPTIONS_ALL NODE_ADDON_API_DISABLE_DEPRECATED BUILDING_NODE_EXTENSION)
  if(APPLE)
    # Untried: Node itself supplies Node-API's symbols, which macOS's linker has to be told.
    target_link_options(${target} PRIVATE -undefined dynamic_lookup)
  else()
    # Node closes an addon with the last thread that loaded it, but libtorch keeps our operators and our allocator.
    target_link_options(${target} PRIVATE -Wl,-z,nodelete)
  endif()
  interrogator_warnings(${target})
endfunction()
