// A file's bytes in memory, read only, without reading what is not looked at.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>

namespace interrogator {

class MappedFile {
 public:
  /// Throws Error(kIo).
  static std::shared_ptr<const MappedFile> open(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  std::span<const std::byte> bytes() const noexcept { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

/// Writes the parts one after another to a temporary name beside `path`, to the disk, then renames:
/// whoever opens `path` finds the old file or the whole new one. Makes the folder. Throws Error(kIo).
void write_file_atomically(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts);

}  // namespace interrogator
