// The labels most similar to each feature: one pass over the label matrix.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "interrogator/ranking.h"
#include "ops/simd/sets.h"

namespace interrogator::ops {

/// The sum of the squares of each row of float16 [rows, dim], contiguous and on the CPU, accumulated in float32.
std::vector<float> squared_lengths(const at::Tensor& rows, SimdSet set = best_simd_set());

/// matrices: float16 [rows, dim] each, as if stacked in this order; features: float32 [batch, dim]; all of them contiguous and on the
/// CPU. The k most (reverse: least) similar rows of each feature, best first; the lowest index first
/// among equals, a similarity that is not a number last. k is capped at the number of rows. Dot
/// products of the float16 values are accumulated in float32. A feature's answer does not depend on
/// the batch that it is in. Where options.chunk_size is not 0: clip-interrogator's chunked ranking, see ranking_stages.h.
TopK rank(const std::vector<at::Tensor>& matrices, const at::Tensor& features, const TopKOptions& options, SimdSet set = best_simd_set());

}  // namespace interrogator::ops
