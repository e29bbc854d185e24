// What a caption's next token may be besides the likeliest: transformers' logits processors, in its order.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <span>
#include <vector>

#include "interrogator/caption_model.h"

namespace interrogator {

class TokenRules {
 public:
  /// start: what every sequence begins with.
  TokenRules(const GenerateOptions& options, std::int64_t eos_id, std::vector<std::int64_t> start);

  /// Whether nothing is changed.
  bool none() const noexcept { return repetition_penalty_ == 1 && no_repeat_ngram_size_ == 0 && min_length_ == 0; }

  /// float32 [rows, vocab_size] as transformers makes it of `scores`, logits or log probabilities of the same shape. new_ids: of each
  /// row what followed the start so far; all of one length.
  at::Tensor apply(const at::Tensor& scores, const std::vector<std::vector<std::int64_t>>& new_ids) const;

 private:
  const double repetition_penalty_;
  const std::int64_t no_repeat_ngram_size_, min_length_, eos_id_;
  const std::vector<std::int64_t> start_;
};

/// The ids that would end an n-gram of `size` that is in the sequence already.
std::vector<std::int64_t> repeating_ids(std::span<const std::int64_t> sequence, std::int64_t size);

}  // namespace interrogator
