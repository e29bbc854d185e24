// What make_caption_cases.py writes.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "interrogator/caption_model.h"
#include "support/model_cases.h"
#include "support/python.h"

namespace interrogator::test {

/// Options of generate, and what transformers gives with them for each image.
struct CaptionCase {
  GenerateOptions options;
  std::vector<std::vector<std::int32_t>> captions;
  std::string name;
};

/// The folder, made once a process.
inline const std::filesystem::path& caption_cases_folder() {
  struct Made {
    TemporaryFolder folder;
    Made() { run_python("support/make_caption_cases.py", {folder.path().string()}); }
  };
  static const Made made;
  return made.folder.path();
}

inline std::vector<CaptionCase> caption_cases(const Cases& cases) {
  std::vector<CaptionCase> all;
  const at::Tensor rows = cases.at("rows");
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const double* const row = rows.const_data_ptr<double>() + i * rows.size(1);
    CaptionCase made;
    made.options.max_tokens = static_cast<std::int64_t>(row[0]);
    made.options.num_beams = static_cast<std::int64_t>(row[1]);
    made.options.min_length = static_cast<std::int64_t>(row[2]);
    made.options.repetition_penalty = row[3];
    made.options.no_repeat_ngram_size = static_cast<std::int64_t>(row[4]);
    if (row[5] != 0) made.options.prompt = cases.ids("prompt");
    made.name = c10::str("most ", row[0], ", beams ", row[1], ", min length ", row[2], ", penalty ", row[3], ", n-gram ", row[4],
                         row[5] != 0 ? ", prompt" : "");
    for (int image = 0; cases.has(c10::str("ids", i, "_", image)); ++image) {
      made.captions.push_back(cases.ids(c10::str("ids", i, "_", image)));
    }
    all.push_back(std::move(made));
  }
  return all;
}

}  // namespace interrogator::test
