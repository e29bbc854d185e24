// CUDA graphs of libtorch's work, from a library of ours that is opened after libtorch's CUDA half.
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>

#include "caption/decode_graph.h"
#include "device/cuda_kernels.h"
#include "interrogator_cuda_graph.h"

namespace interrogator {

namespace {

/// The functions of interrogator_cuda_graph.h.
struct GraphLibrary {
  explicit GraphLibrary(const std::filesystem::path& file) : library(file.c_str(), nullptr, /*leak_handle=*/true) {
    decltype(interrogator_cuda_graph_abi_version)* version = nullptr;
    find(library, "interrogator_cuda_graph_abi_version", version);
    if (version() != INTERROGATOR_CUDA_GRAPH_ABI_VERSION) throw std::runtime_error(file.string() + " is of another version");
    find(library, "interrogator_cuda_graph_error", error);
    find(library, "interrogator_cuda_graph_new_pool", new_pool);
    find(library, "interrogator_cuda_graph_create", create);
    find(library, "interrogator_cuda_graph_destroy", destroy);
    find(library, "interrogator_cuda_graph_begin", begin);
    find(library, "interrogator_cuda_graph_end", end);
    find(library, "interrogator_cuda_graph_abandon", abandon);
    find(library, "interrogator_cuda_graph_replay", replay);
  }

  void check(int code) const {
    if (code != 0) throw std::runtime_error(error());
  }

  at::DynamicLibrary library;
  decltype(interrogator_cuda_graph_error)* error = nullptr;
  decltype(interrogator_cuda_graph_new_pool)* new_pool = nullptr;
  decltype(interrogator_cuda_graph_create)* create = nullptr;
  decltype(interrogator_cuda_graph_destroy)* destroy = nullptr;
  decltype(interrogator_cuda_graph_begin)* begin = nullptr;
  decltype(interrogator_cuda_graph_end)* end = nullptr;
  decltype(interrogator_cuda_graph_abandon)* abandon = nullptr;
  decltype(interrogator_cuda_graph_replay)* replay = nullptr;
};

/// Null where it does not load. Never destroyed: graphs may be freed at exit.
const GraphLibrary* graph_library() {
  static const GraphLibrary* const opened = []() -> const GraphLibrary* {
    try {
      return new GraphLibrary(cuda_kernels_file().parent_path() / "libinterrogator_cuda_graph.so");
    } catch (const std::exception&) {
      return nullptr;
    }
  }();
  return opened;
}

class CudaGraph {
 public:
  CudaGraph(const GraphLibrary& library, interrogator_cuda_graph_pool pool) : library_(library), pool_(pool), graph_(library.create()) {
    if (!graph_) throw std::runtime_error(library.error());
  }
  CudaGraph(const CudaGraph&) = delete;
  CudaGraph& operator=(const CudaGraph&) = delete;
  ~CudaGraph() {
    const std::lock_guard lock(capturing());
    library_.destroy(graph_);
  }

  void capture(const std::function<void()>& work) {
    const std::lock_guard lock(capturing());
    try {
      library_.check(library_.begin(graph_, pool_));
      work();
      library_.check(library_.end(graph_));
    } catch (...) {
      library_.abandon(graph_, pool_);
      throw;
    }
  }

  void replay() { library_.check(library_.replay(graph_)); }

 private:
  /// libtorch registers a capture with the device's random generator, without a lock of its own.
  static std::mutex& capturing() {
    static std::mutex mutex;
    return mutex;
  }

  const GraphLibrary& library_;
  const interrogator_cuda_graph_pool pool_;
  void* const graph_;
};

}  // namespace

CapturePools device_graphs(c10::Device device) {
  const GraphLibrary* const library = device.is_cuda() ? graph_library() : nullptr;
  if (!library) return nullptr;
  return [library]() -> Capture {
    interrogator_cuda_graph_pool pool{};
    library->check(library->new_pool(&pool));
    return [library, pool](const std::function<void()>& work) -> Replay {
      const auto graph = std::make_shared<CudaGraph>(*library, pool);
      graph->capture(work);
      return [graph] { graph->replay(); };
    };
  };
}

}  // namespace interrogator
