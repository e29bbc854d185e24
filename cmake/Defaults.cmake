# What every target of ours shares: the language, warnings, sanitizers.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

option(INTERROGATOR_TESTS "Build the GoogleTest suites" OFF)
option(INTERROGATOR_BENCH "Build the benchmarks of the operators and the models" OFF)
set(INTERROGATOR_SANITIZE "" CACHE STRING "Sanitizer to build with: address, thread, undefined or none")
if(INTERROGATOR_SANITIZE)
  add_compile_options(-fsanitize=${INTERROGATOR_SANITIZE} -fno-omit-frame-pointer -g)
  add_link_options(-fsanitize=${INTERROGATOR_SANITIZE})
endif()

# Our warnings, for a target of ours.
function(interrogator_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra)
endfunction()
