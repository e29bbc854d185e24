// Token ids of many texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace interrogator {

/// One after another: text i is ids[offsets[i] .. offsets[i+1]). Without start and end tokens; the model adds them and
/// cuts to the context as open_clip's tokenizer does (first context_length ids, the last replaced by the end token).
struct TokenLists {
  std::vector<std::int32_t> ids;
  std::vector<std::int32_t> offsets;  ///< count + 1 entries, rising, first 0, last ids.size()
  std::size_t count() const noexcept { return offsets.empty() ? 0 : offsets.size() - 1; }
};

}  // namespace interrogator
