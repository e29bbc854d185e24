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
  TokenRules(const GenerateOptions& options, std::int64_t eos_id);

  /// Whether nothing is changed.
  bool none() const noexcept { return repetition_penalty_ == 1 && no_repeat_ngram_size_ == 0 && min_length_ == 0; }

  /// float32 [rows, vocab_size] as transformers makes it of `scores`, logits or log probabilities of the same shape. sequences: of each
  /// row all ids so far, what stands for the image included; all of one length.
  at::Tensor apply(const at::Tensor& scores, const std::vector<std::span<const std::int64_t>>& sequences) const;

 private:
  const double repetition_penalty_;
  const std::int64_t no_repeat_ngram_size_, min_length_, eos_id_;
};

/// The ids that would end an n-gram of `size` that is in the sequence already.
std::vector<std::int64_t> repeating_ids(std::span<const std::int64_t> sequence, std::int64_t size);

}  // namespace interrogator
