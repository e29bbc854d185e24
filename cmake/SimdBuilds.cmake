# interrogator_simd_builds(<target> <sources…> [BFLOAT16 <source>]): adds each source once for each instruction set that the core chooses from
# at run time, with INTERROGATOR_SIMD naming the set. On other
# processors than x86-64 that is the baseline alone, which nobody has tried (arm64). The source of BFLOAT16 is added once, for AVX-512 with
# BF16, and on other processors than x86-64 not at all.
function(interrogator_simd_builds target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "BFLOAT16" "")
  set(sets baseline)
  set(flags_baseline "")
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
    list(APPEND sets avx2 avx512)
    set(flags_avx2 -mavx2 -mfma -mf16c)
    # Vectors of eight floats would do, but 512-bit registers are what the set is for.
    set(flags_avx512 -mavx512f -mavx512dq -mavx2 -mfma -mf16c -mprefer-vector-width=512)
    set(flags_avx512_bf16 ${flags_avx512} -mavx512bf16)
    target_compile_definitions(${target} PRIVATE INTERROGATOR_X86_SIMD=1)
    if(arg_BFLOAT16)
      list(APPEND sets avx512_bf16)
    endif()
  endif()
  foreach(set ${sets})
    set(part ${target}_${set})
    if(set STREQUAL "avx512_bf16")
      add_library(${part} OBJECT ${arg_BFLOAT16})
    else()
      add_library(${part} OBJECT ${arg_UNPARSED_ARGUMENTS})
    endif()
    target_include_directories(${part} PRIVATE include src)
    target_compile_definitions(${part} PRIVATE INTERROGATOR_SIMD=${set})
    interrogator_warnings(${part})
    # A multiplication and an addition may become one instruction: another rounding, the same on every row.
    target_compile_options(${part} PRIVATE -O3 -ffp-contract=fast -Wno-psabi -Wno-maybe-uninitialized ${flags_${set}})
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${part}>)
  endforeach()
endfunction()
