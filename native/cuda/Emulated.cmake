# The kernels' sources compiled for the CPU over test/emulator.h, behind the same plain C: what the core's tests open in
# the device's place. And the emulator's own tests.
add_library(interrogator_emulator STATIC test/emulator.cc)
target_include_directories(interrogator_emulator PUBLIC ${cuda_includes} test)
target_compile_definitions(interrogator_emulator PUBLIC INTERROGATOR_EMULATE)
# Numbers of 16 and 32 bits alike are read in 16-byte vectors; and jumps between stacks are what fibers are.
target_compile_options(interrogator_emulator PUBLIC -fno-strict-aliasing -U_FORTIFY_SOURCE)
target_include_directories(interrogator_emulator SYSTEM PUBLIC
  "$<TARGET_PROPERTY:libtorch::libtorch,INTERFACE_INCLUDE_DIRECTORIES>")
interrogator_warnings(interrogator_emulator)

set_source_files_properties(${kernel_sources} PROPERTIES LANGUAGE CXX)
add_library(interrogator_cuda_emulated MODULE ${kernel_sources})
target_link_libraries(interrogator_cuda_emulated PRIVATE interrogator_emulator)
interrogator_warnings(interrogator_cuda_emulated)

file(GLOB emulator_tests CONFIGURE_DEPENDS test/*_test.cc)
add_executable(interrogator_emulator_tests ${emulator_tests})
target_link_libraries(interrogator_emulator_tests PRIVATE interrogator_emulator GTest::gtest_main)
interrogator_warnings(interrogator_emulator_tests)
add_test(NAME cuda-emulator COMMAND interrogator_emulator_tests)
