/* The CUDA kernels behind plain C: no C++ types, no libtorch, no exceptions.
 *
 * Every pointer into tensors is memory of `device` (CUDA's number of it; a call makes it the thread's current
 * device, as libtorch has it already), every size and stride counts elements, every stride is of rows whose last
 * dimension is contiguous. A call queues its kernels on `stream` (a cudaStream_t, null for the default stream) and
 * returns before they have run. It allocates nothing: scratch memory comes from the caller and must live until the
 * stream has passed.
 * Functions return INTERROGATOR_CUDA_OK or an error below; negative values are cudaError_t, negated. */
#ifndef INTERROGATOR_CUDA_H
#define INTERROGATOR_CUDA_H

#include <stdint.h>

#define INTERROGATOR_CUDA_API __attribute__((visibility("default")))

/* Raised with every change of what is below. */
#define INTERROGATOR_CUDA_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

enum {
  INTERROGATOR_CUDA_OK = 0,
  INTERROGATOR_CUDA_INVALID = 1,     /* sizes that do not fit each other */
  INTERROGATOR_CUDA_UNSUPPORTED = 2, /* right, but beyond what the kernels take: use another implementation */
  INTERROGATOR_CUDA_WORKSPACE = 3    /* the scratch memory is too small */
};

typedef enum { INTERROGATOR_CUDA_FLOAT32 = 0, INTERROGATOR_CUDA_FLOAT16 = 1, INTERROGATOR_CUDA_BFLOAT16 = 2 } interrogator_cuda_type;

INTERROGATOR_CUDA_API int interrogator_cuda_abi_version(void);
/* What an error means, for a person. Never null; the text lives as long as the library. */
INTERROGATOR_CUDA_API const char* interrogator_cuda_error_text(int error);

/* ---- tree attention: softmax(scale * q . [prefix_k, k[ancestors]]) . [prefix_v, v[ancestors]] ---- */

typedef struct {
  int32_t type;             /* interrogator_cuda_type of q, k, v, the prefix and the result */
  int32_t reserved;         /* 0 */
  int64_t rows;             /* R: queries */
  int64_t nodes;            /* M: keys and values of the tree */
  int64_t heads;            /* H, at most 65535 */
  int64_t head_dim;         /* d, at most 256 */
  int64_t prefix_length;    /* P, may be 0 */
  int64_t ancestors_width;  /* A, may be 0 */
  const void* q;            /* [R, H, d] */
  const void* k;            /* [M, H, d] */
  const void* v;            /* [M, H, d] */
  const void* prefix_k;     /* [H, P, d] */
  const void* prefix_v;     /* [H, P, d] */
  const int64_t* ancestors; /* [R, A], contiguous: what the row attends to, up to the first entry outside [0, M) */
  int64_t q_row_stride, q_head_stride;
  int64_t k_row_stride, k_head_stride;
  int64_t v_row_stride, v_head_stride;
  int64_t prefix_k_head_stride, prefix_k_row_stride;
  int64_t prefix_v_head_stride, prefix_v_row_stride;
  float scale;
  int32_t reserved_too; /* 0 */
  void* result;         /* [R, H, d], contiguous; zeros in a row that attends to nothing */
} interrogator_cuda_tree_attention_request;

INTERROGATOR_CUDA_API int interrogator_cuda_tree_attention(const interrogator_cuda_tree_attention_request* request, int32_t device,
                                                           void* stream);

/* ---- cosine top-k: the best labels of each feature ---- */

/* Label rows, float16 [rows, dim], contiguous. */
typedef struct {
  const void* data;
  int64_t rows;
} interrogator_cuda_label_rows;

typedef struct {
  const interrogator_cuda_label_rows* matrices; /* host memory: label matrices, ranked as if stacked in this order */
  int64_t matrix_count;
  const float* features; /* [batch, dim], contiguous */
  int64_t batch;         /* at most 65535 */
  int64_t dim;
  /* 0: the best of all rows. Else the best `keep` of each segment of so many rows, then the best of those. */
  int64_t segment_rows;
  int64_t keep;
  int64_t k;             /* 1 up to what the first stage keeps */
  int32_t reverse;       /* not 0: the first stage looks for the least similar */
  int32_t final_reverse; /* the same of the second; read where segment_rows is not 0 */
  int32_t* indices;      /* [batch, k], best first; the lowest index among equals, what is no number last */
  float* similarities;   /* [batch, k], not negated */
} interrogator_cuda_top_k_request;

/* Bytes of scratch memory that the call below needs; 0 for a request that it refuses. */
INTERROGATOR_CUDA_API int64_t interrogator_cuda_top_k_workspace(const interrogator_cuda_top_k_request* request);
INTERROGATOR_CUDA_API int interrogator_cuda_top_k(const interrogator_cuda_top_k_request* request, void* workspace, int64_t workspace_bytes,
                                                  int32_t device, void* stream);

/* ---- image transform: 8-bit RGB, resized as Pillow does, into model input ---- */

/* Which source pixels make each output pixel along one side, with 22-bit fixed-point weights:
 * source pixels first[i] and on, with weights[offsets[i]] up to weights[offsets[i + 1]]. */
typedef struct {
  const int32_t* first;   /* [count] */
  const int32_t* offsets; /* [count + 1] */
  const int32_t* weights;
  int64_t count;
} interrogator_cuda_taps;

typedef struct {
  const uint8_t* pixels; /* [height, width, 3]: what of the image the taps read, contiguous */
  int64_t height, width;
  interrogator_cuda_taps columns, rows; /* along the width, along the height */
  int32_t vertical_first;               /* which pass comes first; each rounds to 8 bits */
  int32_t type;                         /* interrogator_cuda_type of the result */
  int64_t window_width, window_height;  /* the result's */
  int64_t left, top;                    /* where columns.count x rows.count resized pixels lie in the window */
  int32_t fill;                         /* 0 to 255: the rest of the window */
  int32_t reserved;                     /* 0 */
  const float* values;                  /* [3, 256]: what each 8-bit value of each channel becomes */
  void* result;                         /* [3, window_height, window_width], contiguous */
} interrogator_cuda_image_request;

INTERROGATOR_CUDA_API int64_t interrogator_cuda_image_workspace(const interrogator_cuda_image_request* request);
INTERROGATOR_CUDA_API int interrogator_cuda_image(const interrogator_cuda_image_request* request, void* workspace, int64_t workspace_bytes,
                                                  int32_t device, void* stream);

#ifdef __cplusplus
}
#endif

#endif
