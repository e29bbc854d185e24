// libtorch's CUDAGraph behind plain C. Its allocator must know of a capture, so that memory of the graph stays the graph's.
#include <ATen/core/CachingHostAllocator.h>
#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAStream.h>

#include <exception>
#include <string>

#include "interrogator_cuda_graph.h"

namespace {

thread_local std::string last_error;

/// Runs `call`; an exception becomes -1 and its first line the error.
template <class Call>
int guarded(const Call& call) {
  try {
    call();
    return 0;
  } catch (const std::exception& failure) {
    const std::string text = failure.what();
    last_error = text.substr(0, text.find('\n'));
  } catch (...) {
    last_error = "an exception of an unknown type";
  }
  return -1;
}

at::cuda::CUDAGraph& graph_of(void* graph) { return *static_cast<at::cuda::CUDAGraph*>(graph); }

at::cuda::MempoolId_t id_of(interrogator_cuda_graph_pool pool) { return {pool.id[0], pool.id[1]}; }

}  // namespace

extern "C" {

int interrogator_cuda_graph_abi_version(void) { return INTERROGATOR_CUDA_GRAPH_ABI_VERSION; }

const char* interrogator_cuda_graph_error(void) { return last_error.c_str(); }

int interrogator_cuda_graph_new_pool(interrogator_cuda_graph_pool* pool) {
  return guarded([&] {
    const auto id = at::cuda::graph_pool_handle();
    *pool = {{id.first, id.second}};
  });
}

void* interrogator_cuda_graph_create(void) {
  at::cuda::CUDAGraph* graph = nullptr;
  guarded([&] { graph = new at::cuda::CUDAGraph(); });
  return graph;
}

void interrogator_cuda_graph_destroy(void* graph) {
  guarded([&] { delete static_cast<at::cuda::CUDAGraph*>(graph); });
}

int interrogator_cuda_graph_begin(void* graph, interrogator_cuda_graph_pool pool) {
  // The thread's own mode: what other threads ask of the device meanwhile does not break the capture.
  return guarded([&] { graph_of(graph).capture_begin(id_of(pool), cudaStreamCaptureModeThreadLocal); });
}

int interrogator_cuda_graph_end(void* graph) {
  return guarded([&] { graph_of(graph).capture_end(); });
}

void interrogator_cuda_graph_abandon(void* graph, interrogator_cuda_graph_pool pool) {
  guarded([&] { graph_of(graph).capture_end(); });
  // Where ending failed half-way, the allocator still waits for the end; where it did not, this is refused.
  guarded([&] { c10::cuda::CUDACachingAllocator::endAllocateToPool(c10::cuda::current_device(), id_of(pool)); });
  // So does the one of pinned memory, with a filter that belongs to the graph.
  guarded([&] { at::getHostAllocator(at::kCUDA)->end_allocate_to_pool(id_of(pool)); });
}

int interrogator_cuda_graph_replay(void* graph) {
  return guarded([&] { graph_of(graph).replay(); });
}

}  // extern "C"
