// Token ids of many texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace interrogator {

/// One after another: text i is ids[offsets[i] .. offsets[i+1]). Without start and end tokens; the model adds them and
/// cuts to the context as open_clip's tokenizer does (first context_length ids, the last replaced by the end token).
struct TokenLists {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> offsets;  ///< count + 1 entries, rising, first 0, last ids.size()
  std::size_t count() const noexcept { return offsets.empty() ? 0 : offsets.size() - 1; }
  std::span<const std::int32_t> text(std::int64_t index) const {
    const auto at = static_cast<std::size_t>(index);
    return std::span(ids).subspan(static_cast<std::size_t>(offsets[at]), static_cast<std::size_t>(offsets[at + 1] - offsets[at]));
  }
};

}  // namespace interrogator
