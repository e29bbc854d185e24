# GoogleTest as the target GTest::gtest_main: an installed one, the sources that distributions put under /usr/src, or
# else those sources from the distribution's package, unpacked in the build folder (no root needed).

find_package(GTest QUIET)
if(TARGET GTest::gtest_main)
  return()
endif()

set(gtest_source /usr/src/googletest)
if(NOT EXISTS "${gtest_source}/CMakeLists.txt")
  set(gtest_root "${CMAKE_BINARY_DIR}/googletest-package")
  set(gtest_source "${gtest_root}/usr/src/googletest")
  find_program(APT_GET apt-get)
  find_program(DPKG dpkg)
  if(NOT EXISTS "${gtest_source}/CMakeLists.txt" AND APT_GET AND DPKG)
    message(STATUS "Fetching GoogleTest with apt-get")
    file(MAKE_DIRECTORY "${gtest_root}")
    execute_process(COMMAND "${APT_GET}" download googletest WORKING_DIRECTORY "${gtest_root}" ERROR_VARIABLE apt_error OUTPUT_QUIET)
    file(GLOB packages "${gtest_root}/googletest_*.deb")
    if(NOT packages)
      # A fresh machine knows no packages yet: lists of our own, which need no root either.
      set(apt_folders -o "Dir::State::lists=${gtest_root}/lists" -o "Dir::Cache=${gtest_root}/cache")
      file(MAKE_DIRECTORY "${gtest_root}/lists/partial" "${gtest_root}/cache/archives/partial")
      execute_process(COMMAND "${APT_GET}" ${apt_folders} update ERROR_VARIABLE apt_error OUTPUT_QUIET)
      execute_process(
        COMMAND "${APT_GET}" ${apt_folders} download googletest
        WORKING_DIRECTORY "${gtest_root}" ERROR_VARIABLE apt_error OUTPUT_QUIET)
      file(GLOB packages "${gtest_root}/googletest_*.deb")
    endif()
    foreach(package ${packages})
      execute_process(COMMAND "${DPKG}" -x "${package}" "${gtest_root}")
    endforeach()
  endif()
  if(NOT EXISTS "${gtest_source}/CMakeLists.txt")
    message(FATAL_ERROR
      "GoogleTest was not found and could not be fetched. Install it (Debian, Ubuntu: apt-get install libgtest-dev; "
      "Fedora: dnf install gtest-devel; macOS: brew install googletest) or configure without -DINTERROGATOR_TESTS=ON.\n${apt_error}")
  endif()
endif()

set(INSTALL_GTEST OFF CACHE BOOL "" FORCE)
set(BUILD_GMOCK OFF CACHE BOOL "" FORCE)
add_subdirectory("${gtest_source}" "${CMAKE_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL)
