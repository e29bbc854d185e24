/* Work of libtorch captured as CUDA graphs, behind plain C. The library links nothing: it takes libtorch's CUDA half
 * from the process, so it must be opened after that. Functions return 0, or -1 with a text in
 * interrogator_cuda_graph_error. A graph belongs to the thread, stream and device that captured it. */
#ifndef INTERROGATOR_CUDA_GRAPH_H
#define INTERROGATOR_CUDA_GRAPH_H

#include <stdint.h>

#include "interrogator_cuda.h"

#define INTERROGATOR_CUDA_GRAPH_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* Where graphs take their memory from. Those of one pool may overwrite each other's results. */
typedef struct {
  uint64_t id[2];
} interrogator_cuda_graph_pool;

INTERROGATOR_CUDA_API int interrogator_cuda_graph_abi_version(void);
/* Why the last call on this thread failed; lives until the next one. */
INTERROGATOR_CUDA_API const char* interrogator_cuda_graph_error(void);

INTERROGATOR_CUDA_API int interrogator_cuda_graph_new_pool(interrogator_cuda_graph_pool* pool);
/* Null where it fails. */
INTERROGATOR_CUDA_API void* interrogator_cuda_graph_create(void);
INTERROGATOR_CUDA_API void interrogator_cuda_graph_destroy(void* graph);
/* What the thread queues on its stream from here on is recorded. The stream must not be the default one. */
INTERROGATOR_CUDA_API int interrogator_cuda_graph_begin(void* graph, interrogator_cuda_graph_pool pool);
INTERROGATOR_CUDA_API int interrogator_cuda_graph_end(void* graph);
/* Ends a capture whose work failed; the graph is of no more use. */
INTERROGATOR_CUDA_API void interrogator_cuda_graph_abandon(void* graph, interrogator_cuda_graph_pool pool);
INTERROGATOR_CUDA_API int interrogator_cuda_graph_replay(void* graph);

#ifdef __cplusplus
}
#endif

#endif
