// A zip archive whose entries are stored as they are, as PyTorch writes them: where each lies in the file.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "platform/file.h"

namespace interrogator {

struct ByteRange {
  std::uint64_t offset = 0, size = 0;
};

/// The directory alone is read, with its 64-bit fields. Throws std::runtime_error saying what is wrong with the file, and Error(kIo).
class ZipArchive {
 public:
  explicit ZipArchive(std::shared_ptr<const InputFile> file);

  const std::shared_ptr<const InputFile>& file() const noexcept { return file_; }
  /// Whether there is an entry below this folder ("archive/code/").
  bool has_below(const std::string& folder) const;
  /// The one folder at the top that has an entry of this name in it; none where there is none.
  std::optional<std::string> folder_with(const std::string& name) const;
  /// The bytes of an entry, which lie inside the file; none where there is no such entry. An entry that is compressed or encrypted is
  /// refused.
  std::optional<ByteRange> find(const std::string& name) const;

 private:
  struct Entry {
    std::uint64_t header = 0, size = 0, stored_size = 0;
    std::uint16_t method = 0, flags = 0;
  };

  void read_directory(const ByteRange& directory);

  const std::shared_ptr<const InputFile> file_;
  std::uint64_t end_ = 0;                 ///< of the entries: where the directory begins
  std::map<std::string, Entry> entries_;  // not a hash table, which names made for it turn into a list
};

}  // namespace interrogator
