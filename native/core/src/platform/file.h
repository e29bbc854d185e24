// Files that other processes may change at any time. We read them into memory of our own, and we write them so that nobody sees an
// unfinished one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <initializer_list>
#include <span>

namespace interrogator {

/// A regular file, open for reading. What it throws is Error(kIo).
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  /// Bytes, when it was opened.
  std::size_t size() const noexcept { return size_; }
  /// Fills `bytes` from this offset on. False where the file ends before that: it was cut since it was opened.
  bool read(std::size_t offset, std::span<std::byte> bytes) const;

 private:
  std::filesystem::path path_;
  int descriptor_ = -1;
  std::size_t size_ = 0;
};

/// Writes the parts one after another to a temporary name beside `path`, to the disk, then renames:
/// whoever opens `path` finds the old file or the whole new one. Makes the folder. Throws Error(kIo).
void write_file_atomically(const std::filesystem::path& path, std::initializer_list<std::span<const std::byte>> parts);

}  // namespace interrogator
